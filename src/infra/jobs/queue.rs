//! The SQL of the table `job`.
//!
//! A claimed row stays in the table with its `run_at` moved ahead: that is the lease of whoever
//! took it. `attempts` grows with every claim and so names the claim: a worker whose lease ran out
//! can no longer change a row that another worker has taken since.

use serde_json::Value;
use sqlx::PgPool;

use super::NewJob;
use crate::infra::db::{self, Conn};
use crate::kernel::{JobId, Result, Timestamp};

/// Queues a job as part of the caller's transaction: it runs when that commits, and only then.
pub async fn enqueue(conn: &mut Conn, id: JobId, job: &NewJob, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "insert into job (job_id, name, payload, run_at, created_at) values ($1, $2, $3, $4, $5)",
        id as _,
        job.name,
        job.payload,
        job.run_at.unwrap_or(now) as _,
        now as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A row that this worker has taken.
#[derive(Debug)]
pub struct Claimed {
    /// Which row.
    pub id: JobId,
    /// The job's name.
    pub name: String,
    /// What the handler gets.
    pub payload: Value,
    /// How often it was taken, this time included.
    pub attempts: i32,
    /// How often since it last saved its progress.
    pub tries: i32,
    /// Whether the payload is progress that it saved.
    pub resumed: bool,
    /// Since when it was due.
    pub due_at: Timestamp,
}

/// Which rows a worker takes. Others belong to another version of the program.
#[derive(Debug)]
pub struct Known {
    /// Names of queued jobs, and from when on they are looked for.
    pub names: Vec<(String, Timestamp)>,
    /// Rows of periodic jobs.
    pub periodic: Vec<JobId>,
}

/// How rows are claimed: name by name, by walking the index of what is due. A plan that was made while the queue
/// was short would read and sort all of a long one, for each claim anew.
pub const CLAIMING: &str =
    "begin; set local enable_seqscan = off; set local enable_bitmapscan = off";

/// The statement that claims them.
pub const CLAIM: &str = include_str!("claim.sql");

/// Takes at most `limit` rows that are due at `now`, oldest first, until `lease_end`.
pub async fn claim(
    pool: &PgPool,
    known: &Known,
    limit: usize,
    now: Timestamp,
    lease_end: Timestamp,
) -> Result<Vec<Claimed>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let (names, since): (Vec<String>, Vec<Timestamp>) = known.names.iter().cloned().unzip();
    let mut transaction = pool.begin_with(CLAIMING).await?;
    let claimed = sqlx::query_file_as!(
        Claimed,
        "src/infra/jobs/claim.sql",
        now as _,
        &names,
        &known.periodic as _,
        limit,
        lease_end as _,
        &since as _,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(claimed)
}

/// Moves the end of a lease; false when the row belongs to somebody else by now. It never moves
/// nearer, because a renewal can still arrive after the job was put back for later.
pub async fn renew(pool: &PgPool, job: &Claimed, lease_end: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "update job set run_at = greatest(run_at, $3) where job_id = $1 and attempts = $2",
        job.id as _,
        job.attempts,
        lease_end as _,
    )
    .execute(&mut *db::alive(pool).await?)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes jobs that are done.
pub async fn remove(pool: &PgPool, done: &[Claimed]) -> Result<()> {
    let ids: Vec<JobId> = done.iter().map(|job| job.id).collect();
    let attempts: Vec<i32> = done.iter().map(|job| job.attempts).collect();
    sqlx::query!(
        "delete from job using unnest($1::uuid[], $2::int[]) as done (id, attempts)
         where job.job_id = done.id and job.attempts = done.attempts",
        &ids as _,
        &attempts,
    )
    .execute(&mut *db::alive(pool).await?)
    .await?;
    Ok(())
}

/// Gives a row back, to be taken again at `run_at`.
pub async fn put_back(
    pool: &PgPool,
    job: &Claimed,
    run_at: Timestamp,
    error: Option<&str>,
) -> Result<()> {
    sqlx::query!(
        "update job set run_at = $3, last_error = $4, taken_at = null
         where job_id = $1 and attempts = $2",
        job.id as _,
        job.attempts,
        run_at as _,
        error,
    )
    .execute(&mut *db::alive(pool).await?)
    .await?;
    Ok(())
}

/// Gives a row back that nothing was done with: this claim is not one of its tries.
pub async fn release(pool: &PgPool, job: &Claimed, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "update job set run_at = $3, taken_at = null, attempts_before = attempts_before + 1
         where job_id = $1 and attempts = $2",
        job.id as _,
        job.attempts,
        now as _,
    )
    .execute(&mut *db::alive(pool).await?)
    .await?;
    Ok(())
}

