//! Locks across processes, in Redis. A lock saves work; what must be right rests on Postgres.
//!
//! A lock lives for a while and is renewed by a task. A holder that cannot renew it is told through
//! a [`CancellationToken`], before the lock can be another's. A process that stood still may still
//! write late, so a write that must not be repeated is guarded by the holder's fencing token:
//! [`Lock::guard`], in the transaction of the write.

mod store;

use std::sync::Arc;
use std::time::Duration;

use redis::Pipeline;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::db::Conn;
use super::redis::{Away, PATIENT, Redis};
use crate::kernel::{Error, IdFactory, Result};

const ACQUIRE: &str = include_str!("acquire.lua");
const RENEW: &str = include_str!("renew.lua");
const RELEASE: &str = include_str!("release.lua");
/// Between two tries to take a lock; as much again is added by chance.
const RETRY: Duration = Duration::from_millis(25);

/// Takes locks.
#[derive(Clone)]
pub struct Locks {
    redis: Redis,
    pool: sqlx::PgPool,
    ids: IdFactory,
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// Somebody else has it.
    #[error("another process has the lock")]
    Held,
    /// Redis cannot be asked. Whoever may do the work twice goes on without the lock.
    #[error(transparent)]
    Away(#[from] Away),
    /// Postgres gave no token.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Locks {
    /// Locks in `redis`, with tokens of the database of `pool`.
    pub fn new(redis: Redis, pool: sqlx::PgPool, ids: IdFactory) -> Self {
        Self { redis, pool, ids }
    }

    /// Takes the lock `name` if it is free. It frees itself `lifetime` after its holder has died,
    /// and is renewed three times in that span while its holder lives.
    pub async fn try_take(&self, name: &str, lifetime: Duration) -> Result<Lock, NotTaken> {
        let (token, held, asked) = loop {
            // Drawn before the lock is taken: a holder that stood still in between would have a
            // higher one than whoever took the lock after it.
            let mut conn = self.pool.acquire().await.map_err(Error::from)?;
            let token = store::next_token(&mut conn).await?;
            drop(conn);
            let held = self.held(name, lifetime);
            let asked = Instant::now();
            match held.acquire(token).await? {
                Taken::Yes => break (token, held, asked),
                Taken::No => return Err(NotTaken::Held),
                Taken::Outrun => {}
            }
        };
        let lost = CancellationToken::new();
        let released = CancellationToken::new();
        let held = Arc::new(held);
        let renewing = keep(Arc::clone(&held), asked, lost.clone(), released.clone());
        tokio::spawn(renewing);
        Ok(Lock {
            name: name.to_owned(),
            token,
            held,
            lost,
            released,
        })
    }

    fn held(&self, name: &str, lifetime: Duration) -> Held {
        let secret: [u8; 16] = self.ids.bytes();
        Held {
            redis: self.redis.clone(),
            // In braces, so that both keys lie on one node of a cluster.
            key: self.redis.key(format_args!("lock:{{{name}}}")),
            word: format!("{:032x}", u128::from_be_bytes(secret)),
            lifetime,
        }
    }

    /// The same, trying again until `patience` is over.
    pub async fn take(
        &self,
        name: &str,
        lifetime: Duration,
        patience: Duration,
    ) -> Result<Lock, NotTaken> {
        let until = Instant::now() + patience;
        loop {
            match self.try_take(name, lifetime).await {
                Err(NotTaken::Held) => {}
                other => return other,
            }
            // Those who wait together do not come back together.
            let chance = f64::from(u16::from_le_bytes(self.ids.bytes())) / f64::from(u16::MAX);
            let pause = RETRY.mul_f64(1.0 + chance);
            if Instant::now() + pause >= until {
                return Err(NotTaken::Held);
            }
            sleep(pause).await;
        }
    }
}

/// A lock that is held. Dropped, it is not renewed any more and frees itself; [`Lock::release`] frees
/// it at once.
pub struct Lock {
    name: String,
    token: i64,
    held: Arc<Held>,
    lost: CancellationToken,
    released: CancellationToken,
}

impl Lock {
    /// Higher than that of every holder before.
    pub fn token(&self) -> i64 {
        self.token
    }

    /// Cancelled as soon as the lock may be another's: stop working.
    pub fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// Guards the writes of the caller's transaction: fails if a later holder has written under this
    /// lock, and keeps an earlier one from writing after this transaction. To be called before them.
    pub async fn guard(&self, conn: &mut Conn) -> Result<()> {
        if store::raise_fence(conn, &self.name, self.token).await? {
            return Ok(());
        }
        self.lost.cancel();
        let name = &self.name;
        Err(Error::internal(anyhow::anyhow!(
            "the lock {name} is held by another process"
        )))
    }

    /// Frees it, and says whether it was still held.
    pub async fn release(self) -> bool {
        self.released.cancel();
        self.held.eval(RELEASE).await.unwrap_or(false)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.released.cancel();
    }
}

enum Taken {
    Yes,
    No,
    /// Somebody drew a later token and took the lock earlier.
    Outrun,
}

/// What is in Redis.
struct Held {
    redis: Redis,
    key: String,
    word: String,
    lifetime: Duration,
}

impl Held {
    fn millis(&self) -> u64 {
        u64::try_from(self.lifetime.as_millis()).unwrap_or(u64::MAX)
    }

    async fn acquire(&self, token: i64) -> Result<Taken, Away> {
        let mut pipe = Pipeline::new();
        pipe.cmd("EVAL").arg(ACQUIRE).arg(2).arg(&self.key);
        pipe.arg(format!("{}:token", self.key)).arg(&self.word);
        pipe.arg(self.millis()).arg(token);
        let (taken,): (i64,) = self.redis.query_within(&pipe, PATIENT).await?;
        Ok(match taken {
            1 => Taken::Yes,
            0 => Taken::No,
            _ => Taken::Outrun,
        })
    }

    async fn eval(&self, script: &str) -> Result<bool, Away> {
        let mut pipe = Pipeline::new();
        pipe.cmd("EVAL").arg(script).arg(1).arg(&self.key);
        pipe.arg(&self.word).arg(self.millis());
        let (changed,): (i64,) = self.redis.query_within(&pipe, PATIENT).await?;
        Ok(changed == 1)
    }
}

/// Renews until it is released or lost. Lifetimes are counted from when they were asked for, so that
/// the holder knows of the end no later than Redis does.
async fn keep(
    held: Arc<Held>,
    mut asked: Instant,
    lost: CancellationToken,
    released: CancellationToken,
) {
    let pause = held.lifetime / 3;
    loop {
        let ends = asked + held.lifetime;
        tokio::select! {
            () = released.cancelled() => return,
            () = sleep(pause) => {}
        }
        let now = Instant::now();
        let renewal = tokio::time::timeout_at(ends, held.eval(RENEW)).await;
        match renewal {
            Ok(Ok(true)) => asked = now,
            Ok(Err(_away)) if Instant::now() + pause < ends => {}
            _ => {
                lost.cancel();
                return;
            }
        }
    }
}
