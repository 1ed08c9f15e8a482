//! Postgres: the pool, the migrations, how kith's types travel, keyset pages.

mod admission;
mod doubt;
mod errors;
mod keyset;
mod migrate;
mod pool;
mod types;
mod upkeep;
mod words;

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgPool};

pub use admission::{
    Admission, PLACES_PER_CONNECTION, Visit, acquire, admit, begin, inherit, stand_back, visit,
};
pub use doubt::alive;
pub use errors::{OnConstraint, is_held, is_lost, is_retryable};
pub use migrate::{Drift, MIGRATOR, Standing, Step, migrate, migration_steps, schema_drift};
pub use pool::Use;
pub use upkeep::{
    Condition, condition, count_rows, drop_schema, has_table, is_empty, lift_timeouts, server_major,
};

/// The connection that store functions take.
///
/// Where a list is looked up often, its condition is `= any(array(select unnest($1)))`, and a list of
/// rows `unnest((select $1), (select $2))`: for `= any($1)` Postgres sees how long each list is, finds
/// that a plan for that one costs less than one for all, and plans anew each time, which takes longer
/// than the look-up.
pub type Conn = sqlx::PgConnection;

/// How the pool behaves.
#[derive(Debug, Clone)]
pub struct PoolOptions {
    /// Most connections.
    pub size: u32,
    /// After this long Postgres cancels a statement.
    pub statement_timeout: Duration,
    /// How long a request waits for a connection before it is told to come back later.
    pub acquire_timeout: Duration,
}

/// A pool that connects when it is first used, so that a server can start before its database.
pub fn connect_lazily(url: &str, options: &PoolOptions) -> Result<PgPool, sqlx::Error> {
    let millis = options.statement_timeout.as_millis();
    let connect = PgConnectOptions::from_str(url)?
        .application_name("kith")
        .options([
            ("statement_timeout", millis.to_string()),
            ("lock_timeout", millis.to_string()),
            (
                "idle_in_transaction_session_timeout",
                (millis * 2).to_string(),
            ),
            // Short queries with many small subqueries gain nothing from compiled plans.
            ("jit", "off".to_owned()),
            // A connection keeps the plan that it made while a table was small, and rows are looked up
            // by indexes. What has none is still scanned.
            ("enable_seqscan", "off".to_owned()),
        ]);
    Ok(PgPoolOptions::new()
        .max_connections(options.size)
        .acquire_timeout(options.acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(|conn, at| {
            Box::pin(async move {
                if doubt::must_ask(at.idle_for) {
                    conn.ping().await.inspect_err(doubt::note)?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(connect))
}
