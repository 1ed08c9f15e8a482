//! The step that a process takes before it believes L1: what was voided since it last asked.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use redis::{FromRedisValue as _, Pipeline, Value};

use super::ledger::Ledger;
use super::{Cache, Mode, Witnessed};

/// A process that has missed more voids than this empties its L1 instead of learning them.
const MOST_ROWS: usize = 256;

tokio::task_local! {
    /// Set while a request is handled whose step had no answer.
    static IN_DOUBT: ();
}

/// Does `work` for a request. `in_doubt` says that its step had no answer: then it counts as without
/// Redis, because what was voided meanwhile is not known here.
pub async fn with_doubt<F: Future>(in_doubt: bool, work: F) -> F::Output {
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

/// What Redis says to a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// The epoch; empty if Redis has lost it.
    pub epoch: String,
    /// The last void of it.
    pub sequence: u64,
    /// Numbers and tags of voids after the position that was asked from, maybe of younger ones than
    /// the last too.
    pub rows: Vec<(u64, String)>,
}

impl Missed {
    /// Reads the replies to the commands of a step.
    pub fn read(replies: &mut impl Iterator<Item = Value>) -> Option<Self> {
        let (state, rows) = (replies.next(), replies.next());
        let (epoch, sequence): (Option<String>, Option<u64>) =
            <_>::from_redis_value(state?).ok()?;
        let rows: Vec<(String, (String, String))> = <_>::from_redis_value(rows?).ok()?;
        let rows = rows.into_iter().map(|(id, (_, tags))| {
            let (number, _) = id.split_once('-')?;
            Some((number.parse().ok()?, tags))
        });
        Some(Self {
            epoch: epoch.unwrap_or_default(),
            sequence: sequence.unwrap_or_default(),
            rows: rows.collect::<Option<_>>()?,
        })
    }
}

impl Cache {
    /// Adds the step to a pipeline, whose replies at that place are for [`Missed::read`]. `None` when
    /// nobody is asked, because this process is on its own or reads no cache.
    ///
    /// It is no script: every request takes it, and two plain commands cost Redis a third of one. The
    /// state comes first, so a void between the two only adds a row that is not counted in it yet.
    pub fn ask_step(&self, pipe: &mut Pipeline) -> Option<Step> {
        let ledger = self.0.ledger.load_full();
        let epoch = self.shared_epoch(&ledger)?;
        if self.0.mode == Mode::Off {
            return None;
        }
        let position = ledger.applied();
        pipe.cmd("HMGET")
            .arg(self.state_key())
            .arg("epoch")
            .arg("sequence");
        pipe.cmd("XRANGE")
            .arg(self.stream_key(epoch))
            .arg(format!("{}-0", position + 1))
            .arg("+")
            .arg("COUNT")
            .arg(MOST_ROWS + 1);
        Some(Step { ledger, position })
    }

    /// Applies what was missed, before anything is read.
    pub fn apply_step(&self, step: &Step, missed: &Missed) {
        self.catch_up(step, missed);
        self.0.unsure.store(false, Ordering::Release);
    }

    /// A step was asked for and nothing came back. Until one is answered, L1 counts as it does
    /// without Redis.
    pub fn miss_step(&self) {
        self.0.unsure.store(true, Ordering::Release);
    }

    fn catch_up(&self, step: &Step, missed: &Missed) {
        let (ledger, sequence) = (&step.ledger, missed.sequence);
        let same = ledger
            .epoch
            .is_some_and(|known| missed.epoch.parse() == Ok(known));
        if !same {
            self.take_epoch(ledger, &missed.epoch, sequence);
            return;
        }
        let numbers = missed.rows.iter().map(|(number, _)| *number);
        let unbroken = numbers.eq((step.position + 1..).take(missed.rows.len()));
        let last = missed.rows.last().map_or(step.position, |(last, _)| *last);
        let whole = unbroken && last >= sequence && missed.rows.len() <= MOST_ROWS;
        if sequence < step.position || !whole {
            tracing::info!("a gap in the sequence of voids: L1 is emptied");
            self.replace_ledger(ledger, ledger.epoch, sequence);
            return;
        }
        for (number, tags) in &missed.rows {
            self.apply(ledger, *number, tags);
        }
        ledger.advance(last);
    }

    /// Takes the step by itself, for jobs and whatever else passes no door.
    pub async fn step(&self) {
        let mut pipe = Pipeline::new();
        let Some(step) = self.ask_step(&mut pipe) else {
            return;
        };
        let replies = self.0.redis.query::<Vec<Value>>(&pipe).await;
        let missed = replies.ok().map(Vec::into_iter);
        match missed.and_then(|mut replies| Missed::read(&mut replies)) {
            Some(missed) => self.apply_step(&step, &missed),
            None => self.miss_step(),
        }
    }

    /// Marks the tags of one void, which lie one a line.
    pub(super) fn apply(&self, ledger: &Ledger, number: u64, row: &str) {
        let tags: Vec<&str> = row.split('\n').collect();
        ledger.mark(number, &self.0.tags.codes(&tags));
        self.tell_witness(&Witnessed::Tags(&tags));
    }

    /// Redis names another epoch than `known` has, or none at all.
    pub(super) fn take_epoch(&self, known: &Arc<Ledger>, said: &str, sequence: u64) {
        if let Ok(epoch) = said.parse::<i64>() {
            tracing::info!(epoch, "another epoch of the cache");
            self.replace_ledger(known, Some(epoch), sequence);
        } else {
            tracing::warn!("Redis has lost the sequence of voids: a new epoch begins");
            // Nobody knows what was voided: nothing is believed, not even for a second.
            self.replace_ledger(known, None, 0);
            self.0.redis.reconnect();
        }
    }
}
