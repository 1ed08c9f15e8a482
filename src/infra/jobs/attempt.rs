//! One attempt at a job: the handler runs under a lease, never with a transaction open meanwhile,
//! and what came of it is written down.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep, timeout_at};

use super::progress::{Progress, Step};
use super::queue::{self, Claimed};
use super::{Runner, Running, Work, delta};
use crate::kernel::{Error, Result};

const FIRST_BACK_OFF: Duration = Duration::from_secs(5);
const LONGEST_BACK_OFF: Duration = Duration::from_hours(1);
const ERROR_CHARS: usize = 500;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The handler did its work.
    Done,
    /// The handler did a step of its work, and saved how far it came.
    Again,
    /// It did not, for this reason.
    Failed(String),
    /// The lease is lost: the row is another worker's and must not be touched.
    Lost,
}

impl<C: Clone + Send + Sync + 'static> Runner<C> {
    /// Runs one job, taken by a claim that was sent at `asked`, and writes down what came of it.
    pub async fn work(&self, job: Claimed, asked: Instant) -> Outcome {
        let (outcome, done) = self.attempt(job, asked).await;
        self.remove(done.as_slice()).await;
        outcome
    }

    /// The same, apart from what is to be removed since it is done: that comes back, so that many are
    /// removed at once.
    pub(super) async fn attempt(&self, job: Claimed, asked: Instant) -> (Outcome, Option<Claimed>) {
        // Only known names are claimed.
        let Some(work) = self.registry.find(&job.name) else {
            return (Outcome::Lost, None);
        };
        let outcome = match *work {
            // Every worker that took it died before it could write anything down.
            Work::Queued { max_attempts, .. } if job.tries > i32::from(max_attempts) => {
                Outcome::Failed("The job's last worker died.".to_owned())
            }
            Work::Queued { ref run, .. } => {
                let progress = Progress {
                    id: job.id,
                    attempts: job.attempts,
                    resumed: job.resumed,
                };
                self.attend(&job, asked, || {
                    run(self.context.clone(), progress, job.payload.clone())
                })
                .await
            }
            Work::Periodic { ref run, .. } => {
                self.attend(&job, asked, || run(self.context.clone())).await
            }
        };
        if let Err(error) = self.settle(&job, &work, &outcome).await {
            // The lease runs out and the job is done again.
            tracing::warn!(job = job.name, id = %job.id, ?error, "a job's end was not written");
        }
        let is_done = matches!((&*work, &outcome), (Work::Queued { .. }, Outcome::Done));
        (outcome, is_done.then_some(job))
    }

    /// Removes jobs that are done.
    pub(super) async fn remove(&self, done: &[Claimed]) {
        if done.is_empty() {
            return;
        }
        if let Err(error) = queue::remove(&self.pool, done).await {
            // Their leases run out and they are done again.
            tracing::warn!(
                jobs = done.len(),
                ?error,
                "the ends of jobs were not written"
            );
        }
    }

    /// Runs a handler for as long as the lease can be kept.
    async fn attend(
        &self,
        job: &Claimed,
        asked: Instant,
        start: impl FnOnce() -> Running + Send,
    ) -> Outcome {
        let guarded = AssertUnwindSafe(async move { start().await }).catch_unwind();
        tokio::select! {
            result = guarded => match result {
                Ok(Ok(Step::Done)) => Outcome::Done,
                Ok(Ok(Step::Again)) => Outcome::Again,
                Ok(Err(error)) => Outcome::Failed(described(&error)),
                Err(_panic) => Outcome::Failed("The handler panicked.".to_owned()),
            },
            () = self.keep_lease(job, asked) => Outcome::Lost,
        }
    }

    /// Renews the lease again and again; returns when that can no longer be done.
    async fn keep_lease(&self, job: &Claimed, mut asked: Instant) {
        let pause = self.lease / 3;
        loop {
            sleep(pause).await;
            // Counted from when the lease was asked for, so that it ends here before it ends there.
            let held_until = asked + self.lease;
            let now = Instant::now();
            let renewal = queue::renew(&self.pool, job, self.lease_end());
            match timeout_at(held_until, renewal).await {
                Ok(Ok(true)) => asked = now,
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
            // Removed with others.
            (Work::Queued { .. }, Outcome::Done) => Ok(()),
            (_, Outcome::Lost) => {
                tracing::warn!(job = name, %id, attempts, "a job's lease was lost");
                Ok(())
            }
            (Work::Queued { .. }, Outcome::Again) => queue::go_on(&self.pool, job, now).await,
            (Work::Periodic { interval, .. }, Outcome::Done | Outcome::Again) => {
                queue::put_back(&self.pool, job, now + delta(*interval), None).await
            }
            (Work::Periodic { interval, .. }, Outcome::Failed(error)) => {
                tracing::warn!(job = name, %id, error, "a periodic job failed");
                queue::put_back(&self.pool, job, now + delta(*interval), Some(error)).await
            }
            (Work::Queued { max_attempts, .. }, Outcome::Failed(error)) => {
                let tries = queue::tries(&self.pool, job).await?.unwrap_or(job.tries);
                if tries >= i32::from(*max_attempts) {
                    tracing::error!(job = name, %id, attempts, error, "a job failed for good");
                    return queue::give_up(&self.pool, job, now, error).await;
                }
                tracing::warn!(job = name, %id, attempts, error, "a job failed");
                // Jobs that failed together come back apart.
                let wait = back_off(tries).mul_f64(0.75 + self.fraction() / 4.0);
                queue::put_back(&self.pool, job, now + delta(wait), Some(error)).await
            }
        }
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
