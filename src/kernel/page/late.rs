//! Rows that come late. A write takes its instant when it begins and is seen when it commits: of two at
//! once the later one may be seen first. Whoever asks for what is newer than a page is therefore given
//! what lies a little further back too, without what they were given already.

use serde::{Deserialize, Serialize};

use super::{Direction, Slice, SortKey};

/// How much later than its instant a row may be seen, in microseconds.
const LATE: i64 = 3_000_000;
/// Rows that a cursor remembers as given out, the newest. Where more come within so short a time, it looks
/// back less far.
const MOST: usize = 24;

/// Where to look for what is newer than the rows up to `top`, and which of them lie there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Late<K> {
    /// The newest row that was given out.
    pub top: K,
    /// Everything beyond this that could be seen was given out, up to `top`.
    pub from: K,
    /// What was: microseconds after `from`, and what tells it from others of that instant.
    marks: Vec<(i64, u32)>,
}

impl<K: SortKey> Late<K> {
    /// What the cursor to what is newer has to remember, after a page with these rows in the list's order,
    /// which goes on beyond them if there are `more`. `None` where rows do not come late, where what is newer
    /// lies the other way, or where there is nothing to look back to.
    pub fn after(slice: &Slice<K>, rows: &[K], more: bool) -> Option<Self> {
        let before = slice.late.as_ref();
        let (Some(top), Some(last)) = (rows.first(), rows.last()) else {
            return before.cloned();
        };
        let top = before.map_or(top, |late| late.higher(top));
        let (newest, _) = top.moment().filter(|_| !slice.oldest_first)?;
        // All that lies between here and the top is on the page, or was given out before.
        let floor = match (slice.direction, &slice.from) {
            (Direction::Prev, Some(from)) => from.clone(),
            (Direction::Next, _) if more => last.clone(),
            _ => K::lowest(),
        };
        let mut known: Vec<(i64, u32)> = rows.iter().filter_map(K::moment).collect();
        known.extend(before.into_iter().flat_map(Self::moments));
        known.sort_unstable_by_key(|(at, _)| std::cmp::Reverse(*at));
        let mut from = floor;
        let forgotten = known.get(MOST).map(|(at, _)| *at);
        let back = forgotten.map_or(newest - LATE, |at| at.max(newest - LATE));
        if forgotten.is_some() || from.moment()?.0 < back {
            from = K::at_the_end_of(back)?;
        }
        let begin = from.moment()?.0;
        known.truncate(MOST);
        known.retain(|(at, _)| *at >= begin);
        let marks = known.into_iter().map(|(at, mark)| (at - begin, mark));
        (begin < newest).then(|| Self {
            top: top.clone(),
            from,
            marks: marks.collect(),
        })
    }

    /// Whether this row was given out already. One that has moved up since comes again, and one that has
    /// moved down does not.
    pub fn has(&self, key: &K) -> bool {
        let Some((at, mark)) = key.moment() else {
            return false;
        };
        self.moments().any(|known| known.1 == mark && at <= known.0)
    }

    /// The newer one of the newest row that was given out and another.
    pub fn higher<'a>(&'a self, other: &'a K) -> &'a K {
        if self.is_above(other) {
            &self.top
        } else {
            other
        }
    }

    /// Whether a row is no newer than the newest that was given out.
    pub fn is_above(&self, other: &K) -> bool {
        self.top >= *other
    }

    /// How many rows beyond `from` were given out already.
    pub fn count(&self) -> u16 {
        u16::try_from(self.marks.len()).unwrap_or(u16::MAX)
    }

