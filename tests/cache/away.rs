//! Redis comes, goes, stalls, and returns with old data.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use kith::infra::cache::{Cache, SCRIPTS};
use kith::infra::redis::{Attached, DEADLINE, Redis, Server, Supervisor};
use redis::aio::MultiplexedConnection;
use tokio::sync::Notify;

use crate::bed::{Bed, Setup, tags};
use crate::redis_server::OwnRedis;
use crate::things::{LASTING, THINGS, Things, things};

#[tokio::test]
async fn a_restored_snapshot_brings_nothing_old_back() {
    let mut redis = OwnRedis::start().await;
    let bed = Bed::at(&redis).await;
    let (one, two) = (bed.process().await, bed.process().await);
    bed.set("a", 1).await;
    assert_eq!(one.size("a").await, Some(1));
    let epoch = one.cache.epoch().unwrap();
    let saved = redis::cmd("SAVE").exec_async(&mut bed.redis().await).await;
    saved.unwrap();
    bed.write(&two, "a", 2).await;
    // Long delivered and long deleted: nobody voids it again.
    bed.run("truncate cache_void").await;
    drop((one, two));
    redis.kill();
    redis.launch().await;
    let (one, two) = (bed.process().await, bed.process().await);
    assert_eq!(one.size("a").await, Some(2));
    assert_eq!(two.size("a").await, Some(2));
    assert!(one.cache.epoch().unwrap() > epoch);
    assert_eq!(one.cache.epoch(), two.cache.epoch());
    bed.end().await;
}

#[tokio::test]
async fn what_was_voided_while_redis_was_away_is_void_when_it_is_back() {
    let redis = OwnRedis::start().await;
    let bed = Bed::at(&redis).await;
    let (one, two) = (bed.process().await, bed.process().await);
    bed.set("a", 1).await;
    assert_eq!(
        (one.size("a").await, two.size("a").await),
        (Some(1), Some(1))
    );
    redis.hold();
    bed.write(&one, "a", 2).await;
    assert_eq!(one.size("a").await, Some(2), "its own write");
    redis.go_on();
    one.is_up().await;
    assert_eq!(one.size("a").await, Some(2));
    assert_eq!(two.size("a").await, Some(2));
    assert!(
        bed.count("select count(*) from cache_void").await > 0,
        "the rows wait for the relay"
    );
    bed.end().await;
}

#[tokio::test]
async fn an_empty_redis_is_filled_again() {
    let mut redis = OwnRedis::start().await;
    let bed = Bed::at(&redis).await;
    let one = bed.process().await;
    bed.set("a", 1).await;
    assert_eq!(one.size("a").await, Some(1));
    redis.kill();
    one.is_down().await;
    bed.write(&one, "a", 2).await;
    assert_eq!(one.size("a").await, Some(2));
    redis.launch().await;
    one.is_up().await;
    let two = bed.process().await;
    assert_eq!(one.size("a").await, Some(2));
    let loads = bed.loads().await;
    assert_eq!(two.size("a").await, Some(2));
    assert_eq!(bed.loads().await, loads, "from Redis");
    bed.end().await;
}

#[tokio::test]
async fn a_process_starts_without_redis_and_finds_it_later() {
    let mut redis = OwnRedis::not_started();
    let bed = Bed::at(&redis).await;
    let one = bed.lonely_process(Setup::default());
    bed.set("a", 1).await;
    assert_eq!(one.size("a").await, Some(1));
    assert_eq!(one.cache.epoch(), None);
    bed.write(&one, "a", 2).await;
    assert_eq!(one.size("a").await, Some(2), "its own voids count");
    redis.launch().await;
    one.is_up().await;
    let two = bed.process().await;
    bed.write(&two, "a", 3).await;
    assert_eq!(one.size("a").await, Some(3));
    bed.end().await;
}

#[tokio::test]
async fn without_redis_a_process_believes_itself_for_a_second_and_decides_nothing() {
    static DECIDING: Things = things("deciding", LASTING.deciding());
    static OTHER: Things = things("other", LASTING);
    let redis = OwnRedis::not_started();
    let bed = Bed::at(&redis).await;
    let one = bed.lonely_process(Setup::of([&DECIDING, &OTHER]));
    bed.set("a", 1).await;
    assert_eq!(one.size_in(&DECIDING, "a").await, Some(1));
    assert_eq!(one.size_in(&OTHER, "a").await, Some(1));
    // By another process, which has no way to tell.
    bed.set("a", 2).await;
    assert_eq!(one.size_in(&DECIDING, "a").await, Some(2));
    assert_eq!(one.size_in(&OTHER, "a").await, Some(1));
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    assert_eq!(one.size_in(&OTHER, "a").await, Some(2));
}

