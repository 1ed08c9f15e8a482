//! Background work: jobs queued by the transaction that wants them, and periodic jobs.
//!
//! A job is done at least once: when a worker dies, another one does its job again. So every
//! handler has to be harmless when it is repeated, and a payload carries ids rather than data.

mod attempt;
mod periodic;
mod queue;
mod runner;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;

use crate::kernel::{Result, Timestamp};

pub use queue::{Backlog, backlog, enqueue};
pub use runner::{Pass, Runner};

/// A job to queue.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// The name it is registered under. Names are never reused for something else, because a row
    /// can wait for long.
    pub name: &'static str,
    /// What the handler gets.
    pub payload: Value,
    /// When it is due; `None` is at once.
    pub run_at: Option<Timestamp>,
}

type Running = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

enum Work<C> {
    Queued {
        max_attempts: u16,
        run: Box<dyn Fn(C, Value) -> Running + Send + Sync>,
    },
    Periodic {
        interval: Duration,
        run: Box<dyn Fn(C) -> Running + Send + Sync>,
    },
}

/// Every job that this program can do, by name. `C` is what handlers work with.
pub struct Registry<C> {
    works: BTreeMap<&'static str, Arc<Work<C>>>,
}

impl<C> Default for Registry<C> {
    fn default() -> Self {
        Self {
            works: BTreeMap::new(),
        }
    }
}

impl<C> Registry<C> {
    /// A registry without jobs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Queued jobs called `name` are done by `handler`, tried at most `max_attempts` times.
    ///
    /// # Panics
    /// When `name` is taken: the program is wired wrongly and must not start.
    pub fn on<F, Fut>(self, name: &'static str, max_attempts: u16, handler: F) -> Self
    where
        F: Fn(C, Value) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.with(
            name,
            Work::Queued {
                max_attempts,
                run: Box::new(move |context, payload| Box::pin(handler(context, payload))),
            },
        )
    }

    /// Once in `interval`, one instance of all that are running runs `handler`.
    ///
    /// # Panics
    /// When `name` is taken: the program is wired wrongly and must not start.
    pub fn every<F, Fut>(self, name: &'static str, interval: Duration, handler: F) -> Self
    where
        F: Fn(C) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.with(
            name,
            Work::Periodic {
                interval,
                run: Box::new(move |context| Box::pin(handler(context))),
            },
        )
    }

    fn with(mut self, name: &'static str, work: Work<C>) -> Self {
        let before = self.works.insert(name, Arc::new(work));
        assert!(before.is_none(), "two jobs are called {name}");
        self
    }

    /// The names of all jobs, sorted.
    pub fn names(&self) -> Vec<&'static str> {
        self.works.keys().copied().collect()
    }

    fn queued(&self) -> Vec<String> {
        let queued = |work: &Work<C>| matches!(work, Work::Queued { .. });
        self.works
            .iter()
            .filter(|(_, work)| queued(work))
            .map(|(name, _)| (*name).to_owned())
            .collect()
    }

    fn periodic(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        self.works.iter().filter_map(|(name, work)| match **work {
            Work::Periodic { interval, .. } => Some((*name, interval)),
            Work::Queued { .. } => None,
        })
    }

    fn find(&self, name: &str) -> Option<Arc<Work<C>>> {
        self.works.get(name).cloned()
    }
}

/// A duration that can be added to a timestamp; what chrono cannot hold becomes a year.
fn delta(duration: Duration) -> TimeDelta {
    let year = TimeDelta::days(365);
    TimeDelta::from_std(duration).map_or(year, |delta| delta.min(year))
}
