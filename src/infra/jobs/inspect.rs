//! The queue as operators see it, and what they do to it.

use std::time::Duration;

use sqlx::PgPool;

use super::periodic;
use crate::infra::db::Conn;
use crate::kernel::{JobId, Result, Timestamp};

/// What kind of job a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobKind {
    /// The name.
    pub name: &'static str,
    /// How often a periodic job runs; a queued one runs when something queues it.
    pub every: Option<Duration>,
}

/// The rows of one name.
#[derive(Debug)]
pub struct Summary {
    /// The name, which another version of the program may have given.
    pub name: String,
    /// Rows that nobody has taken, due or not.
    pub waiting: i64,
    /// Rows that a worker has.
    pub running: i64,
    /// Rows that failed for good.
    pub failed: i64,
    /// Since when the oldest row has been due that nobody has taken.
    pub oldest_due_at: Option<Timestamp>,
    /// When the next one is due, or was.
    pub next_run_at: Option<Timestamp>,
    /// What went wrong last, among the rows there are.
    pub last_error: Option<String>,
}

/// All rows, summed up by name. A row whose worker let its lease run out counts as waiting.
pub async fn summaries(conn: &mut Conn, now: Timestamp) -> Result<Vec<Summary>> {
    Ok(sqlx::query_as!(
        Summary,
        r#"select name,
                  count(*) filter (where free) as "waiting!",
                  count(*) filter (where failed_at is null and not free) as "running!",
                  count(*) filter (where failed_at is not null) as "failed!",
                  min(run_at) filter (where free and run_at <= $1) as "oldest_due_at: _",
                  min(run_at) filter (where free) as "next_run_at: _",
                  (array_agg(last_error order by run_at desc)
                      filter (where last_error is not null))[1] as last_error
           from (
               select *, failed_at is null and (taken_at is null or run_at <= $1) as free from job
           ) as row
           group by name order by name"#,
        now as _
    )
    .fetch_all(conn)
    .await?)
}

/// A job that failed for good.
#[derive(Debug)]
pub struct Failed {
    /// Which row.
    pub id: JobId,
    /// Its name.
    pub name: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it was given up.
    pub failed_at: Timestamp,
    /// What went wrong at last.
    pub last_error: Option<String>,
}

/// Jobs that failed for good, the latest first.
pub async fn list_failed(conn: &mut Conn, limit: i64) -> Result<Vec<Failed>> {
    Ok(sqlx::query_as!(
        Failed,
        r#"select job_id as "id: _", name, attempts, failed_at as "failed_at!: _", last_error
           from job where failed_at is not null order by failed_at desc, job_id desc limit $1"#,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Makes the periodic job `name` due at once; false while a worker has it.
pub async fn run_soon(conn: &mut Conn, name: &str, now: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "insert into job (job_id, name, payload, run_at, created_at) values ($1, $2, '{}', $3, $3)
         on conflict (job_id) do update set run_at = excluded.run_at
         where job.taken_at is null or job.run_at <= excluded.run_at",
        periodic::row_id(name) as _,
        name,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets a job that failed for good be tried again, as often as at first; false if there is none.
pub async fn retry(conn: &mut Conn, id: JobId, now: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "update job set failed_at = null, run_at = $2, attempts_before = attempts
         where job_id = $1 and failed_at is not null",
        id as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes jobs that failed for good, of one name or of all, and says how many.
pub async fn purge(conn: &mut Conn, name: Option<&str>) -> Result<u64> {
    let done = sqlx::query!(
        "delete from job where failed_at is not null and ($1::text is null or name = $1)",
        name
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Whether the periodic job `name` could be made due; see [`run_soon`].
pub(super) async fn make_due(pool: &PgPool, name: &str, now: Timestamp) -> Result<bool> {
    run_soon(&mut *pool.acquire().await?, name, now).await
}