#[tokio::test]
async fn a_stalled_redis_opens_the_breaker_and_closes_it_when_it_goes_on() {
    let redis = OwnRedis::start().await;
    let bed = Bed::at(&redis).await;
    let one = bed.process().await;
    bed.set("a", 1).await;
    redis.hold();
    let began = Instant::now();
    for n in 0..20 {
        assert_eq!(one.size(&format!("absent-{n}")).await, None);
    }
    let took = began.elapsed();
    assert!(took < Duration::from_millis(1_500), "{took:?}");
    assert!(!one.cache.redis().is_up(), "nobody waits for it any more");
    let began = Instant::now();
    assert_eq!(one.size("a").await, Some(1));
    assert!(
        began.elapsed() < Duration::from_millis(200),
        "{:?}",
        began.elapsed()
    );
    redis.go_on();
    let back = tokio::time::timeout(Duration::from_secs(2), one.is_up()).await;
    back.expect("it is there again");
    assert_eq!(one.size("a").await, Some(1));
    bed.end().await;
}

/// Needs no making ready.
struct Nobody;

impl Attached for Nobody {
    fn attach<'a>(
        &'a self,
        _: &'a mut MultiplexedConnection,
        _: &'a str,
    ) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async { Ok(()) })
    }
    fn detach(&self) {}
}

#[tokio::test]
async fn with_more_voids_than_a_connection_is_told_of_nothing_old_counts() {
    let redis = OwnRedis::start().await;
    let bed = Bed::at(&redis).await;
    let one = bed.process().await;
    bed.set("a", 1).await;
    assert_eq!(one.size("a").await, Some(1));
    let epoch = one.cache.epoch().unwrap();
    drop(one);
    bed.run("insert into cache_void (tags) select array['thing:' || n] from generate_series(1, 20000) n")
        .await;
    bed.set("a", 2).await;
    let two = bed.process().await;
    assert_eq!(two.size("a").await, Some(2));
    assert!(two.cache.epoch().unwrap() > epoch);
    bed.end().await;
}

/// Lets a write happen when the cache has made a connection ready and nobody has it yet.
struct Pausing {
    cache: Cache,
    ready: Notify,
    go_on: Notify,
}

impl Attached for Pausing {
    fn attach<'a>(
        &'a self,
        conn: &'a mut MultiplexedConnection,
        run_id: &'a str,
    ) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            self.cache.attach(conn, run_id).await?;
            self.ready.notify_one();
            self.go_on.notified().await;
            Ok(())
        })
    }

    fn handed_out(&self) -> BoxFuture<'_, ()> {
        self.cache.handed_out()
    }

    fn detach(&self) {
        self.cache.detach();
    }
}

#[tokio::test]
async fn a_process_sees_what_it_wrote_while_its_connection_was_made_ready() {
    let redis = OwnRedis::start().await;
    let bed = Bed::at(&redis).await;
    let other = bed.process().await;
    bed.set("a", 1).await;
    assert_eq!(other.size("a").await, Some(1), "and Redis has it");
    // Nothing waits that the new connection would void on its own.
    bed.run("delete from cache_void").await;
    let cache = bed.cache(Setup::default());
    let pausing = Arc::new(Pausing {
        cache: cache.clone(),
        ready: Notify::new(),
        go_on: Notify::new(),
    });
    let supervisor = Supervisor {
        redis: cache.redis().clone(),
        server: Server::parse(&redis.url()).unwrap(),
        scripts: SCRIPTS.to_vec(),
        attached: pausing.clone(),
    };
    let connecting = tokio::spawn(async move { supervisor.connect_once().await });
    pausing.ready.notified().await;
    bed.set("a", 2).await;
    assert!(!cache.void(&tags(["thing:a"])).await, "nobody to tell");
    pausing.go_on.notify_one();
    connecting.await.unwrap().unwrap();
    cache.step().await;
    let found = cache.get(&THINGS, &"a".to_owned()).await.unwrap();
    assert_eq!(found.map(|thing| thing.size), Some(2));
    bed.end().await;
}

#[tokio::test]
async fn an_answer_that_waits_in_the_socket_of_a_busy_thread_is_not_late() {
    let server = OwnRedis::start().await;
    let redis = Redis::new("busy");
    let supervisor = Supervisor {
        redis: redis.clone(),
        server: Server::parse(&server.url()).unwrap(),
        scripts: Vec::new(),
        attached: Arc::new(Nobody),
    };
    supervisor.connect_once().await.unwrap();
    let mut ping = ::redis::pipe();
    ping.ping();
    let ask = async || redis.query::<(String,)>(&ping).await;
    ask().await.unwrap();
    // By now this thread has its own connection.
    tokio::time::sleep(Duration::from_millis(100)).await;
    for _ in 0..5 {
        let busy = async {
            tokio::task::yield_now().await;
            std::thread::sleep(DEADLINE * 2);
        };
        let (answer, ()) = tokio::join!(ask(), busy);
        answer.unwrap();
    }
}
