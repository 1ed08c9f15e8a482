//! Which requests may work with the database at once.
//!
//! A request asks for one connection after the other. If every request might join the pool's line, then
//! under more than the database can do each would wait a little at each of its statements, and nobody
//! would be done in time. So a request takes a [place](Admission) before its first connection and keeps
//! it to its end: those who are in are served at full speed, and whoever finds no place in time is told
//! to come back later, before any work was done for them. What needs no database needs no place.
//!
//! As with [`crate::infra::meter`], the place is found in a task-local variable, so that nothing has to
//! be handed down. Work that no request waits for (jobs, tools) has no admission to pass.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres, Transaction};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use super::doubt;
use super::pool::Waiting;
use crate::kernel::{Code, Error, Result};

/// Places for each connection of the pool: while one request has the connection, others that are in
/// ask Redis or work on their answers.
pub const PLACES_PER_CONNECTION: u32 = 4;

tokio::task_local! {
    static VISIT: Visit;
}

/// The places. A clone hands out the same ones.
#[derive(Debug, Clone)]
pub struct Admission(Arc<Places>);

#[derive(Debug)]
struct Places {
    free: Arc<Semaphore>,
    patience: Duration,
    refused: AtomicU64,
}

/// What one request knows of its place. It is free again when the last clone is gone.
#[derive(Clone)]
pub struct Visit {
    places: Arc<Places>,
    held: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

impl Admission {
    /// Places for a pool of `connections`; who waits for one longer than `patience` is refused.
    pub fn new(connections: u32, patience: Duration) -> Self {
        let places = usize::try_from(connections * PLACES_PER_CONNECTION).unwrap_or(usize::MAX);
        Self(Arc::new(Places {
            free: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            patience,
            refused: AtomicU64::new(0),
        }))
    }

    /// Runs `work` as one request: whatever it does with the database, it has one place.
    pub async fn scope<F: Future>(&self, work: F) -> F::Output {
        let visit = Visit {
            places: Arc::clone(&self.0),
            held: Arc::default(),
        };
        VISIT.scope(visit, work).await
    }

    /// How many requests were refused since the start of the process.
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }
}

impl Visit {
    async fn take_place(&self) -> Result<()> {
        let mut held = self.held.lock().await;
        if held.is_none() {
            let place = Arc::clone(&self.places.free).acquire_owned();
            let place = tokio::time::timeout(self.places.patience, place).await;
            *held = Some(place.ok().and_then(Result::ok).ok_or_else(|| {
                self.places.refused.fetch_add(1, Ordering::Relaxed);
                too_busy()
            })?);
        }
        Ok(())
    }
}

fn too_busy() -> Error {
    let words = "Too much is being asked just now. Try again in a moment.";
    Error::new(Code::Unavailable, words).with_retry_after(1)
}

/// Takes a place for the request that is being worked for, if there is one and it has none. Refused
/// as [`Code::Unavailable`].
pub async fn admit() -> Result<()> {
    match VISIT.try_with(Clone::clone) {
        Ok(visit) => visit.take_place().await,
        Err(_no_request) => Ok(()),
    }
}

/// The place of the request that is being worked for: kept, it stays taken after the request's end.
pub fn visit() -> Option<Visit> {
    VISIT.try_with(Clone::clone).ok()
}

/// `work` for a task of its own, which has the place of the request that spawns it.
pub fn inherit<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let visit = visit();
    async move {
        match visit {
            Some(visit) => VISIT.scope(visit, work).await,
            None => work.await,
        }
    }
}

/// Gives the request's place back before its end: for requests that now wait for something to
/// happen. They take one again when they need the database again.
pub async fn stand_back() {
    if let Ok(visit) = VISIT.try_with(Clone::clone) {
        visit.held.lock().await.take();
    }
}

/// A connection, for a request that has a place or finds one.
pub async fn acquire(pool: &PgPool) -> Result<PoolConnection<Postgres>> {
    let _waiting = Waiting::begin();
    admit().await?;
    Ok(pool.acquire().await?)
}

/// A transaction, likewise. `beginning` is its first statements, `begin` ahead of all.
pub async fn begin(
    pool: &PgPool,
    beginning: &'static str,
) -> Result<Transaction<'static, Postgres>> {
    let _waiting = Waiting::begin();
    admit().await?;
    match pool.begin_with(beginning).await {
        Err(error) if doubt::is_dead(&error) => {
            doubt::note(&error);
            Ok(pool.begin_with(beginning).await?)
        }
        begun => Ok(begun?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn a_request_takes_one_place_and_gives_it_back_at_its_end() {
        let admission = Admission::new(1, PATIENCE);
        let free = Arc::clone(&admission.0.free);
        let all = free.available_permits();
        let request = admission.scope(async {
            assert_eq!(free.available_permits(), all, "none before it is needed");
            admit().await.expect("a place");
            admit().await.expect("the same");
            tokio::spawn(inherit(admit()))
                .await
                .expect("no panic")
                .expect("the same");
            free.available_permits()
        });
        assert_eq!(request.await, all - 1);
        assert_eq!(free.available_permits(), all);
    }

    #[tokio::test]
    async fn whoever_finds_no_place_in_time_is_told_when_to_come_back() {
        let admission = Admission::new(1, PATIENCE);
        let free = Arc::clone(&admission.0.free);
        let all = u32::try_from(free.available_permits()).expect("few");
        let taken = free.acquire_many(all).await.expect("all of them");
        let refused = admission.scope(admit()).await.expect_err("no place");
        assert_eq!(refused.code(), Code::Unavailable);
        assert_eq!(refused.retry_after(), Some(1));
        assert_eq!(admission.refused(), 1);
        drop(taken);
        admission.scope(admit()).await.expect("a place");
        admit().await.expect("nobody asks a job");
    }

    #[tokio::test]
    async fn whoever_stands_back_leaves_the_place_to_others() {
        let admission = Admission::new(1, PATIENCE);
        let free = Arc::clone(&admission.0.free);
        let all = free.available_permits();
        let request = admission.scope(async {
            admit().await.expect("a place");
            stand_back().await;
            let meanwhile = free.available_permits();
            admit().await.expect("one again");
            (meanwhile, free.available_permits())
        });
        assert_eq!(request.await, (all, all - 1));
    }
}
