//! A database for each test, a clock that is moved by hand, and short ways to the table.

use std::panic::AssertUnwindSafe;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use futures_util::FutureExt as _;
use kith::infra::db::MIGRATOR;
use kith::infra::jobs::{NewJob, enqueue};
use kith::kernel::clock::SystemClock;
use kith::kernel::{Clock, IdFactory, JobId, Timestamp};
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

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
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL names a server");
    let options = PgConnectOptions::from_str(&url).expect("a URL of Postgres");
    let tag = u64::from_be_bytes(IdFactory::from_os().bytes());
    let name = format!("kith_jobs_test_{tag:016x}");
    let mut admin = PgConnection::connect_with(&options)
        .await
        .expect("connected");
    sqlx::query(AssertSqlSafe(format!("create database {name}")))
        .execute(&mut admin)
        .await
        .expect("created");
    let body = async {
        let pool = PgPool::connect_with(options.clone().database(&name))
            .await
            .expect("connected");
        MIGRATOR.run(&pool).await.expect("migrated");
        test(pool).await;
    };
    let result = AssertUnwindSafe(body).catch_unwind().await;
    sqlx::query(AssertSqlSafe(format!("drop database {name} with (force)")))
        .execute(&mut admin)
        .await
        .expect("dropped");
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
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
