//! Locks across processes: one holder at a time, and late ones are told and refused.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use kith::infra::lock::{Locks, NotTaken};
use kith::infra::redis::{Attached, Redis, Server, Supervisor};
use kith::kernel::IdFactory;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::support::with_database;

const LIFETIME: Duration = Duration::from_millis(300);

struct Nobody;

impl Attached for Nobody {
    fn attach<'a>(
        &'a self,
        _: &'a mut redis::aio::MultiplexedConnection,
        _: &'a str,
    ) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async { Ok(()) })
    }
    fn detach(&self) {}
}

struct Scene {
    redis: Redis,
    pool: PgPool,
    stop: CancellationToken,
}

impl Scene {
    async fn set(pool: PgPool) -> Self {
        let url = std::env::var("REDIS_URL").expect("REDIS_URL names a server for tests");
        let chance: [u8; 8] = IdFactory::from_os().bytes();
        let redis = Redis::new(format!("lock-test-{:016x}", u64::from_be_bytes(chance)));
        let stop = CancellationToken::new();
        let supervisor = Supervisor {
            redis: redis.clone(),
            server: Server::parse(&url).unwrap(),
            scripts: Vec::new(),
            attached: Arc::new(Nobody),
        };
        tokio::spawn(supervisor.run(stop.clone()));
        while !redis.is_up() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Self { redis, pool, stop }
    }

    fn locks(&self) -> Locks {
        Locks::new(self.redis.clone(), self.pool.clone(), IdFactory::from_os())
    }

    /// What stands in Redis for the lock `l`.
    async fn command(&self, name: &str, rest: &[&str]) -> Option<String> {
        let mut pipe = redis::pipe();
        pipe.cmd(name).arg(self.redis.key("lock:{l}")).arg(rest);
        let (answer,): (Option<String>,) = self.redis.query(&pipe).await.unwrap();
        answer
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[tokio::test]
async fn one_holder_at_a_time_and_each_with_a_higher_token() {
    with_database(|pool| async move {
        let scene = Scene::set(pool).await;
        let (one, two) = (scene.locks(), scene.locks());
        let first = one.try_take("l", LIFETIME).await.unwrap();
        let refused = two.try_take("l", LIFETIME).await;
        assert!(matches!(refused, Err(NotTaken::Held)));
        assert!(two.try_take("another", LIFETIME).await.is_ok());
        let token = first.token();
        let waiting = two.take("l", LIFETIME, Duration::from_secs(2));
        let releasing = async {
            tokio::time::sleep(Duration::from_millis(60)).await;
            assert!(first.release().await);
        };
        let (second, ()) = tokio::join!(waiting, releasing);
        assert!(second.unwrap().token() > token);
        // Its holder dropped it, so it is not renewed: patience ends first, then the lock.
        let hasty = one.take("l", LIFETIME, Duration::from_millis(30)).await;
        assert!(matches!(hasty, Err(NotTaken::Held)));
        assert!(
            one.take("l", LIFETIME, Duration::from_secs(2))
                .await
                .is_ok()
        );
    })
    .await;
}

#[tokio::test]
async fn a_lock_is_renewed_for_as_long_as_it_is_held() {
    with_database(|pool| async move {
        let scene = Scene::set(pool).await;
        let held = scene.locks().try_take("l", LIFETIME).await.unwrap();
        let until = tokio::time::Instant::now() + LIFETIME * 3;
        while tokio::time::Instant::now() < until {
            let refused = scene.locks().try_take("l", LIFETIME).await;
            assert!(matches!(refused, Err(NotTaken::Held)));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(!held.lost().is_cancelled());
        assert!(held.release().await);
    })
    .await;
}

#[tokio::test]
async fn a_holder_that_lost_it_is_told_and_frees_nobody_elses_lock() {
    with_database(|pool| async move {
        let scene = Scene::set(pool).await;
        let late = scene.locks().try_take("l", LIFETIME).await.unwrap();
        // Redis forgets it, and somebody else takes it.
        scene.command("GETDEL", &[]).await;
        let now = scene.locks().try_take("l", LIFETIME).await.unwrap();
        tokio::time::timeout(LIFETIME, late.lost().cancelled())
            .await
            .expect("it is told within the lock's lifetime");
        assert!(!late.release().await);
        let word = scene.command("GET", &[]).await;
        assert!(word.is_some(), "the other's lock stands");
        assert!(now.release().await);
        assert_eq!(scene.command("GET", &[]).await, None);
    })
    .await;
}

#[tokio::test]
async fn a_holder_is_told_when_redis_is_away_for_too_long() {
    with_database(|pool| async move {
        let scene = Scene::set(pool).await;
        let held = scene.locks().try_take("l", LIFETIME).await.unwrap();
        scene.stop.cancel();
        tokio::time::timeout(LIFETIME * 2, held.lost().cancelled())
            .await
            .expect("it is told");
        let refused = scene.locks().try_take("l", LIFETIME).await;
        assert!(matches!(refused, Err(NotTaken::Away(_))));
    })
    .await;
}

#[tokio::test]
async fn a_late_holder_cannot_write_what_is_guarded() {
    with_database(|pool| async move {
        let scene = Scene::set(pool.clone()).await;
        let late = scene.locks().try_take("l", LIFETIME).await.unwrap();
        let mut tx = pool.begin().await.unwrap();
        late.guard(&mut tx).await.unwrap();
        late.guard(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        scene.command("GETDEL", &[]).await;
        let now = scene.locks().try_take("l", LIFETIME).await.unwrap();
        let mut tx = pool.begin().await.unwrap();
        now.guard(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = pool.begin().await.unwrap();
        assert!(late.guard(&mut tx).await.is_err());
        assert!(late.lost().is_cancelled());
    })
    .await;
}

#[tokio::test]
async fn a_token_drawn_before_that_of_the_last_holder_is_drawn_again() {
    with_database(|pool| async move {
        let scene = Scene::set(pool.clone()).await;
        let first = scene.locks().try_take("l", LIFETIME).await.unwrap();
        let token = first.token();
        assert!(first.release().await);
        // As if this process had drawn its token long ago.
        sqlx::query("select setval('lock_token', greatest($1 - 1, 1), false)")
            .bind(token)
            .execute(&pool)
            .await
            .unwrap();
        let second = scene.locks().try_take("l", LIFETIME).await.unwrap();
        assert!(second.token() > token);
    })
    .await;
}
