//! Whether an idle connection is taken to be alive.
//!
//! To ask each one before it is used would be a round trip more for everything that is read. One that
//! was used a moment ago is trusted, until a connection is found dead: Postgres was restarted then, or
//! the network cut, and for a while all are asked again. Whoever met the dead one tries once more where
//! nothing was done on it yet; and what nobody would try again asks first ([`alive`]).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, PgPool, Postgres};

use crate::kernel::Result;

/// For so long after its use a connection is trusted.
const TRUSTED: Duration = Duration::from_millis(500);
/// For so long none is, after one was found dead: longer than trust lasts, so that no connection from
/// before is trusted afterwards.
const DOUBTED: Duration = Duration::from_secs(5);

/// Until when all are asked, in milliseconds of [`now`].
static UNTIL: AtomicU64 = AtomicU64::new(0);

/// Milliseconds of this process.
fn now() -> u64 {
    static BEGAN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    u64::try_from(BEGAN.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Whether a connection that was idle for so long has to be asked before it is used.
pub(super) fn must_ask(idle_for: Duration) -> bool {
    idle_for > TRUSTED || now() < UNTIL.load(Ordering::Relaxed)
}

/// Notes what an error of sqlx says of the other connections.
pub(super) fn note(error: &sqlx::Error) {
    if is_dead(error) {
        let millis = u64::try_from(DOUBTED.as_millis()).unwrap_or(u64::MAX);
        UNTIL.store(now().saturating_add(millis), Ordering::Relaxed);
    }
}

/// Whether the connection itself has ended: cut, or ended by Postgres.
pub(super) fn is_dead(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|state| ends_connection(&state)),
        _ => false,
    }
}

/// Whether Postgres says with this SQLSTATE that it has ended the connection: those of connections (08), of
/// an operator's intervention (57P), and of a transaction that took too long (25P03, 25P04).
pub(super) fn ends_connection(state: &str) -> bool {
    ["08", "57P"].iter().any(|class| state.starts_with(class)) || matches!(state, "25P03" | "25P04")
}

/// A connection that has just been asked, for what is not tried again and would be missed.
pub async fn alive(pool: &PgPool) -> Result<PoolConnection<Postgres>> {
    let mut conn = pool.acquire().await?;
    if let Err(error) = conn.ping().await {
        // From now on all are asked, the next one too.
        note(&error);
        conn = pool.acquire().await?;
    }
    Ok(conn)
}
