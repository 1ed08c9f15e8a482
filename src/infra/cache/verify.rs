//! The checker: compares what is stored with what Postgres says.
//!
//! Rows change while it looks, and a void takes a moment. So a difference counts only if the very
//! same entry, with the same bytes or at the same place, still counts after a grace and still
//! differs. What was voided or replaced meanwhile proves nothing.

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use redis::Pipeline;
use serde::Serialize;

use super::entry::Head;
use super::l1::Held;
use super::l2::{Look, Reply, Seen, Wanted};
use super::nines::Nines;
use super::read::{Missing, typed};
use super::space::{Key, Kind, Space, Value, space_tag};
use super::{Cache, Shelf};
use crate::infra::redis::{Away, PATIENT};
use crate::kernel::{Error, Result};

/// Keys that are read at once.
const PAGE: i64 = 200;
/// So many differences are looked at again together.
const MOST_DOUBTFUL: usize = 1_000;
/// Keys of wrong entries that are named.
const MOST_NAMED: usize = 10;

/// How to check what Redis has.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// How long an entry may differ from the rows that it was made from.
    pub grace: Duration,
    /// Most keys of a space that are walked through; the smallest come first.
    pub limit: Option<u64>,
}

/// What was found of some entries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Keys that were looked for.
    pub keys: u64,
    /// Entries that counted and were compared.
    pub checked: u64,
    /// Those that differed, and were void or replaced within the grace.
    pub settled: u64,
    /// Those whose bytes nobody can read: they are misses, not answers.
    pub unreadable: u64,
    /// Those that were still there and still different after the grace.
    pub wrong: u64,
    /// Spaces and keys of some of them.
    pub wrong_keys: Vec<String>,
}

impl Tally {
    /// Adds what was found elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.keys += other.keys;
        self.checked += other.checked;
        self.settled += other.settled;
        self.unreadable += other.unreadable;
        self.wrong += other.wrong;
        let room = MOST_NAMED.saturating_sub(self.wrong_keys.len());
        let more = other.wrong_keys.iter().take(room).cloned();
        self.wrong_keys.extend(more);
    }

    /// How consistent they were.
    pub fn nines(&self) -> Option<Nines> {
        Nines::of(self.wrong, self.checked)
    }

    fn convict<K: Key, V: Value>(&mut self, space: &Space<K, V>, key: &K) {
        self.wrong += 1;
        if self.wrong_keys.len() < MOST_NAMED {
            let mut name = format!("{}:", space.name);
            key.write(&mut name);
            self.wrong_keys.push(name);
        }
    }
}

/// A key that was answered from the process, of a space that is not known here.
pub(super) type AnyKey = Box<dyn Any + Send>;

/// A space without its types.
pub trait AnySpace: Send + Sync {
    /// The tags of its entries, with `{id}` for what differs; empty when its keys have no example.
    fn tags(&self) -> Vec<String>;
    /// Whether its keys can be listed.
    fn has_walk(&self) -> bool;
    /// Compares what Redis has of it.
    fn check_stored<'a>(
        &'static self,
        cache: &'a Cache,
        check: &'a Check,
    ) -> BoxFuture<'a, Result<Tally>>;
    /// Compares what the process has under these keys, which are its own.
    fn check_served<'a>(
        &'static self,
        cache: &'a Cache,
        keys: Vec<AnyKey>,
        grace: Duration,
    ) -> BoxFuture<'a, Result<Tally>>;
}

impl<K: Key, V: Value> AnySpace for Space<K, V> {
    fn tags(&self) -> Vec<String> {
        let Some(example) = K::example() else {
            return Vec::new();
        };
        let nil = uuid::Uuid::nil().to_string();
        let tags = self.all_tags(&example).into_iter();
        tags.map(|tag| tag.replace(&nil, "{id}")).collect()
    }

    fn has_walk(&self) -> bool {
        self.walk.is_some()
    }