/// Gives a row back that has done a step, to be taken again for the next one.
pub async fn go_on(pool: &PgPool, job: &Claimed, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "update job
         set run_at = $3, last_error = null, taken_at = null, attempts_before = attempts
         where job_id = $1 and attempts = $2",
        job.id as _,
        job.attempts,
        now as _,
    )
    .execute(&mut *db::alive(pool).await?)
    .await?;
    Ok(())
}

/// Replaces the payload of a row and counts its attempts from this one on; false when the row
/// belongs to somebody else by now.
pub async fn save(conn: &mut Conn, id: JobId, attempts: i32, payload: &Value) -> Result<bool> {
    let done = sqlx::query!(
        "update job set payload = $3, attempts_before = attempts - 1, resumed = true
         where job_id = $1 and attempts = $2",
        id as _,
        attempts,
        payload,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How often a row was tried since it last saved its progress.
pub async fn tries(pool: &PgPool, job: &Claimed) -> Result<Option<i32>> {
    Ok(sqlx::query_scalar!(
        r#"select attempts - attempts_before as "tries!" from job
           where job_id = $1 and attempts = $2"#,
        job.id as _,
        job.attempts,
    )
    .fetch_optional(pool)
    .await?)
}

/// Sets a job aside for somebody to look at.
pub async fn give_up(pool: &PgPool, job: &Claimed, now: Timestamp, error: &str) -> Result<()> {
    sqlx::query!(
        "update job set failed_at = $3, last_error = $4, taken_at = null
         where job_id = $1 and attempts = $2",
        job.id as _,
        job.attempts,
        now as _,
        error,
    )
    .execute(&mut *db::alive(pool).await?)
    .await?;
    Ok(())
}

/// Makes sure that a periodic job has its row: first due at `first`. A row that waits beyond
/// `latest` was planned with a longer interval, and is due at `first` too.
pub async fn plan(
    pool: &PgPool,
    id: JobId,
    name: &str,
    now: Timestamp,
    first: Timestamp,
    latest: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into job (job_id, name, payload, run_at, created_at)
         values ($1, $2, '{}', $3, $4)
         on conflict (job_id) do update set run_at = excluded.run_at where job.run_at > $5",
        id as _,
        name,
        first as _,
        now as _,
        latest as _,
    )
    .execute(&mut *db::alive(pool).await?)
    .await?;
    Ok(())
}

/// What waits under one name.
#[derive(Debug)]
pub struct Backlog {
    /// The job's name.
    pub name: String,
    /// Rows that are due and that nobody has taken.
    pub due: i32,
    /// For how long the oldest of them has been due.
    pub oldest_due_seconds: f64,
    /// Rows that failed as often as they may.
    pub dead: i32,
}

/// What waits at `now`, by name.
pub async fn backlog(pool: &PgPool, now: Timestamp) -> Result<Vec<Backlog>> {
    let backlog = sqlx::query_as!(
        Backlog,
        r#"select name,
                  (count(*) filter (where failed_at is null and run_at <= $1))::int as "due!",
                  coalesce(extract(epoch from $1 - min(run_at) filter
                      (where failed_at is null and run_at <= $1)), 0)::float8
                      as "oldest_due_seconds!",
                  count(failed_at)::int as "dead!"
           from job
           group by name"#,
        now as _,
    )
    .fetch_all(pool)
    .await?;
    Ok(backlog)
}
