//! The step that a process takes before it believes L1: what was voided since it last asked.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use redis::Pipeline;

use super::l2::STEP;
use super::ledger::Ledger;
use super::{Cache, Mode, Witnessed};

/// A process that has missed more voids than this empties its L1 instead of learning them.
const MOST_ROWS: u64 = 256;

tokio::task_local! {
    /// Set while a request is handled whose step had no answer.
    static IN_DOUBT: ();
}

/// Does `work` for a request. `in_doubt` says that its step had no answer: then it counts as without
/// Redis, because what was voided meanwhile is not known here.
pub async fn handle<F: Future>(in_doubt: bool, work: F) -> F::Output {
    if in_doubt {
        IN_DOUBT.scope((), work).await
    } else {
        work.await
    }
}

/// Whether what is being handled counts as without Redis.
pub(super) fn is_in_doubt() -> bool {
    IN_DOUBT.try_with(|()| ()).is_ok()
}

/// A step on its way: what the process knew when it asked.
#[must_use]
pub struct Step {
    ledger: Arc<Ledger>,
    position: u64,
}

/// The reply to a step: epoch, sequence, tags of each missed void.
pub type Missed = (String, u64, Vec<String>);

impl Cache {
    /// Adds the step to a pipeline, whose reply at that place is a [`Missed`]. `None` when nobody
    /// is asked, because this process is on its own or reads no cache.
    pub fn ask_step(&self, pipe: &mut Pipeline) -> Option<Step> {
        let ledger = self.0.ledger.load_full();
        let epoch = self.shared_epoch(&ledger)?;
        if self.0.mode == Mode::Off {
            return None;
        }
        let position = ledger.applied();
        pipe.cmd("EVALSHA")
            .arg(STEP.get_hash())
            .arg(2)
            .arg(self.state_key())
            .arg(self.stream_key(epoch))
            .arg(epoch)
            .arg(position)
            .arg(MOST_ROWS);
        Some(Step { ledger, position })
    }

    /// Applies what was missed, before anything is read.
    pub fn apply_step(&self, step: &Step, missed: &Missed) {
        self.catch_up(step, missed);
        self.0.unsure.store(false, Ordering::Release);
    }

    /// A step was asked for and nothing came back. Until one is answered, L1 counts as it does
    /// without Redis.
    pub fn miss_step(&self, _step: &Step) {
        self.0.unsure.store(true, Ordering::Release);
    }

    fn catch_up(&self, step: &Step, (epoch, sequence, rows): &Missed) {
        let ledger = &step.ledger;
        let same = ledger.epoch.is_some_and(|known| epoch.parse() == Ok(known));
        if !same {
            self.take_epoch(ledger, epoch, *sequence);
            return;
        }
        let missed = sequence.saturating_sub(step.position);
        if missed == 0 && *sequence >= step.position {
            return;
        }
        if *sequence < step.position || u64::try_from(rows.len()).ok() != Some(missed) {
            tracing::info!(missed, "a gap in the sequence of voids: L1 is emptied");
            self.follow(ledger, ledger.epoch, *sequence);
            return;
        }
        for (row, number) in rows.iter().zip(step.position + 1..) {
            self.apply(ledger, number, row);
        }
        ledger.advance(*sequence);
    }

    /// Takes the step by itself, for jobs and whatever else passes no door.
    pub async fn step(&self) {
        let mut pipe = Pipeline::new();
        let Some(step) = self.ask_step(&mut pipe) else {
            return;
        };
        match self.0.redis.query::<(Missed,)>(&pipe).await {
            Ok((missed,)) => self.apply_step(&step, &missed),
            Err(_away) => self.miss_step(&step),
        }
    }

    /// Marks the tags of one void, which lie one a line.
    pub(super) fn apply(&self, ledger: &Ledger, number: u64, row: &str) {
        let tags: Vec<&str> = row.split('\n').collect();
        ledger.mark(number, &self.0.tags.slots(&tags));
        self.tell_witness(&Witnessed::Tags(&tags));
    }

    /// Redis names another epoch than `known` has, or none at all.
    pub(super) fn take_epoch(&self, known: &Arc<Ledger>, said: &str, sequence: u64) {
        if let Ok(epoch) = said.parse::<i64>() {
            tracing::info!(epoch, "another epoch of the cache");
            self.follow(known, Some(epoch), sequence);
        } else {
            tracing::warn!("Redis has lost the sequence of voids: a new epoch begins");
            // Nobody knows what was voided: nothing is believed, not even for a second.
            self.follow(known, None, 0);
            self.0.redis.reconnect();
        }
    }

    /// Begins a new ledger in place of `known`, unless somebody else just did.
    fn follow(&self, known: &Arc<Ledger>, epoch: Option<i64>, sequence: u64) {
        self.replace_ledger(known, epoch, sequence);
    }
}
