//! A space: a typed family of entries, with its rules as data.

use std::fmt::Write as _;
use std::hash::Hash;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use smallvec::SmallVec;
use uuid::Uuid;

use crate::infra::db::Conn;
use crate::kernel::Result;
use crate::kernel::ids::Id;

/// Names of what an entry depends on, such as `post:{id}`.
pub type Tags = SmallVec<[String; 3]>;
/// A key in bytes, short enough for most keys to need no allocation.
pub type KeyBytes = SmallVec<[u8; 32]>;

/// Loads what is stored under some keys, in one query; a key that is left out has nothing.
pub type Load<K, V> = for<'a> fn(&'a mut Conn, &'a [K]) -> BoxFuture<'a, Result<Vec<(K, V)>>>;
/// Walks through all keys that there are, in their order: up to `limit` after `after`.
pub type Walk<K> = for<'a> fn(&'a mut Conn, Option<K>, i64) -> BoxFuture<'a, Result<Vec<K>>>;

/// What entries are found by.
pub trait Key: Clone + Eq + Hash + Send + Sync + 'static {
    /// The key in bytes; two keys never have the same.
    fn bytes(&self) -> KeyBytes;
    /// The key in words, for Redis.
    fn write(&self, out: &mut String);
    /// Any key, to show what tags look like: ids in it are nil.
    fn example() -> Option<Self> {
        None
    }
}

impl<I: Id> Key for I {
    fn bytes(&self) -> KeyBytes {
        KeyBytes::from_slice(self.uuid().as_bytes())
    }
    fn write(&self, out: &mut String) {
        // Writing to a String cannot fail.
        write!(out, "{self}").unwrap_or_default();
    }
    fn example() -> Option<Self> {
        Some(I::from_uuid(Uuid::nil()))
    }
}

impl<A: Id, B: Id> Key for (A, B) {
    fn bytes(&self) -> KeyBytes {
        let mut bytes = KeyBytes::from_slice(self.0.uuid().as_bytes());
        bytes.extend_from_slice(self.1.uuid().as_bytes());
        bytes
    }
    fn write(&self, out: &mut String) {
        write!(out, "{}:{}", self.0, self.1).unwrap_or_default();
    }
    fn example() -> Option<Self> {
        Some((A::from_uuid(Uuid::nil()), B::from_uuid(Uuid::nil())))
    }
}

impl Key for String {
    fn bytes(&self) -> KeyBytes {
        KeyBytes::from_slice(self.as_bytes())
    }
    fn write(&self, out: &mut String) {
        out.push_str(self);
    }
    fn example() -> Option<Self> {
        Some("{name}".to_owned())
    }
}

/// The key of a space that has one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Only;

impl Key for Only {
    fn bytes(&self) -> KeyBytes {
        KeyBytes::new()
    }
    fn write(&self, out: &mut String) {
        out.push_str("only");
    }
    fn example() -> Option<Self> {
        Some(Self)
    }
}

/// What can be stored.
pub trait Value: Serialize + DeserializeOwned + PartialEq + Send + Sync + 'static {
    /// Roughly how many bytes the value takes in the process.
    fn weight(&self) -> usize {
        std::mem::size_of_val(self) + 64
    }
}

impl Value for i32 {}

impl Value for i64 {}

impl<I: Id + Serialize + DeserializeOwned> Value for Vec<I> {
    fn weight(&self) -> usize {
        16 * self.len() + size_of::<Self>()
    }
}

/// How entries end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rows end them: the tables of the space have triggers that name its tags.
    Exact,
    /// Time ends them: whoever reads accepts a value up to `keep` old.
    Timed,
}

/// The rules of a space.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// After this long an entry is answered with and refreshed behind.
    pub fresh: Duration,
    /// After this long an entry is gone.
    pub keep: Duration,
    /// How long a process may hold an entry without asking Redis.
    pub l1: Duration,
    /// How long "there is nothing" counts; zero: it is not kept.
    pub negative: Duration,
    /// Lifetimes are up to this part of a hundred shorter, so that what was stored together does
    /// not end together.
    pub jitter: u8,
    /// Stored in Redis from this miss on within a window; 1 stores at once.
    pub admit_after: u8,
    /// Whether much-used entries stay fresh longer: twice from 100 uses in a window on, four times
    /// from 1,000 on.
    pub popular: bool,
    /// Larger values, in encoded bytes, are not stored.
    pub max_bytes: usize,
    /// Whether the entry decides who may see what: without Redis it is read from Postgres.
    pub decides: bool,
}

impl Policy {
    /// The usual rules for entries that stay fresh for `fresh`.
    pub const fn lasting(fresh: Duration) -> Self {
        Self {
            fresh,
            keep: fresh.saturating_mul(2),
            l1: fresh.saturating_mul(2),
            negative: Duration::from_mins(1),
            jitter: 10,
            admit_after: 1,
            popular: false,
            max_bytes: 256 * 1024,
            decides: false,
        }
    }

    /// The same rules for entries that decide who may see what.
    #[must_use]
    pub const fn deciding(self) -> Self {
        Self {
            decides: true,
            ..self
        }
    }

    /// The same rules, with much-used entries fresh longer.
    #[must_use]
    pub const fn popular(self) -> Self {
        Self {
            popular: true,
            ..self
        }
    }
}

/// A typed family of entries. Make it a `static` of the domain that owns the rows.
pub struct Space<K: 'static, V: 'static> {
    /// Its name: part of every key, and the tag `space:{name}`.
    pub name: &'static str,
    /// Raised whenever the bytes of a value change their meaning.
    pub version: u16,
    /// Rows or time end its entries.
    pub kind: Kind,
    /// Its rules.
    pub policy: Policy,
    /// What an entry depends on besides the space; its own tag first.
    pub tags: fn(&K) -> Tags,
    /// The tables that its values are made from; each has a void trigger.
    pub tables: &'static [&'static str],
    /// Reads values from Postgres.
    pub load: Load<K, V>,
    /// Walks its keys, for the checker and for warming; `None` where keys cannot be listed.
    pub walk: Option<Walk<K>>,
}

impl<K: Key, V: Value> Space<K, V> {
    /// All tags of an entry, `space:{name}` last.
    pub(super) fn all_tags(&self, key: &K) -> Tags {
        let mut tags = (self.tags)(key);
        tags.push(space_tag(self.name));
        tags
    }
}

/// The tag that every entry of a space has.
pub(super) fn space_tag(name: &str) -> String {
    format!("space:{name}")
}
