//! Takes due jobs and runs them, never with a transaction open meanwhile.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::queue::{self, Claimed, Known};
use super::{Registry, Running, Work, delta, periodic};
use crate::kernel::{Clock, Error, IdFactory, Result, Timestamp};

/// Handlers that run at the same time in one process.
const CONCURRENCY: usize = 4;
const POLL: Duration = Duration::from_secs(1);
const PLAN_AGAIN: Duration = Duration::from_mins(1);
/// A lease is renewed while its handler runs, so this only says how long the jobs of a worker that
/// died wait for another one.
const LEASE: Duration = Duration::from_mins(1);
const FIRST_BACK_OFF: Duration = Duration::from_secs(5);
const LONGEST_BACK_OFF: Duration = Duration::from_hours(1);
const ERROR_CHARS: usize = 500;

/// Runs the jobs of a registry.
pub struct Runner<C> {
    pool: PgPool,
    registry: Registry<C>,
    known: Known,
    context: C,
    clock: Arc<dyn Clock>,
    random: IdFactory,
    lease: Duration,
}

/// What a pass over the queue did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// Handlers that did their work.
    pub done: usize,
    /// Handlers that failed, whether they are tried again or not.
    pub failed: usize,
}

enum Outcome {
    Done,
    Failed(String),
    /// The lease is lost: the row is another worker's and must not be touched.
    Lost,
}

