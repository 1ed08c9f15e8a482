//! Turns events into jobs: within milliseconds when it is woken, and otherwise when it next looks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::store::{self, Waiting};
use crate::infra::jobs::{self, NewJob, Registry};
use crate::kernel::{Clock, IdFactory, JobId, Result};

/// Finds what another process emitted, and what was emitted while Postgres was away.
const POLL: Duration = Duration::from_millis(500);
/// Most events of one transaction.
const AT_ONCE: usize = 200;

/// Delivers the events that a registry knows.
pub struct Dispatcher {
    pool: PgPool,
    handlers: BTreeMap<&'static str, Vec<&'static str>>,
    names: Vec<String>,
    clock: Arc<dyn Clock>,
    ids: IdFactory,
}

impl Dispatcher {
    /// A dispatcher that has not begun.
    pub fn new<C>(
        pool: PgPool,
        registry: &Registry<C>,
        clock: Arc<dyn Clock>,
        ids: IdFactory,
    ) -> Self {
        let handlers = registry.listeners().clone();
        Self {
            pool,
            names: handlers.keys().map(|name| (*name).to_owned()).collect(),
            handlers,
            clock,
            ids,
        }
    }

    /// Delivers in the background until `stop`: at once after `wake`, and twice a second. It wakes
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
            let some = self.deliver_some().await?;
            delivered += some;
            // What came meanwhile wakes the dispatcher again.
            if some < AT_ONCE {
                return Ok(delivered);
            }
        }
    }

    async fn deliver_some(&self) -> Result<usize> {
        let now = self.clock.now();
        let mut transaction = self.pool.begin().await?;
        let waiting = store::lock_waiting(&mut transaction, &self.names, AT_ONCE).await?;
        if waiting.is_empty() {
            return Ok(0);
        }
        let ids: Vec<i64> = waiting.iter().map(|event| event.outbox_id).collect();
        let jobs: Vec<(JobId, NewJob)> = waiting
            .into_iter()
            .flat_map(|event| self.jobs(event))
            .map(|job| (self.ids.new_id(now), job))
            .collect();
        jobs::enqueue_all(&mut transaction, &jobs, now).await?;
        store::set_delivered(&mut transaction, &ids, now).await?;
        transaction.commit().await?;
        Ok(ids.len())
    }

    fn jobs(&self, event: Waiting) -> impl Iterator<Item = NewJob> {
        let Waiting { event, payload, .. } = event;
        let handlers = self.handlers.get(event.as_str());
        handlers.into_iter().flatten().map(move |name| NewJob {
            name,
            payload: payload.clone(),
            run_at: None,
        })
    }
}
