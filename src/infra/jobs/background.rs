//! A runner in the background: a few handlers at a time, and while more is due than they can do, many
//! rows in one statement.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::Runner;
use super::attempt::Outcome;
use super::hands::Hands;
use super::looks::Looks;
use super::queue::{self, Claimed, Known};
use crate::kernel::Result;

/// Most rows that are taken, or removed, at once.
const MOST_AT_ONCE: usize = 128;
/// How long a row that is done waits for others that are removed with it. Should the process die
/// meanwhile, the job is done again when its lease has run out.
const TIDY: Duration = Duration::from_millis(100);
const POLL: Duration = Duration::from_secs(1);
const PLAN_AGAIN: Duration = Duration::from_mins(1);

/// What a runner is at.
pub(super) struct Background<C> {
    runner: Arc<Runner<C>>,
    hands: Hands,
    running: JoinSet<(Outcome, Option<Claimed>)>,
    /// Rows that are taken and wait for a hand, and when they were asked for.
    waiting: VecDeque<(Claimed, Instant)>,
    /// Rows to remove, and since when the first of them waits for it.
    done: Vec<Claimed>,
    done_since: Option<Instant>,
    /// How many rows more than there are free hands the next claim asks for.
    ahead: usize,
    /// Whether the last claim found less than it asked for: until something wakes the runner, there is
    /// nothing more.
    is_drained: bool,
    /// Hands that were all taken at the last claim, which left out what they do.
    left_out: Vec<Arc<Semaphore>>,
    looks: Looks,
    planned: Option<Instant>,
    is_away: bool,
}

impl<C: Clone + Send + Sync + 'static> Background<C> {
    /// One that has not begun.
    pub(super) fn new(runner: Runner<C>) -> Self {
        Self {
            hands: Hands::of(&runner.registry),
            runner: Arc::new(runner),
            running: JoinSet::new(),
            waiting: VecDeque::new(),
            done: Vec::new(),
            done_since: None,
            ahead: 0,
            is_drained: false,
            left_out: Vec::new(),
            looks: Looks::default(),
            planned: None,
            is_away: false,
        }
    }

    /// Runs jobs until `stop`, then finishes those that have begun and gives back the others.
    pub(super) async fn run(mut self, wake: Arc<Notify>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.begin().await;
            self.reach_again();
            // What waits now waits for hands that are all taken, and is left out.
            if !self.is_drained {
                self.look().await;
            }
            if self.done.len() >= MOST_AT_ONCE {
                self.remove_done().await;
            }
            let longest = TIDY.min(self.runner.lease / 4);
            let waited = self.done_since.map(|since| since.elapsed());
            let removal = longest.saturating_sub(waited.unwrap_or_default());
            tokio::select! {
                () = stop.cancelled() => {}
                () = wake.notified() => self.is_drained = false,
                () = sleep(POLL) => self.is_drained = false,
                () = sleep(removal), if waited.is_some() => self.remove_done().await,
                Some(ended) = self.running.join_next() => self.note(ended.ok()),
            }
        }
        for (job, _) in std::mem::take(&mut self.waiting) {
            self.release(&job).await;
        }
        self.remove_done().await;
        while let Some(ended) = self.running.join_next().await {
            self.note(ended.ok());
        }
        self.remove_done().await;
    }

    /// Notes what is to be removed since it is done, and whether a row waits for its next step.
    fn note(&mut self, ended: Option<(Outcome, Option<Claimed>)>) {
        let Some((outcome, done)) = ended else { return };
        self.is_drained &= outcome == Outcome::Done;
        self.done.extend(done);
        if !self.done.is_empty() {
            self.done_since.get_or_insert_with(Instant::now);
        }
    }

    /// Has what was left out looked for, once there are hands for it that no row waits for.
    fn reach_again(&mut self) {
        let mut left_out = self.left_out.iter();
        if left_out.any(|hands| hands.available_permits() > 0) {
            self.is_drained = false;
        }
    }

    /// Looks for rows that are due, if there are hands for them.
    async fn look(&mut self) {
        match self.take().await {
            Ok(()) => self.is_away = false,
            // Said once an outage, not every second of it.
            Err(error) if !self.is_away => {
                self.is_away = true;
                tracing::warn!(?error, "the job queue cannot be read");
            }
            Err(_still_away) => {}
        }
        self.begin().await;
    }

    async fn take(&mut self) -> Result<()> {
        let (asked, now) = (Instant::now(), self.runner.clock.now());
        if self.planned.is_none_or(|at| at.elapsed() >= PLAN_AGAIN) {
            self.runner.plan(now).await?;
            self.planned = Some(asked);
        }
        let free = self.hands.free();
        if free == 0 {
            return Ok(());
        }
        let wanted = (free + self.ahead).min(MOST_AT_ONCE);
        self.looks.begin(asked);
        let known = self.within_reach();
        let claimed = self.runner.claim(&known, wanted, now).await?;
        // Other instances have hands too: only while there is more than can be done is more taken.
        self.is_drained = claimed.len() < wanted;
        let last = claimed.iter().map(|job| job.due_at).max();
        let seen = last.filter(|_| !self.is_drained).unwrap_or(now);
        let names = known.names.iter().map(|(name, _)| name.as_str());
        self.looks.note(names, seen);
        self.ahead = if self.is_drained { 0 } else { wanted * 2 };
        self.waiting
            .extend(claimed.into_iter().map(|job| (job, asked)));
        Ok(())
    }

    /// What there are free hands for. Notes which of them are not, so that what is left out is looked for when
    /// they are.
    fn within_reach(&mut self) -> Known {
        let (all, hands) = (&self.runner.known, &self.hands);
        let is_free = |name: &&String| hands.for_name(name).available_permits() > 0;
        let names = all.names.iter().map(|(name, _)| name);
        let (free, taken): (Vec<&String>, Vec<&String>) = names.partition(is_free);
        self.left_out = taken
            .iter()
            .map(|name| Arc::clone(hands.for_name(name)))
            .collect();
        let periodic = if hands.has_common() {
            all.periodic.clone()
        } else {
            Vec::new()
        };
        Known {
            names: (free.into_iter())
                .map(|name| (name.clone(), self.looks.since(name)))
                .collect(),
            periodic,
        }
    }

    /// Begins as much of what is taken as there are free hands for.
    async fn begin(&mut self) {
        for (job, asked) in std::mem::take(&mut self.waiting) {
            // A handler needs most of a lease before it first renews it.
            if asked.elapsed() > self.runner.lease / 3 {
                self.release(&job).await;
                continue;
            }
            let Some(hand) = self.hands.take(&job.name) else {
                self.waiting.push_back((job, asked));
                continue;
            };
            let runner = Arc::clone(&self.runner);
            self.running.spawn(async move {
                let _hand = hand;
                runner.attempt(job, asked).await
            });
        }
    }

    async fn release(&self, job: &Claimed) {
        let runner = &self.runner;
        if let Err(error) = queue::release(&runner.pool, job, runner.clock.now()).await {
            // Its lease runs out, and somebody takes it then.
            tracing::warn!(job = job.name, id = %job.id, ?error, "a job was not given back");
        }
    }

    async fn remove_done(&mut self) {
        self.done_since = None;
        let done = std::mem::take(&mut self.done);
        self.runner.remove(&done).await;
    }
}
