//! A database for each test, a clock that is moved by hand, and short ways to the table.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use kith::infra::jobs::{NewJob, enqueue};
use kith::infra::outbox::{Event, Note};
use kith::kernel::clock::SystemClock;
use kith::kernel::{Clock, IdFactory, JobId, Timestamp};
use kith::platform::write::closing::{Closing, close};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use super::database::TestDatabase;

/// A clock that stands still until it is moved.
pub struct HandClock(Mutex<Timestamp>);

impl HandClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(SystemClock.now())))
    }
    pub fn advance(&self, by: TimeDelta) {
        let mut now = self.0.lock().unwrap();
        *now = *now + by;
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// What handlers count in.
#[derive(Clone, Default)]
pub struct Count(Arc<AtomicUsize>);

impl Count {
    pub fn add(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
    pub fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

pub async fn with_database<Fut: Future<Output = ()>>(test: impl FnOnce(PgPool) -> Fut) {
    let database = TestDatabase::create().await;
    let pool = PgPool::connect(&database.url()).await.expect("connected");
    test(pool).await;
}

/// Leaves an event, as a transaction does.
pub async fn leave<E: Event>(conn: &mut PgConnection, event: &E, now: Timestamp) {
    let closing = Closing {
        events: vec![Note::of(event).expect("an event")],
        ..Closing::default()
    };
    close(conn, &closing, now).await.expect("left");
}

pub async fn put(conn: &mut PgConnection, name: &'static str, now: Timestamp) -> JobId {
    let id = IdFactory::from_os().new_id(now);
    let job = NewJob {
        name,
        payload: json!({"n": 7}),
        run_at: None,
    };
    enqueue(conn, id, &job, now).await.expect("queued");
    id
}

pub async fn put_committed(pool: &PgPool, name: &'static str, now: Timestamp) -> JobId {
    put(&mut pool.acquire().await.expect("a connection"), name, now).await
}

/// (attempts, has failed, error) of the only row.
pub async fn only_row(pool: &PgPool) -> (i32, bool, Option<String>) {
    sqlx::query_as("select attempts, failed_at is not null, last_error from job")
        .fetch_one(pool)
        .await
        .expect("one row")
}

pub async fn rows(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from job")
        .fetch_one(pool)
        .await
        .expect("counted")
}
