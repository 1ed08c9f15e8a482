//! Keyset paging: a list is walked by the sort key of its rows, never by an offset, so a page in
//! the middle costs what the first one costs and a row added meanwhile shifts nothing.
//!
//! A cursor is opaque to clients: version, direction, the list it belongs to, sort key, and a MAC
//! over all of it, in base64url.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::clock::Timestamp;
use super::error::{Code, Error, Result};
use super::mac::hmac_sha256;

const VERSION: u8 = 1;
const MAC_BYTES: usize = 16;
const FILTER_BYTES: usize = 8;

/// Where a list goes from its cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Further in the list's order.
    Next,
    /// Back, towards the list's beginning.
    Prev,
}

/// A sort key: the columns a list is ordered by, the row's id last.
pub trait SortKey: Clone + Serialize + DeserializeOwned {
    /// A key below every row's.
    fn lowest() -> Self;
    /// A key above every row's.
    fn highest() -> Self;
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
}

fn year_start(year: i32) -> Timestamp {
    chrono::NaiveDate::from_yo_opt(year, 1)
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .map_or(Timestamp::new(chrono::DateTime::UNIX_EPOCH), |at| {
            Timestamp::new(at.and_utc())
        })
}

/// Order by a name, ties by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Rows on a page, 1 to 100.
    pub limit: u16,
}

impl<K: SortKey> Slice<K> {
    /// The first page of a list.
    pub fn first(limit: u16) -> Self {
        Self {
            from: None,
            direction: Direction::Next,
            limit,
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
        let limit = usize::from(self.limit);
        let more = rows.len() > limit;
        rows.truncate(limit);
        if self.direction == Direction::Prev {
            rows.reverse();
        }
        let last = rows.last().map(|(key, _)| key.clone());
        let next = match self.direction {
            Direction::Next => last.filter(|_| more),
            Direction::Prev => last.or_else(|| self.from.clone()),
        };
        let prev = rows
            .first()
            .map(|(key, _)| key.clone())
            .or_else(|| self.from.clone());
        Page {
            items: rows.into_iter().map(|(_, item)| item).collect(),
            next,
            prev,
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
}

impl<K, T> Page<K, T> {
    /// The same page with other items, in the same order.
    pub fn with_items<U>(self, items: Vec<U>) -> Page<K, U> {
        Page {
            items,
            next: self.next,
            prev: self.prev,
        }
    }

    /// Joins the page before an item (`newer`) and the page that begins with it (`self`).
    pub fn preceded_by(mut self, newer: Self) -> Self {
        let mut items = newer.items;
        items.append(&mut self.items);
        Self {
            items,
            next: self.next,
            prev: newer.prev.or(self.prev),
        }
    }
}

/// Seals and opens cursors. The first key seals, all of them open.
#[derive(Clone)]
pub struct CursorCodec {
    keys: Vec<[u8; 32]>,
}

#[derive(Serialize, Deserialize)]
struct Sealed<K>(#[serde(bound(deserialize = "K: DeserializeOwned"))] Option<K>);

impl CursorCodec {
    /// `keys`: newest first; without any, no cursor opens.
    pub fn new(keys: Vec<[u8; 32]>) -> Self {
        Self { keys }
    }

    /// The cursor that goes from `key` in `direction` through the list that `filter` names.
    pub fn seal<K: SortKey>(&self, key: Option<&K>, direction: Direction, filter: &str) -> String {
        let mut bytes = vec![VERSION, u8::from(direction == Direction::Prev)];
        bytes.extend_from_slice(&filter_hash(filter));
        bytes.extend(serde_json::to_vec(&Sealed(key.cloned())).unwrap_or_default());
        let mac = self
            .keys
            .first()
            .map(|key| mac(key, &bytes))
            .unwrap_or_default();
        bytes.extend_from_slice(&mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor back. `invalid_cursor` when it is not ours, `cursor_mismatch` when it
    /// belongs to another list or other filters.
    pub fn open<K: SortKey>(&self, text: &str, filter: &str) -> Result<(Option<K>, Direction)> {
        let invalid = || {
            Error::new(
                Code::InvalidCursor,
                "The cursor is not one that this server gave. Start again without a cursor.",
            )
        };
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_not_base64| invalid())?;
        let cut = bytes.len().checked_sub(MAC_BYTES).ok_or_else(invalid)?;
        let (body, tag) = bytes.split_at_checked(cut).ok_or_else(invalid)?;
        let ours = self
            .keys
            .iter()
            .any(|key| bool::from(mac(key, body).ct_eq(tag)));
        let (head, key) = body
            .split_at_checked(2 + FILTER_BYTES)
            .ok_or_else(invalid)?;
        if !ours || head.first() != Some(&VERSION) {
            return Err(invalid());
        }
        if head.get(2..) != Some(filter_hash(filter).as_slice()) {
            return Err(Error::new(
                Code::CursorMismatch,
                "The cursor belongs to another list or to other filters. Start again without a cursor.",
            ));
        }
        let direction = match head.get(1) {
            Some(0) => Direction::Next,
            _ => Direction::Prev,
        };
        let Sealed(key) = serde_json::from_slice(key).map_err(|_other_key| invalid())?;
        Ok((key, direction))
    }
}

fn filter_hash(filter: &str) -> [u8; FILTER_BYTES] {
    truncated(&Sha256::digest(filter.as_bytes()))
}

fn mac(key: &[u8; 32], bytes: &[u8]) -> [u8; MAC_BYTES] {
    truncated(&hmac_sha256(key, &[bytes]))
}

fn truncated<const N: usize>(digest: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(digest) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u128) -> TimeKey {
        TimeKey(year_start(2_000), Uuid::from_u128(n))
    }

    #[test]
    fn a_cursor_comes_back_as_it_was_sealed() {
        let codec = CursorCodec::new(vec![[7; 32]]);
        let cursor = codec.seal(Some(&key(3)), Direction::Prev, "/v1/feed");
        let (back, direction) = codec.open::<TimeKey>(&cursor, "/v1/feed").expect("opens");
        assert_eq!((back, direction), (Some(key(3)), Direction::Prev));
    }

    #[test]
    fn a_cursor_of_another_list_or_server_is_refused() {
        let codec = CursorCodec::new(vec![[7; 32]]);
        let cursor = codec.seal(Some(&key(3)), Direction::Next, "/v1/feed");
        let code = |codec: &CursorCodec, cursor: &str, filter| {
            codec
                .open::<TimeKey>(cursor, filter)
                .map_err(|e| e.code())
                .err()
        };
        assert_eq!(
            code(&codec, &cursor, "/v1/friends"),
            Some(Code::CursorMismatch)
        );
        let other = CursorCodec::new(vec![[8; 32]]);
        assert_eq!(code(&other, &cursor, "/v1/feed"), Some(Code::InvalidCursor));
        assert_eq!(code(&codec, "AAAA", "/v1/feed"), Some(Code::InvalidCursor));
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
            limit: 2,
        };
        let page = slice.page(vec![(key(6), 6), (key(7), 7), (key(8), 8)]);
        assert_eq!(
            (page.items, page.next, page.prev),
            (vec![7, 6], Some(key(6)), Some(key(7)))
        );
    }
}
