//! Keyset paging: a list is walked by the sort key of its rows, never by an offset, so a page in
//! the middle costs what the first one costs and a row added meanwhile shifts nothing.

mod late;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::clock::Timestamp;
use super::error::Result;

pub use late::Late;

/// Where a list goes from its cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Further in the list's order.
    Next,
    /// Back, towards the list's beginning.
    Prev,
}

/// A sort key: the columns a list is ordered by, the row's id last.
pub trait SortKey: Clone + PartialOrd + Serialize + DeserializeOwned {
    /// A key below every row's.
    fn lowest() -> Self;
    /// A key above every row's.
    fn highest() -> Self;
    /// Of rows that may be seen later than their instant: that instant in microseconds since 1970, and
    /// what tells the row from others of the same.
    fn moment(&self) -> Option<(i64, u32)> {
        None
    }
    /// The key behind every row of an instant.
    fn at_the_end_of(_micros: i64) -> Option<Self> {
        None
    }
}

/// Order by time, ties by id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeKey(pub Timestamp, pub Uuid);

impl Serialize for TimeKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0.micros(), self.1).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TimeKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (micros, id) = <(i64, Uuid)>::deserialize(deserializer)?;
        let at = Timestamp::from_micros(micros)
            .ok_or_else(|| serde::de::Error::custom("time out of range"))?;
        Ok(Self(at, id))
    }
}

impl SortKey for TimeKey {
    fn lowest() -> Self {
        Self(year_start(1), Uuid::nil())
    }
    fn highest() -> Self {
        Self(year_start(9_999), Uuid::max())
    }
    fn moment(&self) -> Option<(i64, u32)> {
        let [.., a, b, c, d] = *self.1.as_bytes();
        Some((self.0.micros(), u32::from_be_bytes([a, b, c, d])))
    }
    fn at_the_end_of(micros: i64) -> Option<Self> {
        Some(Self(Timestamp::from_micros(micros)?, Uuid::max()))
    }
}

fn year_start(year: i32) -> Timestamp {
    chrono::NaiveDate::from_yo_opt(year, 1)
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .map_or(Timestamp::new(chrono::DateTime::UNIX_EPOCH), |at| {
            Timestamp::new(at.and_utc())
        })
}

/// Order by a name, ties by id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NameKey(pub String, pub Uuid);

impl SortKey for NameKey {
    fn lowest() -> Self {
        Self(String::new(), Uuid::nil())
    }
    fn highest() -> Self {
        Self(char::MAX.to_string(), Uuid::max())
    }
}

/// Order by a whole-numbered rank, ties by id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RankKey(pub i64, pub Uuid);

impl SortKey for RankKey {
    fn lowest() -> Self {
        Self(i64::MIN, Uuid::nil())
    }
    fn highest() -> Self {
        Self(i64::MAX, Uuid::max())
    }
}

/// A stretch of a list to read: from `bound` (exclusive) in `direction`, at most `limit` rows.
#[derive(Debug, Clone)]
pub struct Slice<K> {
    /// The cursor's key; `None` is the list's beginning.
    pub from: Option<K>,
    /// Which way to go.
    pub direction: Direction,
    /// Rows to look for: those of a page, 1 to 100, and those of [`late`](Self::late).
    pub limit: u16,
    /// What lies beyond `from` and was given out already.
    pub late: Option<Late<K>>,
    /// Whether the list begins with its oldest row: what is newer lies behind its end, then.
    pub oldest_first: bool,
}

impl<K: SortKey> Slice<K> {
    /// The first page of a list.
    pub fn first(limit: u16) -> Self {
        Self {
            from: None,
            direction: Direction::Next,
            limit,
            late: None,
            oldest_first: false,
        }
    }

    /// The same stretch of a list that begins with its oldest row, or does not.
    pub fn from_oldest(self, oldest_first: bool) -> Self {
        Self {
            oldest_first,
            ..self
        }
    }

    /// What comes before the page that ends at `from` and remembers `late`.
    pub fn newer(from: Option<K>, late: Option<Late<K>>, limit: u16) -> Self {
        Self {
            from: late.as_ref().map(|late| late.from.clone()).or(from),
            direction: Direction::Prev,
            limit: limit + late.as_ref().map_or(0, Late::count),
            late,
            oldest_first: false,
        }
    }

    /// The key that the walk starts from, when it goes towards greater (`ascending`) or smaller
    /// keys.
    pub fn bound(&self, ascending: bool) -> K {
        self.from
            .clone()
            .unwrap_or_else(|| if ascending { K::lowest() } else { K::highest() })
    }

