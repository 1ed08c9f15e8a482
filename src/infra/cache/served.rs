//! A sample of what this process answered with, and its check while it runs.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Cache;
use super::space::{Key, Kind, Space, Value};
use super::verify::{AnyKey, AnySpace, Tally};
use crate::infra::metrics::declared as m;

/// Of so many answers from the process, one comes into question for the sample.
const ONE_IN: u32 = 64;
/// Most keys of a sample.
const SAMPLE: usize = 256;

thread_local! {
    /// Answers of this thread until the next one comes into question: shared by no thread, so that
    /// counting costs a hit next to nothing.
    static UNTIL_NEXT: Cell<u32> = const { Cell::new(0) };
}

/// Keys that were answered from the process since the last check: a reservoir (Vitter, algorithm
/// R), in which each answer in question is as likely as any other.
#[derive(Default)]
pub(super) struct Served {
    sample: Mutex<Sample>,
    /// Entries checked so far, and those of them that were wrong.
    checked: AtomicU64,
    wrong: AtomicU64,
}

#[derive(Default)]
struct Sample {
    offered: usize,
    keys: Vec<(&'static str, &'static dyn AnySpace, AnyKey)>,
}

impl Served {
    /// Notes an answer from the process, most often by doing nothing.
    pub(super) fn note<K: Key, V: Value>(&self, space: &'static Space<K, V>, key: &K) {
        let is_next = UNTIL_NEXT.with(|until| {
            let left = until.get();
            until.set(left.checked_sub(1).unwrap_or(ONE_IN - 1));
            left == 0
        });
        if is_next && space.kind == Kind::Exact {
            self.offer(space, key);
        }
    }

    fn offer<K: Key, V: Value>(&self, space: &'static Space<K, V>, key: &K) {
        let mut sample = self.lock();
        sample.offered += 1;
        let one: (_, &'static dyn AnySpace, AnyKey) = (space.name, space, Box::new(key.clone()));
        if sample.keys.len() < SAMPLE {
            sample.keys.push(one);
            return;
        }
        let place = rand::random_range(0..sample.offered);
        if let Some(other) = sample.keys.get_mut(place) {
            *other = one;
        }
    }

    fn take(&self) -> Sample {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Sample> {
        self.sample.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    /// Checks the sample of what this process answered with since the last check. An entry that
    /// differs from Postgres counts if it is still held, and still differs, after `grace`.
    pub async fn check_served(&self, grace: Duration) -> Tally {
        let mut spaces: HashMap<&str, (&'static dyn AnySpace, Vec<AnyKey>)> = HashMap::new();
        for (name, space, key) in self.0.served.take().keys {
            spaces
                .entry(name)
                .or_insert((space, Vec::new()))
                .1
                .push(key);
        }
        let mut all = Tally::default();
        for (name, (space, keys)) in spaces {
            match space.check_served(self, keys, grace).await {
                Ok(tally) => {
                    if tally.wrong > 0 {
                        let wrong = tally.wrong;
                        tracing::error!(space = name, wrong, "cached entries are wrong");
                    }
                    all.add(&tally);
                }
                Err(error) => tracing::debug!(?error, "cached entries cannot be checked"),
            }
        }
        self.show(&all);
        all
    }

    fn show(&self, tally: &Tally) {
        let right = tally.checked - tally.wrong;
        m::CACHE_CHECKED.counter(&["consistent"]).increment(right);
        let wrong = m::CACHE_CHECKED.counter(&["inconsistent"]);
        wrong.increment(tally.wrong);
        let served = &self.0.served;
        served.checked.fetch_add(tally.checked, Ordering::Relaxed);
        served.wrong.fetch_add(tally.wrong, Ordering::Relaxed);
        if let Some(nines) = self.served_so_far().nines() {
            m::CACHE_NINES.gauge(&[]).set(nines.nines);
        }
    }

    /// What all checks of this process found together.
    pub fn served_so_far(&self) -> Tally {
        Tally {
            checked: self.0.served.checked.load(Ordering::Relaxed),
            wrong: self.0.served.wrong.load(Ordering::Relaxed),
            ..Tally::default()
        }
    }
}

/// Checks a sample `every` so often until `stop`.
pub async fn check_while_serving(
    cache: Cache,
    every: Duration,
    grace: Duration,
    stop: CancellationToken,
) {
    while stop
        .run_until_cancelled(tokio::time::sleep(every))
        .await
        .is_some()
    {
        let checking = cache.check_served(grace);
        stop.run_until_cancelled(checking).await;
    }
}
