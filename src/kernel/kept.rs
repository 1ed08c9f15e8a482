//! Lists as a cache keeps them: their beginning, or their newest members, and never more.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::page::{Direction, Slice, TimeKey};

/// Rows that a head keeps: more than the largest page, so that a page is filled although some rows
/// are not for its reader.
const HEAD: usize = 128;
/// Rows that are looked at beyond those of a page, in place of those that are not for its reader.
const SPARE: usize = 20;
/// Members that are kept of a set.
const NEWEST: usize = 2_000;

/// The beginning of a list that is walked by time, without regard to who reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head<T> {
    rows: Vec<(TimeKey, T)>,
    whole: bool,
}

impl<T: Copy> Head<T> {
    /// How many rows [`Head::new`] wants: one more than are kept, to learn whether there are more.
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_wrap,
        reason = "a constant is converted in no other way, and these are small"
    )]
    pub const FETCH: i64 = HEAD as i64 + 1;

    /// The head of a list, of its first rows in the list's order.
    pub fn new(mut rows: Vec<(TimeKey, T)>) -> Self {
        let whole = rows.len() <= HEAD;
        rows.truncate(HEAD);
        Self { rows, whole }
    }

    /// The rows that are kept.
    pub fn rows(&self) -> &[(TimeKey, T)] {
        &self.rows
    }

    /// Whether the rows are the whole list.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// What may fill a stretch of the list; `None` where the stretch lies outside of what is kept.
    pub fn candidates(&self, slice: &Slice<TimeKey>) -> Option<Candidates<T>> {
        let place = |from| self.rows.iter().position(|(key, _)| key == from);
        let (mut rows, ends): (Vec<_>, bool) = match (slice.direction, &slice.from) {
            (Direction::Next, None) => (self.rows.clone(), self.whole),
            (Direction::Next, Some(from)) => {
                let after = self.rows.iter().skip(place(from)? + 1);
                (after.cloned().collect(), self.whole)
            }
            (Direction::Prev, Some(from)) if slice.late.is_some() => {
                let is_within = |last: &(TimeKey, T)| self.whole || last.0 <= *from;
                self.rows.last().filter(|last| is_within(last))?;
                let newer = self.rows.iter().rev().skip_while(|(key, _)| key <= from);
                (newer.cloned().collect(), true)
            }
            (Direction::Prev, Some(from)) => {
                let before = self.rows.iter().take(place(from)?);
                (before.rev().cloned().collect(), true)
            }
            (Direction::Prev, None) => {
                let all = self.rows.iter().filter(|_| self.whole);
                (all.rev().cloned().collect(), self.whole)
            }
        };
        let wanted = usize::from(slice.limit) + 1;
        let ends = ends && rows.len() <= wanted + SPARE;
        rows.truncate(wanted + SPARE);
        Some(Candidates { rows, wanted, ends })
    }
}

/// Rows of a head that may fill a page, once those are gone that are not for its reader.
#[derive(Debug, Clone)]
pub struct Candidates<T> {
    rows: Vec<(TimeKey, T)>,
    wanted: usize,
    ends: bool,
}

impl<T: Copy> Candidates<T> {
    /// What the rows are, in the order of the walk.
    pub fn items(&self) -> Vec<T> {
        self.rows.iter().map(|(_, item)| *item).collect()
    }

    /// The rows for [`Slice::page`]; `None` when too few are left of them and the list goes on.
    pub fn filled(self, is_shown: impl Fn(&T) -> bool) -> Option<Vec<(TimeKey, T)>> {
        let Self { rows, wanted, ends } = self;
        let mut shown: Vec<_> = rows
            .into_iter()
            .filter(|(_, item)| is_shown(item))
            .collect();
        let enough = ends || shown.len() >= wanted;
        shown.truncate(wanted);
        enough.then_some(shown)
    }
}

/// The newest members of a set of things by id, each with a word on it. Ids tell the time, so
/// "newest" is about the things themselves and not about when they came into the set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Newest<T> {
    members: Vec<(Uuid, T)>,
    floor: Option<Uuid>,
}

