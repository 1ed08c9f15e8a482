//! What a load did, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// What one load did.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// What was loaded: `demo`, `graph` or `ldbc`.
    pub source: &'static str,
    /// Whether all of it was there already, so that nothing was changed.
    pub already_loaded: bool,
    /// How many of each kind were loaded (or are there already).
    pub counts: BTreeMap<&'static str, u64>,
    /// What the source has and kith did not take.
    pub skipped: Vec<Skipped>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// Something that was left out.
#[derive(Debug, Clone, Serialize)]
pub struct Skipped {
    /// What.
    pub what: &'static str,
    /// How many.
    pub count: u64,
    /// Why.
    pub reason: &'static str,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.already_loaded {
            writeln!(
                f,
                "This data ({}) is here already; nothing was changed.",
                self.source
            )?;
        } else {
            writeln!(f, "Loaded ({}) in {:.1} s:", self.source, self.seconds)?;
        }
        for (kind, count) in &self.counts {
            writeln!(f, "  {count:>9}  {kind}")?;
        }
        if !self.skipped.is_empty() {
            writeln!(f, "Left out:")?;
        }
        for skipped in &self.skipped {
            writeln!(
                f,
                "  {:>9}  {}: {}",
                skipped.count, skipped.what, skipped.reason
            )?;
        }
        Ok(())
    }
}

/// A step of a load, told before it begins.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// What is done now.
    pub doing: &'a str,
    /// How many steps are behind.
    pub done: usize,
    /// How many there are.
    pub of: usize,
}

/// Is told each step; a progress bar, or nothing.
pub type Progress<'a> = &'a (dyn Fn(Step<'_>) + Send + Sync);
