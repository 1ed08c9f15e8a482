//! How much of the pool is in use.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::PgPool;

/// Who waits, in all pools of this process.
static WAITING: AtomicU32 = AtomicU32::new(0);

/// Somebody who waits for a connection, as long as this lives.
pub(super) struct Waiting(());

impl Waiting {
    /// Begins to wait.
    pub(super) fn begin() -> Self {
        WAITING.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A pool at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Use {
    /// Connections that somebody works with.
    pub in_use: f64,
    /// Connections that are free.
    pub idle: f64,
    /// How many there may be.
    pub limit: f64,
    /// How many wait for one.
    pub waiting: f64,
}

impl Use {
    /// Looks at `pool`.
    pub fn of(pool: &PgPool) -> Self {
        let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
        Self {
            // The two are not read at one instant.
            in_use: f64::from(pool.size().saturating_sub(idle)),
            idle: f64::from(idle),
            limit: f64::from(pool.options().get_max_connections()),
            waiting: f64::from(WAITING.load(Ordering::Relaxed)),
        }
    }
}
