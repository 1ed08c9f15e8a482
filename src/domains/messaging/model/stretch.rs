//! Pages of messages. A conversation has no gaps, so which messages are on a page is arithmetic.

use serde::{Deserialize, Serialize};

use crate::kernel::page::{Direction, Slice, SortKey};

/// A message's place in its conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeqKey(pub i64);

impl SortKey for SeqKey {
    fn lowest() -> Self {
        Self(0)
    }
    fn highest() -> Self {
        Self(i64::MAX)
    }
}

/// Which messages somebody may look at: those after `floor`, up to `top`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The last one that is not for them.
    pub floor: i64,
    /// The newest that is.
    pub top: i64,
}

impl Bounds {
    /// Whether a message is within.
    pub fn has(self, seq: i64) -> bool {
        seq > self.floor && seq <= self.top
    }

    /// The same without what is up to `after`, or from `before` on.
    pub fn narrowed(self, after: Option<i64>, before: Option<i64>) -> Self {
        let before = before.map_or(self.top, |before| before.saturating_sub(1));
        Self {
            floor: after.map_or(self.floor, |after| after.max(self.floor)),
            top: before.min(self.top),
        }
    }
}

/// Places next to each other, as a walk meets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The first place, by number.
    pub low: i64,
    /// The last one; below `low` when there are none.
    pub high: i64,
    /// Whether the walk goes from `low` to `high`.
    pub ascending: bool,
}

impl Stretch {
    /// The places that a slice of a list asks for, with one more, as [`Slice::page`] wants them.
    pub fn of(bounds: Bounds, slice: &Slice<SeqKey>, oldest_first: bool) -> Self {
        let ascending = (slice.direction == Direction::Next) == oldest_first;
        let SeqKey(from) = slice.bound(ascending);
        let span = i64::from(slice.limit);
        let (low, high) = if ascending {
            let low = from.max(bounds.floor).saturating_add(1);
            (low, low.saturating_add(span).min(bounds.top))
        } else {
            let high = from.saturating_sub(1).min(bounds.top);
            let low = high.saturating_sub(span);
            (low.max(bounds.floor.saturating_add(1)), high)
        };
        Self {
            low,
            high,
            ascending,
        }
    }

    /// The places in the order of the walk.
    pub fn places(self) -> Vec<i64> {
        let places = self.low..=self.high;
        if self.ascending {
            places.collect()
        } else {
            places.rev().collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { floor: 2, top: 9 };

    fn walk(from: Option<i64>, direction: Direction, oldest_first: bool) -> Vec<i64> {
        let slice = Slice {
            from: from.map(SeqKey),
            direction,
            ..Slice::first(3)
        };
        Stretch::of(BOUNDS, &slice, oldest_first).places()
    }

    #[test]
    fn a_page_is_what_lies_next_to_its_cursor_and_one_more() {
        use Direction::{Next, Prev};
        assert_eq!(walk(None, Next, false), [9, 8, 7, 6]);
        assert_eq!(walk(Some(5), Next, false), [4, 3]);
        assert_eq!(walk(Some(5), Prev, false), [6, 7, 8, 9]);
        assert!(walk(Some(9), Prev, false).is_empty());
        assert_eq!(walk(None, Next, true), [3, 4, 5, 6]);
        assert_eq!(walk(Some(8), Next, true), [9]);
        assert_eq!(walk(Some(5), Prev, true), [4, 3]);
        assert_eq!(walk(None, Prev, false), [3, 4, 5, 6]);
    }

    #[test]
    fn bounds_only_get_narrower() {
        let narrowed = BOUNDS.narrowed(Some(1), Some(20));
        assert_eq!(narrowed, BOUNDS);
        let Bounds { floor, top } = BOUNDS.narrowed(Some(4), Some(8));
        assert_eq!((floor, top), (4, 7));
        let nothing = BOUNDS.narrowed(Some(i64::MAX), Some(i64::MIN));
        let slice = Slice::first(3);
        assert!(Stretch::of(nothing, &slice, true).places().is_empty());
        assert!(Stretch::of(nothing, &slice, false).places().is_empty());
        assert!(BOUNDS.has(3) && BOUNDS.has(9) && !BOUNDS.has(2) && !BOUNDS.has(10));
    }
}
