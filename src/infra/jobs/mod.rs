//! Background work: jobs queued by the transaction that wants them, and periodic jobs.
//!
//! A job is done at least once: when a worker dies, another one does its job again. So every
//! handler has to be harmless when it is repeated, and a payload carries ids rather than data.

mod attempt;
mod background;
mod hands;
mod inspect;
mod looks;
mod periodic;
mod progress;
mod queue;
mod retention;
mod runner;
mod together;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;

use crate::kernel::{Result, Timestamp};

pub use attempt::Outcome;
pub use hands::{HANDS, OUTSIDE, TOGETHER};
pub use inspect::{Failed, JobKind, Summary, list_failed, purge, retry, run_soon, summaries};
pub use progress::{Progress, Step};
pub use queue::{Backlog, CLAIM, CLAIMING, backlog, enqueue};
pub use retention::{Kept, Retention};
pub use runner::{Pass, Runner};
pub use together::Together;

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

type Running = Pin<Box<dyn Future<Output = Result<Step>> + Send>>;

enum Work<C> {
    Queued {
        max_attempts: u16,
        /// How many run at a time; `None` for those that share theirs with others.
        hands: Option<usize>,
        run: Box<dyn Fn(C, Progress, Value) -> Running + Send + Sync>,
    },
    Periodic {
        interval: Duration,
        run: Box<dyn Fn(C) -> Running + Send + Sync>,
    },
}

/// Every job that this program can do, by name. `C` is what handlers work with.
pub struct Registry<C> {
    works: BTreeMap<&'static str, Arc<Work<C>>>,
    listeners: BTreeMap<&'static str, Vec<&'static str>>,
    retention: Vec<Retention>,
}

impl<C> Default for Registry<C> {
    fn default() -> Self {
        Self {
            works: BTreeMap::new(),
            listeners: BTreeMap::new(),
            retention: Vec::new(),
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
        self.in_steps(name, max_attempts, move |context, _progress, payload| {
            let running = handler(context, payload);
            async move { running.await.map(|()| Step::Done) }
        })
    }

    /// Like [`Registry::on`], for long jobs: `handler` saves its progress, and an attempt that comes
    /// after gets what was saved last as its payload.
    ///
    /// # Panics
    /// When `name` is taken: the program is wired wrongly and must not start.
    pub fn in_steps<F, Fut>(self, name: &'static str, max_attempts: u16, handler: F) -> Self
    where
        F: Fn(C, Progress, Value) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Step>> + Send + 'static,
    {
        self.with(
            name,
            Work::Queued {
                max_attempts,
                hands: None,
                run: Box::new(move |context, progress, payload| {
                    Box::pin(handler(context, progress, payload))
                }),
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
                run: Box::new(move |context| {
                    let running = handler(context);
                    Box::pin(async move { running.await.map(|()| Step::Done) })
                }),
            },
        )
    }

    /// So many of the jobs called `name` run at a time, in hands of their own: however many wait or hang, they
    /// hold up no other job, and none holds up them.
    ///
    /// # Panics
    /// When no queued job is called `name`: the program is wired wrongly and must not start.
    pub fn with_hands(mut self, name: &'static str, many: usize) -> Self {
        let work = self.works.get_mut(name).and_then(Arc::get_mut);
        match work {
            Some(Work::Queued { hands, .. }) => *hands = Some(many),
            _ => panic!("no queued job is called {name}"),
        }
        self
    }

    fn with(mut self, name: &'static str, work: Work<C>) -> Self {
        let before = self.works.insert(name, Arc::new(work));
        assert!(before.is_none(), "two jobs are called {name}");
        self
    }

    /// All jobs, sorted by name.
    pub fn kinds(&self) -> Vec<JobKind> {
        let kind = |(name, work): (&&'static str, &Arc<Work<C>>)| JobKind {
            name,
            every: match **work {
                Work::Periodic { interval, .. } => Some(interval),
                Work::Queued { .. } => None,
            },
        };
        self.works.iter().map(kind).collect()
    }

    /// Notes that there are events called `event`, and that jobs called `job` handle them.
    pub fn listen(mut self, event: &'static str, job: Option<&'static str>) -> Self {
        self.listeners.entry(event).or_default().extend(job);
        self
    }

    /// The jobs that handle an event, by the event's name.
    pub fn listeners(&self) -> &BTreeMap<&'static str, Vec<&'static str>> {
        &self.listeners
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
