//! From when on jobs are looked for.
//!
//! A row that is done leaves its place in the index until the table is vacuumed. Whoever walked the index from its
//! beginning at each look would pass all of them, some thousand a minute. So a look begins shortly before what the
//! last one has seen, and once a second at the beginning: what was committed late, or by a clock that is behind,
//! is found then.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use tokio::time::Instant;

use crate::kernel::Timestamp;

/// Between two looks from the beginning.
const WHOLE: Duration = Duration::from_secs(1);
/// Rows are due from the beginning of their transaction on, and seen after its end.
const MARGIN: TimeDelta = TimeDelta::seconds(1);

/// What the looks of one worker have seen.
#[derive(Debug, Default)]
pub(super) struct Looks {
    since: HashMap<String, Timestamp>,
    whole: Option<Instant>,
}

impl Looks {
    /// Begins a look. Now and then it is one from the beginning.
    pub(super) fn begin(&mut self, now: Instant) {
        let is_due = |last: Instant| now.duration_since(last) >= WHOLE;
        if self.whole.is_none_or(is_due) {
            self.whole = Some(now);
            self.since.clear();
        }
    }

    /// From when on rows of this name are to be looked for.
    pub(super) fn since(&self, name: &str) -> Timestamp {
        self.since.get(name).copied().unwrap_or_else(ever)
    }

    /// Notes that all rows of these names were seen that were due up to `until`.
    pub(super) fn note<'a>(&mut self, names: impl Iterator<Item = &'a str>, until: Timestamp) {
        let since = until - MARGIN;
        for name in names {
            match self.since.get_mut(name) {
                Some(known) => *known = since.max(*known),
                None => drop(self.since.insert(name.to_owned(), since)),
            }
        }
    }
}

/// Before all rows.
pub(super) fn ever() -> Timestamp {
    Timestamp::new(DateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).expect("an instant")
    }

    #[test]
    fn a_look_begins_before_what_was_seen_and_now_and_then_at_the_beginning() {
        let (mut looks, began) = (Looks::default(), Instant::now());
        looks.begin(began);
        assert_eq!(looks.since("a"), ever());
        looks.note(["a"].into_iter(), at(100));
        looks.begin(began + WHOLE / 2);
        assert_eq!(looks.since("a"), at(99));
        assert_eq!(looks.since("b"), ever(), "nobody has looked for it");
        // A clock that goes back moves nothing.
        looks.note(["a"].into_iter(), at(50));
        assert_eq!(looks.since("a"), at(99));
        looks.begin(began + WHOLE);
        assert_eq!(looks.since("a"), ever());
    }
}
