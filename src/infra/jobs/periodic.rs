//! Periodic jobs, one run an interval over all instances.
//!
//! A periodic job is one row of `job` that is put back instead of deleted, and the claim of that
//! row is the lock. An advisory lock would do worse: a transaction that holds one while the handler
//! works is idle and gets cut by `idle_in_transaction_session_timeout`; a session that holds one
//! costs a connection, loses it without notice when that connection breaks, and does not survive a
//! pooler between kith and Postgres. Neither would keep a second instance from running the job
//! again right after the first one.

use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

use super::{delta, queue};
use crate::kernel::ids::Id;
use crate::kernel::{JobId, Result, Timestamp};

/// The first run waits no longer than this, and not less than half of it: a starting server has
/// other things to do, and servers that start together spread out.
const FIRST_DELAY: Duration = Duration::from_secs(20);

/// How far beyond its interval a row may be planned: a lease may reach further than a short
/// interval, and must not be mistaken for an old plan. No lease is longer than this.
pub const LONGEST_LEASE: Duration = Duration::from_hours(1);

/// The row of the periodic job `name`, the same on every instance.
pub fn row_id(name: &str) -> JobId {
    let name = format!("kith periodic job {name}");
    JobId::from_uuid(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()))
}

/// Makes sure that every periodic job has its row. `spread` (0 to 1) moves first runs apart.
pub async fn plan(
    pool: &PgPool,
    jobs: impl Iterator<Item = (&'static str, Duration)>,
    now: Timestamp,
    spread: f64,
) -> Result<()> {
    for (name, interval) in jobs {
        let first = now + delta(FIRST_DELAY.min(interval).mul_f64(0.5 + spread / 2.0));
        let latest = now + delta(interval) + delta(LONGEST_LEASE);
        queue::plan(pool, row_id(name), name, now, first, latest).await?;
    }
    Ok(())
}
