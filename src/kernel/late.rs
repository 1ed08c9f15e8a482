//! Rows that come late. A write takes its instant when it begins and is seen when it commits: of two at
//! once the later one may be seen first. Whoever asks for what is newer than a page is therefore given
//! what lies a little further back too, without what they were given already.

use serde::{Deserialize, Serialize};

use super::page::{Direction, Slice, SortKey};

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

    /// Whether this row was given out already.
    pub fn has(&self, key: &K) -> bool {
        let moment = key.moment();
        moment.is_some_and(|moment| self.moments().any(|known| known == moment))
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
    fn a_list_that_begins_with_the_oldest_looks_back_nowhere() {
        let rows = [key(1, 1), key(2, 2)];
        let slice = Slice::first(20).from_oldest(true);
        assert_eq!(Late::after(&slice, &rows, false), None);
    }
}
