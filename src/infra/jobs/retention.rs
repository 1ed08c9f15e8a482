//! How long things are kept, as data: a rule a kind of row, and the periodic job that follows it.

use std::fmt;
use std::time::Duration;

use chrono::TimeDelta;

use super::Registry;
use crate::kernel::{Result, Timestamp};

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// What is kept.
    pub what: &'static str,
    /// How long, or how many.
    pub kept: Kept,
    /// The job that deletes the rest.
    pub job: &'static str,
    /// How often it runs.
    pub every: Duration,
}

/// How long, or how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// So many hours.
    Hours(i64),
    /// So many days.
    Days(i64),
    /// So many of each person.
    Last(i64),
}

impl Retention {
    /// What is older than this goes; nothing does where age does not count.
    pub fn before(&self, now: Timestamp) -> Timestamp {
        match self.kept {
            Kept::Hours(hours) => now - TimeDelta::hours(hours),
            Kept::Days(days) => now - TimeDelta::days(days),
            Kept::Last(_) => now - TimeDelta::weeks(52_000),
        }
    }
}

/// As the documentation says it.
impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hours(1) => write!(f, "1 hour"),
            Self::Hours(hours) => write!(f, "{hours} hours"),
            Self::Days(days) => write!(f, "{days} days"),
            Self::Last(lines) => write!(f, "the last {lines}"),
        }
    }
}

impl<C> Registry<C> {
    /// `handler` follows `rule`, as a periodic job.
    ///
    /// # Panics
    /// When the job's name is taken: the program is wired wrongly and must not start.
    pub fn keep<F, Fut>(mut self, rule: Retention, handler: F) -> Self
    where
        F: Fn(C, Retention) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.retention.push(rule);
        self.every(rule.job, rule.every, move |context| handler(context, rule))
    }

    /// All rules.
    pub fn retention(&self) -> &[Retention] {
        &self.retention
    }
}