    fn check_stored<'a>(
        &'static self,
        cache: &'a Cache,
        check: &'a Check,
    ) -> BoxFuture<'a, Result<Tally>> {
        Box::pin(walk_through(self, cache, check))
    }

    fn check_served<'a>(
        &'static self,
        cache: &'a Cache,
        keys: Vec<AnyKey>,
        grace: Duration,
    ) -> BoxFuture<'a, Result<Tally>> {
        let keys = keys.into_iter().filter_map(|key| key.downcast::<K>().ok());
        let keys: HashSet<K> = keys.map(|key| *key).collect();
        Box::pin(look_again(self, cache, keys, grace))
    }
}

/// An entry of Redis that counts: what tells it from any other under its key.
type Found = (Head, Vec<u8>);

async fn walk_through<K: Key, V: Value>(
    space: &'static Space<K, V>,
    cache: &Cache,
    check: &Check,
) -> Result<Tally> {
    let mut tally = Tally::default();
    let Some(walk) = space.walk else {
        return Ok(tally);
    };
    let mut doubtful = Vec::new();
    let mut after = None;
    loop {
        let left = check.limit.map_or(PAGE, |limit| {
            i64::try_from(limit.saturating_sub(tally.keys)).unwrap_or(PAGE)
        });
        let keys = if left > 0 {
            walk(&mut *cache.0.db.acquire().await?, after, left.min(PAGE)).await?
        } else {
            Vec::new()
        };
        let Some(last) = keys.last() else {
            break;
        };
        after = Some(last.clone());
        tally.keys += u64::try_from(keys.len()).unwrap_or(u64::MAX);
        doubtful.extend(doubt(space, cache, keys, &mut tally).await?);
        if doubtful.len() >= MOST_DOUBTFUL {
            let some = std::mem::take(&mut doubtful);
            settle(space, cache, some, check.grace, &mut tally).await?;
        }
    }
    settle(space, cache, doubtful, check.grace, &mut tally).await?;
    Ok(tally)
}

/// Counts the entries of Redis under these keys, and gives back those that differ. The entries are
/// read first: what is voided before the rows are read differs, and settles.
async fn doubt<K: Key, V: Value>(
    space: &'static Space<K, V>,
    cache: &Cache,
    keys: Vec<K>,
    tally: &mut Tally,
) -> Result<Vec<(K, Found)>> {
    let mut found = stored(space, cache, &keys).await?;
    found.retain(|(_, (head, bytes))| {
        let readable = !head.present || postcard::from_bytes::<V>(bytes).is_ok();
        tally.unreadable += u64::from(!readable);
        readable
    });
    tally.checked += u64::try_from(found.len()).unwrap_or(u64::MAX);
    let rows = load(space, cache, found.iter().map(|(key, _)| key.clone())).await?;
    found.retain(|(key, found)| differs(found, rows.get(key)));
    Ok(found)
}

/// Looks at doubtful entries again after the grace.
async fn settle<K: Key, V: Value>(
    space: &'static Space<K, V>,
    cache: &Cache,
    doubtful: Vec<(K, Found)>,
    grace: Duration,
    tally: &mut Tally,
) -> Result<()> {
    if doubtful.is_empty() {
        return Ok(());
    }
    tokio::time::sleep(grace).await;
    let keys: Vec<K> = doubtful.iter().map(|(key, _)| key.clone()).collect();
    let now: HashMap<K, Found> = stored(space, cache, &keys).await?.into_iter().collect();
    let rows = load(space, cache, keys.into_iter()).await?;
    for (key, before) in doubtful {
        let same = now.get(&key).is_some_and(|found| *found == before);
        if same && differs::<V>(&before, rows.get(&key)) {
            tally.convict(space, &key);
        } else {
            tally.settled += 1;
        }
    }
    Ok(())
}

fn differs<V: Value>((head, bytes): &Found, row: Option<&V>) -> bool {
    let value = head.present.then(|| postcard::from_bytes::<V>(bytes).ok());
    value.flatten().as_ref() != row
}