impl<C: Clone + Send + Sync + 'static> Runner<C> {
    /// A runner that has not begun.
    pub fn new(pool: PgPool, registry: Registry<C>, context: C, clock: Arc<dyn Clock>) -> Self {
        let known = Known {
            names: registry.queued(),
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
        tracker.spawn(Arc::new(self).run(wake, stop));
    }

    async fn run(self: Arc<Self>, wake: Arc<Notify>, stop: CancellationToken) {
        let mut running = JoinSet::new();
        let mut planned: Option<Instant> = None;
        let mut away = false;
        while !stop.is_cancelled() {
            let plan = planned.is_none_or(|at| at.elapsed() >= PLAN_AGAIN);
            match self
                .take(plan, CONCURRENCY.saturating_sub(running.len()))
                .await
            {
                Ok(claimed) => {
                    away = false;
                    planned = planned.filter(|_| !plan).or_else(|| Some(Instant::now()));
                    for job in claimed {
                        let runner = Arc::clone(&self);
                        running.spawn(async move { runner.work(job).await });
                    }
                }
                // Said once an outage, not every second of it.
                Err(error) if !away => {
                    away = true;
                    tracing::warn!(?error, "the job queue cannot be read");
                }
                Err(_still_away) => {}
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = wake.notified() => {}
                () = sleep(POLL) => {}
                Some(_) = running.join_next() => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// Runs everything that is due now, one after the other: for tests and the command line.
    pub async fn run_due(&self) -> Result<Pass> {
        let now = self.clock.now();
        let mut pass = Pass::default();
        self.plan(now).await?;
        while let Some(job) = self.claim(1, now).await?.pop() {
            match self.work(job).await {
                Outcome::Done => pass.done += 1,
                Outcome::Failed(_) => pass.failed += 1,
                Outcome::Lost => {}
            }
        }
        Ok(pass)
    }

    async fn take(&self, plan: bool, free: usize) -> Result<Vec<Claimed>> {
        let now = self.clock.now();
        if plan {
            self.plan(now).await?;
        }
        if free == 0 {
            return Ok(Vec::new());
        }
        self.claim(free, now).await
    }

    async fn plan(&self, now: Timestamp) -> Result<()> {
        periodic::plan(&self.pool, self.registry.periodic(), now, self.fraction()).await
    }

    async fn claim(&self, limit: usize, now: Timestamp) -> Result<Vec<Claimed>> {
        queue::claim(&self.pool, &self.known, limit, now, self.lease_end()).await
    }

    /// Runs one job and writes down what came of it.
    async fn work(&self, job: Claimed) -> Outcome {
        // Only known names are claimed.
        let Some(work) = self.registry.find(&job.name) else {
            return Outcome::Lost;
        };
        let outcome = match *work {
            // Every worker that took it died before it could write anything down.
            Work::Queued { max_attempts, .. } if job.attempts > i32::from(max_attempts) => {
                Outcome::Failed("The job's last worker died.".to_owned())
            }
            Work::Queued { ref run, .. } => {
                self.attend(&job, || run(self.context.clone(), job.payload.clone()))
                    .await
            }
            Work::Periodic { ref run, .. } => self.attend(&job, || run(self.context.clone())).await,
        };
        if let Err(error) = self.settle(&job, &work, &outcome).await {
            // The lease runs out and the job is done again.
            tracing::warn!(job = job.name, id = %job.id, ?error, "a job's end was not written");
        }
        outcome
    }

    /// Runs a handler for as long as the lease can be kept.
    async fn attend(&self, job: &Claimed, start: impl FnOnce() -> Running + Send) -> Outcome {
        let guarded = AssertUnwindSafe(async move { start().await }).catch_unwind();
        tokio::select! {
            result = guarded => match result {
                Ok(Ok(())) => Outcome::Done,
                Ok(Err(error)) => Outcome::Failed(described(&error)),
                Err(_panic) => Outcome::Failed("The handler panicked.".to_owned()),
            },
            () = self.keep_lease(job) => Outcome::Lost,
        }
    }

    /// Renews the lease again and again; returns when that can no longer be done.
    async fn keep_lease(&self, job: &Claimed) {
        let pause = self.lease / 3;
        let mut held_until = Instant::now() + self.lease;
        loop {
            sleep(pause).await;
            let asked = Instant::now();
            let renewal = queue::renew(&self.pool, job, self.lease_end());
            match timeout_at(held_until, renewal).await {
                Ok(Ok(true)) => held_until = asked + self.lease,
                Ok(Ok(false)) => return,
                // The next try would come too late: somebody else may have the job by then.
                _ if Instant::now() + pause >= held_until => return,
                _ => {}
            }
        }
    }

    async fn settle(&self, job: &Claimed, work: &Work<C>, outcome: &Outcome) -> Result<()> {
        let now = self.clock.now();
        let Claimed {
            name, id, attempts, ..
        } = job;
        match (work, outcome) {
            (_, Outcome::Lost) => {
                tracing::warn!(job = name, %id, attempts, "a job's lease was lost");
                Ok(())
            }
            (Work::Queued { .. }, Outcome::Done) => queue::remove(&self.pool, job).await,
            (Work::Periodic { interval, .. }, Outcome::Done) => {
                queue::put_back(&self.pool, job, now + delta(*interval), None).await
            }
            (Work::Periodic { interval, .. }, Outcome::Failed(error)) => {
                tracing::warn!(job = name, %id, error, "a periodic job failed");
                queue::put_back(&self.pool, job, now + delta(*interval), Some(error)).await
            }
            (Work::Queued { max_attempts, .. }, Outcome::Failed(error)) => {
                if *attempts >= i32::from(*max_attempts) {
                    tracing::error!(job = name, %id, attempts, error, "a job failed for good");
                    return queue::give_up(&self.pool, job, now, error).await;
                }
                tracing::warn!(job = name, %id, attempts, error, "a job failed");
                // Jobs that failed together come back apart.
                let wait = back_off(*attempts).mul_f64(0.75 + self.fraction() / 4.0);
                queue::put_back(&self.pool, job, now + delta(wait), Some(error)).await
            }
        }
    }

    fn lease_end(&self) -> Timestamp {
        self.clock.now() + delta(self.lease)
    }

    /// A random number from 0 to 1.
    fn fraction(&self) -> f64 {
        f64::from(u16::from_le_bytes(self.random.bytes())) / f64::from(u16::MAX)
    }
}

/// How long to wait after so many attempts: twice as long each time, up to an hour.
fn back_off(attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or_default();
    FIRST_BACK_OFF
        .saturating_mul(2_u32.saturating_pow(doublings))
        .min(LONGEST_BACK_OFF)
}

/// What an operator needs to know of a failure, cut short.
fn described(error: &Error) -> String {
    let text = match error.cause() {
        Some(cause) => format!("{}: {cause:#}", error.code().as_str()),
        None => error.to_string(),
    };
    text.chars().take(ERROR_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_an_hour() {
        let seconds: Vec<u64> = [1, 2, 3, 10, 11, 1_000]
            .map(|n| back_off(n).as_secs())
            .into();
        assert_eq!(seconds, [5, 10, 20, 2_560, 3_600, 3_600]);
    }

    #[test]
    fn a_long_error_is_cut_at_a_character() {
        let error = Error::internal(anyhow::anyhow!("ä".repeat(1_000)));
        assert_eq!(described(&error).chars().count(), ERROR_CHARS);
    }
}