    /// Rows to ask the database for: one more than fit, to learn whether there are more.
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The page of a list that is wholly in memory, greatest key first.
    pub fn page_of_whole<T>(&self, mut rows: Vec<(K, T)>) -> Page<K, T>
    where
        K: Ord,
    {
        let ascending = self.direction == Direction::Prev;
        let bound = self.bound(ascending);
        rows.retain(|(key, _)| {
            if ascending {
                *key > bound
            } else {
                *key < bound
            }
        });
        rows.sort_by(|(one, _), (other, _)| {
            if ascending {
                one.cmp(other)
            } else {
                other.cmp(one)
            }
        });
        self.page(rows)
    }

    /// Makes a page of the rows found, which come in the order of the walk: away from the cursor.
    pub fn page<T>(&self, mut rows: Vec<(K, T)>) -> Page<K, T> {
        let known = self.late.as_ref();
        let limit = usize::from(self.limit - known.map_or(0, Late::count));
        rows.retain(|(key, _)| !known.is_some_and(|late| late.has(key)));
        let more = rows.len() > limit;
        rows.truncate(limit);
        if self.direction == Direction::Prev {
            rows.reverse();
        }
        let (keys, items): (Vec<K>, Vec<T>) = rows.into_iter().unzip();
        let last = keys.last().cloned();
        Page {
            items,
            next: match (self.direction, known) {
                (Direction::Next, _) => last.filter(|_| more),
                (Direction::Prev, None) => last.or_else(|| self.from.clone()),
                // Rows that were left out lie between those that came late: the list goes on from above
                // them all.
                (Direction::Prev, Some(late)) => {
                    let newer = keys.iter().rev().find(|key| !late.is_above(key));
                    Some(newer.unwrap_or(&late.top).clone())
                }
            },
            late: Late::after(self, &keys, more),
            prev: match (keys.first(), known) {
                (Some(first), Some(late)) => Some(late.higher(first).clone()),
                (Some(first), None) => Some(first.clone()),
                (None, Some(late)) => Some(late.top.clone()),
                (None, None) => self.from.clone(),
            },
        }
    }
}

/// A page of a list, in the list's order.
#[derive(Debug, Clone)]
pub struct Page<K, T> {
    /// What is on the page.
    pub items: Vec<T>,
    /// Where the list goes on; `None` is its end.
    pub next: Option<K>,
    /// Where to look for what comes before the page, also later; `None` is the list's beginning,
    /// as it is on the first page of a list with nothing in it.
    pub prev: Option<K>,
    /// What the cursor to there has to remember.
    pub late: Option<Late<K>>,
}

impl<K, T> Page<K, T> {
    /// The same page with other items, in the same order.
    pub fn with_items<U>(self, items: Vec<U>) -> Page<K, U> {
        Page {
            items,
            next: self.next,
            prev: self.prev,
            late: self.late,
        }
    }

    /// Joins the page before an item (`newer`) and the page that begins with it (`self`).
    pub fn preceded_by(mut self, newer: Self) -> Self {
        let begins = newer.items.is_empty();
        let late = if begins { self.late } else { newer.late };
        let mut items = newer.items;
        items.append(&mut self.items);
        Self {
            items,
            next: self.next,
            prev: newer.prev.or(self.prev),
            late,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u128) -> TimeKey {
        TimeKey(year_start(2_000), Uuid::from_u128(n))
    }

    #[test]
    fn a_page_ends_only_where_no_row_is_left_and_can_always_be_polled_for_newer() {
        let slice = Slice::<TimeKey>::first(2);
        let full = slice.page(vec![(key(9), 9), (key(8), 8), (key(7), 7)]);
        assert_eq!(
            (full.items, full.next, full.prev),
            (vec![9, 8], Some(key(8)), Some(key(9)))
        );
        let end = slice.page(vec![(key(9), 9)]);
        assert_eq!((end.next, end.prev), (None, Some(key(9))));
    }

    #[test]
    fn a_page_backwards_is_in_list_order() {
        let slice = Slice {
            from: Some(key(5)),
            direction: Direction::Prev,
            ..Slice::first(2)
        };
        let page = slice.page(vec![(key(6), 6), (key(7), 7), (key(8), 8)]);
        assert_eq!(
            (page.items, page.next, page.prev),
            (vec![7, 6], Some(key(6)), Some(key(7)))
        );
    }
}
