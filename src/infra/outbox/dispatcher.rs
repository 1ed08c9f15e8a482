//! Turns events into jobs: within some 40 ms when it is woken, and otherwise when it next looks.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::store;
use crate::infra::jobs::Registry;
use crate::kernel::{Clock, Result};

/// Finds what another process emitted, and what was emitted while Postgres was away.
const POLL: Duration = Duration::from_millis(500);
/// Between two deliveries: an event that comes alone is delivered at once, and of many that come
/// after each other a statement delivers several.
const PACE: Duration = Duration::from_millis(40);
/// Most events of one statement.
const AT_ONCE: usize = 200;

/// Delivers the events that a registry knows.
pub struct Dispatcher {
    pool: PgPool,
    /// Names of events.
    known: Vec<String>,
    /// Events and the names of jobs that handle them.
    pairs: Vec<(String, String)>,
    clock: Arc<dyn Clock>,
}

impl Dispatcher {
    /// A dispatcher that has not begun.
    pub fn new<C>(pool: PgPool, registry: &Registry<C>, clock: Arc<dyn Clock>) -> Self {
        let listeners = registry.listeners();
        let pairs = listeners.iter().flat_map(|(event, handlers)| {
            let handlers = handlers.iter();
            handlers.map(|handler| ((*event).to_owned(), (*handler).to_owned()))
        });
        Self {
            pool,
            known: listeners.keys().map(|event| (*event).to_owned()).collect(),
            pairs: pairs.collect(),
            clock,
        }
    }

    /// Delivers in the background until `stop`: soon after `wake`, and twice a second. It wakes
    /// the job runner through `wake_jobs`.
    pub fn start(
        self,
        wake: Arc<Notify>,
        wake_jobs: Arc<Notify>,
        stop: CancellationToken,
        tracker: &TaskTracker,
    ) {
        tracker.spawn(self.run(wake, wake_jobs, stop));
    }

    async fn run(self, wake: Arc<Notify>, wake_jobs: Arc<Notify>, stop: CancellationToken) {
        let mut away = false;
        while !stop.is_cancelled() {
            match self.deliver().await {
                Ok(delivered) => {
                    away = false;
                    if delivered > 0 {
                        wake_jobs.notify_one();
                    }
                }
                // Said once an outage, not twice a second.
                Err(error) if !away => {
                    away = true;
                    tracing::warn!(?error, "the outbox cannot be read");
                }
                Err(_still_away) => {}
            }
            // Those that follow soon are delivered together.
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(PACE) => {}
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = wake.notified() => {}
                () = sleep(POLL) => {}
            }
        }
    }

    /// Delivers everything that waits, and says how many events that were.
    pub async fn deliver(&self) -> Result<usize> {
        let mut delivered = 0;
        loop {
            let now = self.clock.now();
            let some = store::deliver(&self.pool, &self.known, &self.pairs, AT_ONCE, now).await?;
            delivered += some;
            // What came meanwhile wakes the dispatcher again.
            if some < AT_ONCE {
                return Ok(delivered);
            }
        }
    }
}
