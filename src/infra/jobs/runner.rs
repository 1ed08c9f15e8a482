//! Takes due jobs, in the background or pass by pass.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::attempt::Outcome;
use super::background::Background;
use super::looks::ever;
use super::queue::{self, Claimed, Known};
use super::{Registry, delta, inspect, periodic};
use crate::kernel::{Clock, IdFactory, Result, Timestamp};

/// A lease is renewed while its handler runs, so this only says how long the jobs of a worker that
/// died wait for another one.
const LEASE: Duration = Duration::from_mins(1);

/// Runs the jobs of a registry.
pub struct Runner<C> {
    pub(super) pool: PgPool,
    pub(super) registry: Registry<C>,
    pub(super) known: Known,
    pub(super) context: C,
    pub(super) clock: Arc<dyn Clock>,
    random: IdFactory,
    pub(super) lease: Duration,
}

/// What a pass over the queue did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// Handlers that did their work.
    pub done: usize,
    /// Handlers that failed, whether they are tried again or not.
    pub failed: usize,
}

impl<C: Clone + Send + Sync + 'static> Runner<C> {
    /// A runner that has not begun.
    pub fn new(pool: PgPool, registry: Registry<C>, context: C, clock: Arc<dyn Clock>) -> Self {
        let known = Known {
            names: (registry.queued().into_iter())
                .map(|name| (name, ever()))
                .collect(),
            periodic: registry
                .periodic()
                .map(|(name, _)| periodic::row_id(name))
                .collect(),
        };
        Self {
            pool,
            registry,
            known,
            context,
            clock,
            random: IdFactory::from_os(),
            lease: LEASE,
        }
    }

    /// Sets after how long the jobs of a worker that died are taken by another one; at most an
    /// hour. Without this it is a minute.
    pub fn with_visibility_timeout(mut self, timeout: Duration) -> Self {
        self.lease = timeout.min(periodic::LONGEST_LEASE);
        self
    }

    /// Runs jobs in the background until `stop`, then finishes those that have begun. It looks for
    /// due jobs every second, and at once after `wake`.
    pub fn start(self, wake: Arc<Notify>, stop: CancellationToken, tracker: &TaskTracker) {
        tracker.spawn(Background::new(self).run(wake, stop));
    }

    /// Runs everything that is due now, one after the other: for tests and the command line.
    pub async fn run_due(&self) -> Result<Pass> {
        let now = self.clock.now();
        let mut pass = Pass::default();
        self.plan(now).await?;
        loop {
            let asked = Instant::now();
            let Some(job) = self.claim(&self.known, 1, now).await?.pop() else {
                return Ok(pass);
            };
            match self.work(job, asked).await {
                Outcome::Done => pass.done += 1,
                Outcome::Failed(_) => pass.failed += 1,
                Outcome::Again | Outcome::Lost => {}
            }
        }
    }

    /// Runs the periodic job `name` here and now; `None` while another worker has it.
    pub async fn run_now(&self, name: &str) -> Result<Option<Outcome>> {
        let now = self.clock.now();
        if !inspect::make_due(&self.pool, name, now).await? {
            return Ok(None);
        }
        let only = Known {
            names: Vec::new(),
            periodic: vec![periodic::row_id(name)],
        };
        let asked = Instant::now();
        let mut claimed = self.claim(&only, 1, now).await?;
        match claimed.pop() {
            Some(job) => Ok(Some(self.work(job, asked).await)),
            None => Ok(None),
        }
    }

    /// Makes sure that the periodic jobs have their rows.
    pub(super) async fn plan(&self, now: Timestamp) -> Result<()> {
        periodic::plan(&self.pool, self.registry.periodic(), now, self.fraction()).await
    }

    /// Takes at most `limit` rows of those that `known` names.
    pub(super) async fn claim(
        &self,
        known: &Known,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Claimed>> {
        queue::claim(&self.pool, known, limit, now, self.lease_end()).await
    }

    /// Until when a lease taken or renewed now holds.
    pub(super) fn lease_end(&self) -> Timestamp {
        self.clock.now() + delta(self.lease)
    }

    /// A random number from 0 to 1.
    pub(super) fn fraction(&self) -> f64 {
        f64::from(u16::from_le_bytes(self.random.bytes())) / f64::from(u16::MAX)
    }
}