impl<T> Newest<T> {
    /// How many members [`Newest::new`] wants: one more than are kept.
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_wrap,
        reason = "a constant is converted in no other way, and these are small"
    )]
    pub const FETCH: i64 = NEWEST as i64 + 1;

    /// The newest members of a set, greatest id first.
    pub fn new(mut members: Vec<(Uuid, T)>) -> Self {
        let floor = members.get(NEWEST).map(|(id, _)| *id);
        members.truncate(NEWEST);
        members.reverse();
        Self { members, floor }
    }

    /// Whether it is known of this thing if it is a member.
    pub fn knows(&self, id: Uuid) -> bool {
        self.floor.is_none_or(|floor| id > floor)
    }

    /// The word on a member.
    pub fn get(&self, id: Uuid) -> Option<&T> {
        let found = self.members.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.members.get(found).map(|(_, word)| word)
    }

    /// How many members are kept.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Timestamp;

    fn key(n: u128) -> TimeKey {
        let at = Timestamp::from_micros(i64::try_from(n).expect("small")).expect("a time");
        TimeKey(at, Uuid::from_u128(n))
    }

    fn head(rows: u128) -> Head<u128> {
        Head::new((0..rows).map(|n| (key(n), n)).collect())
    }

    fn read(head: &Head<u128>, slice: &Slice<TimeKey>, odd: bool) -> Option<Vec<u128>> {
        let rows = head.candidates(slice)?.filled(|n| !odd || n % 2 == 1)?;
        Some(slice.page(rows).items)
    }

    fn slice(from: Option<u128>, direction: Direction) -> Slice<TimeKey> {
        Slice {
            from: from.map(key),
            direction,
            ..Slice::first(2)
        }
    }

    #[test]
    fn a_page_is_read_from_a_head_in_either_direction() {
        let (some, many) = (head(7), head(1_000));
        for list in [&some, &many] {
            let read = |from, direction| read(list, &slice(from, direction), false);
            assert_eq!(read(None, Direction::Next), Some(vec![0, 1]));
            assert_eq!(read(Some(1), Direction::Next), Some(vec![2, 3]));
            assert_eq!(read(Some(4), Direction::Prev), Some(vec![2, 3]));
            assert_eq!(read(Some(0), Direction::Prev), Some(vec![]));
        }
        let end = slice(Some(5), Direction::Next);
        assert_eq!(read(&some, &end, false), Some(vec![6]));
        assert_eq!(
            read(&some, &slice(None, Direction::Prev), false),
            Some(vec![5, 6])
        );
    }

    #[test]
    fn what_a_head_does_not_hold_is_left_to_others() {
        let many = head(1_000);
        assert_eq!(many.rows().len(), HEAD);
        for (from, direction) in [
            (Some(126), Direction::Next),
            (Some(500), Direction::Next),
            (Some(500), Direction::Prev),
            (None, Direction::Prev),
        ] {
            assert_eq!(
                read(&many, &slice(from, direction), false),
                None,
                "{from:?}"
            );
        }
    }

    #[test]
    fn a_page_is_filled_over_rows_that_are_not_shown_up_to_a_bound() {
        let many = head(1_000);
        let first = slice(None, Direction::Next);
        assert_eq!(read(&many, &first, true), Some(vec![1, 3]));
        let candidates = many.candidates(&first).expect("candidates");
        assert_eq!(
            candidates.filled(|n| *n > 21),
            None,
            "too few of those looked at"
        );
        let candidates = head(5).candidates(&first).expect("candidates");
        assert_eq!(
            candidates.filled(|_| false),
            Some(Vec::new()),
            "the list ends"
        );
    }

    #[test]
    fn a_set_knows_its_newest_members_and_says_where_that_ends() {
        let members = |count: u128| (0..count).rev().map(|n| (Uuid::from_u128(n), n)).collect();
        let few = Newest::new(members(3));
        assert!(few.knows(Uuid::nil()));
        assert_eq!(few.get(Uuid::from_u128(2)), Some(&2));
        assert_eq!(few.get(Uuid::from_u128(3)), None);
        let many = Newest::new(members(2_001));
        assert_eq!(many.len(), NEWEST);
        assert!(!many.knows(Uuid::nil()));
        assert!(many.knows(Uuid::from_u128(1)));
        assert_eq!(many.get(Uuid::from_u128(1)), Some(&1));
    }
}