    fn moments(&self) -> impl Iterator<Item = (i64, u32)> {
        let begin = self.from.moment().map_or(0, |(at, _)| at);
        self.marks.iter().map(move |(at, mark)| (begin + at, *mark))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::kernel::Timestamp;
    use crate::kernel::page::{Page, TimeKey};

    fn key(millis: i64, number: u128) -> TimeKey {
        let at = Timestamp::from_micros(1_700_000_000_000_000 + millis * 1_000);
        TimeKey(at.expect("an instant"), Uuid::from_u128(number))
    }

    /// A page of the list as it is now, newest first.
    fn read(list: &[TimeKey], slice: &Slice<TimeKey>) -> Page<TimeKey, TimeKey> {
        slice.page_of_whole(list.iter().map(|key| (key.clone(), key.clone())).collect())
    }

    fn newer(page: &Page<TimeKey, TimeKey>, limit: u16) -> Slice<TimeKey> {
        Slice::newer(page.prev.clone(), page.late.clone(), limit)
    }

    #[test]
    fn what_is_seen_late_is_given_and_nothing_is_given_twice() {
        let mut list = vec![key(-9_000, 1), key(100, 2), key(200, 3)];
        let mut page = read(&list, &Slice::first(20));
        let mut given = page.items.clone();
        for late in [key(150, 4), key(300, 5), key(-2_500, 6), key(250, 7)] {
            list.push(late.clone());
            page = read(&list, &newer(&page, 20));
            assert_eq!(page.items, [late]);
            given.extend(page.items.clone());
            page = read(&list, &newer(&page, 20));
            assert_eq!(page.items, []);
        }
        assert_eq!(given.len(), list.len());
    }

    #[test]
    fn a_walk_back_meets_each_row_once_however_many_share_an_instant() {
        let numbered = |n: u8| key(i64::from(n) / 60, n.into());
        let list: Vec<TimeKey> = (0..200).map(numbered).collect();
        let mut pages = vec![read(&list, &Slice::first(7))];
        while let Some(next) = pages.last().and_then(|page| page.next.clone()) {
            let slice = Slice {
                from: Some(next),
                ..Slice::first(7)
            };
            pages.push(read(&list, &slice));
        }
        let mut page = pages.pop().expect("pages");
        let mut seen = page.items.clone();
        loop {
            page = read(&list, &newer(&page, 7));
            if page.items.is_empty() {
                break;
            }
            assert!(page.items.len() <= 7);
            seen.splice(0..0, page.items.clone());
        }
        let mut whole = list;
        whole.reverse();
        assert_eq!(seen, whole);
    }

    #[test]
    fn what_comes_late_below_all_that_is_remembered_brings_nothing_twice() {
        let mut list: Vec<TimeKey> = (0..30).map(|n| key(n * 100, 100)).collect();
        let mut page = read(&list, &Slice::first(50));
        for late in [key(2_550, 1), key(550, 2)] {
            list.push(late.clone());
            page = read(&list, &newer(&page, 50));
            let is_remembered = late == key(2_550, 1);
            let expected = if is_remembered { vec![late] } else { vec![] };
            assert_eq!(page.items, expected, "the newest 24 are remembered");
            page = read(&list, &newer(&page, 50));
            assert_eq!(page.items, []);
        }
        list.push(key(5_000, 3));
        page = read(&list, &newer(&page, 50));
        assert_eq!(page.items, [key(5_000, 3)]);
    }

    #[test]
    fn whoever_goes_back_down_misses_nothing() {
        let mut list: Vec<TimeKey> = (0..9).map(|n| key(n * 100, 100)).collect();
        let first = read(&list, &Slice::first(3));
        let second = Slice {
            from: first.next,
            ..Slice::first(3)
        };
        let second = read(&list, &second);
        list.push(key(450, 1));
        let up = read(&list, &newer(&second, 3));
        assert_eq!(up.items, [key(700, 100), key(600, 100), key(450, 1)]);
        let down = Slice {
            from: up.next,
            ..Slice::first(3)
        };
        let down = read(&list, &down);
        assert_eq!(down.items, [key(500, 100), key(450, 1), key(400, 100)]);
    }

    #[test]
    fn a_row_that_moves_down_does_not_come_again() {
        let page = read(&[key(-5_000, 1), key(1_000, 2)], &Slice::first(20));
        let moved = read(&[key(-5_000, 1), key(500, 2)], &newer(&page, 20));
        assert_eq!(moved.items, []);
        let moved = read(&[key(-5_000, 1), key(1_500, 2)], &newer(&page, 20));
        assert_eq!(moved.items, [key(1_500, 2)]);
    }

    /// Small numbers that look drawn, the same in every run (Knuth's multiplier).
    struct Draws(u64);

    impl Draws {
        fn below(&mut self, most: u32) -> i64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            ((self.0 >> 33) % u64::from(most)).cast_signed()
        }
    }

    #[test]
    fn whatever_comes_when_each_row_is_given_once() {
        let mut draws = Draws(7);
        for _round in 0..500 {
            let mut at = 0;
            // When each is written, and when it is seen: a few come late.
            let rows: Vec<(i64, TimeKey)> = (0..40)
                .map(|number| {
                    at += draws.below(600);
                    let late = if draws.below(3) == 0 { 2_900 } else { 20 };
                    (at + draws.below(late), key(at, number))
                })
                .collect();
            let list = |now| -> Vec<TimeKey> {
                let seen = rows.iter().filter(|(at, _)| *at <= now);
                seen.map(|(_, key)| key.clone()).collect()
            };
            let mut now = 0;
            let mut page = read(&list(now), &Slice::first(50));
            let mut given = page.items.clone();
            while given.len() < rows.len() {
                now += 1 + draws.below(700);
                assert!(now < 60_000, "{} of {}", given.len(), rows.len());
                page = read(&list(now), &newer(&page, 50));
                given.extend(page.items.clone());
            }
            given.sort_unstable();
            let all: Vec<TimeKey> = rows.iter().map(|(_, key)| key.clone()).collect();
            assert_eq!(given, all);
        }
    }

    #[test]
    fn a_list_that_begins_with_the_oldest_looks_back_nowhere() {
        let rows = [key(1, 1), key(2, 2)];
        let slice = Slice::first(20).from_oldest(true);
        assert_eq!(Late::after(&slice, &rows, false), None);
    }
}