/// The entries of Redis under these keys that count.
async fn stored<K: Key, V: Value>(
    space: &'static Space<K, V>,
    cache: &Cache,
    keys: &[K],
) -> Result<Vec<(K, Found)>> {
    let epoch = cache.epoch();
    let epoch = epoch.ok_or_else(|| Error::unavailable(anyhow::anyhow!("Redis is away")))?;
    // In every mode: it looks at what others have there.
    let shelf = Shelf(epoch);
    let number = cache.state(space).number;
    let wanted = keys.iter().map(|key| {
        let one = Missing::of(space, number, key);
        cache.wanted(shelf, space, &one)
    });
    let wanted: Vec<Wanted> = wanted.collect();
    let look = Look::at(&wanted);
    let mut pipe = Pipeline::new();
    look.ask(&mut pipe);
    let reply: std::result::Result<(Vec<Reply>,), Away> =
        cache.0.redis.query_within(&pipe, PATIENT).await;
    let (found,) = reply.map_err(Error::unavailable)?;
    let seen = keys.iter().zip(look.judge(&wanted, &found));
    Ok(seen
        .filter_map(|(key, seen)| match seen {
            Seen::Hit(head, bytes) => Some((key.clone(), (head, bytes))),
            Seen::Miss(_) | Seen::Void(_) | Seen::Foreign(_) => None,
        })
        .collect())
}

/// What Postgres says, past every layer and every figure.
async fn load<K: Key, V: Value>(
    space: &'static Space<K, V>,
    cache: &Cache,
    keys: impl Iterator<Item = K>,
) -> Result<HashMap<K, V>> {
    let keys: Vec<K> = keys.collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let mut conn = cache.0.db.acquire().await?;
    Ok((space.load)(&mut conn, &keys).await?.into_iter().collect())
}

async fn look_again<K: Key, V: Value>(
    space: &'static Space<K, V>,
    cache: &Cache,
    keys: HashSet<K>,
    grace: Duration,
) -> Result<Tally> {
    let mut tally = Tally {
        keys: u64::try_from(keys.len()).unwrap_or(u64::MAX),
        ..Tally::default()
    };
    let held = keys.into_iter().filter_map(|key| {
        let stored = held(space, cache, &key)?;
        Some((key, stored))
    });
    let mut held: Vec<(K, Arc<Held>)> = held.collect();
    tally.checked = u64::try_from(held.len()).unwrap_or(u64::MAX);
    let rows = load(space, cache, held.iter().map(|(key, _)| key.clone())).await?;
    held.retain(|(key, stored)| differs_here(stored, rows.get(key)));
    if held.is_empty() {
        return Ok(tally);
    }
    tokio::time::sleep(grace).await;
    // As before every request: what is held counts only for whoever knows the last voids.
    cache.step().await;
    let rows = load(space, cache, held.iter().map(|(key, _)| key.clone())).await?;
    for (key, before) in &held {
        let now = held_still(space, cache, key, before);
        if now && differs_here(before, rows.get(key)) {
            tally.convict(space, key);
        } else {
            tally.settled += 1;
        }
    }
    Ok(tally)
}

/// What the process would answer with.
fn held<K: Key, V: Value>(
    space: &'static Space<K, V>,
    cache: &Cache,
    key: &K,
) -> Option<Arc<Held>> {
    let l1 = (cache.state(space).number, key.bytes());
    cache.look(space, &cache.0.ledger.load(), &l1, Instant::now())
}

fn held_still<K: Key, V: Value>(
    space: &'static Space<K, V>,
    cache: &Cache,
    key: &K,
    before: &Arc<Held>,
) -> bool {
    held(space, cache, key).is_some_and(|now| Arc::ptr_eq(&now, before))
}

fn differs_here<V: Value>(stored: &Held, row: Option<&V>) -> bool {
    let value = stored.value.as_ref().and_then(typed::<V>);
    value.as_deref() != row
}

impl super::Described {
    /// The tag of all its entries.
    pub fn tag(&self) -> String {
        space_tag(self.name)
    }

    /// Compares what Redis has of the space with Postgres; `None` where there is nothing to promise
    /// or keys cannot be listed.
    pub async fn verify(&self, cache: &Cache, check: &Check) -> Result<Option<Tally>> {
        if self.kind == Kind::Timed || !self.any.has_walk() {
            return Ok(None);
        }
        self.any.check_stored(cache, check).await.map(Some)
    }
}
