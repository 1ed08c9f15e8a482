//! What was read goes into the layers: loaded values into both, those of Redis into the process.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::entry::{Head, Stamp, now_millis};
use super::flights::Landings;
use super::l1::{L1Key, Shared, Stored, share};
use super::l2::{self, Filled, Wanted};
use super::ledger::Moment;
use super::read::{Missing, note_misses};
use super::space::{Key, Space, Tags, Value};
use super::stats::{add, add_len};
use super::{ALONE, Cache, State};
use crate::infra::db;
use crate::infra::meter::{self, Layer};

/// A key that this process is to load, with the stamps of before the load.
pub(super) type Leading<'a, K> = (&'a Missing<K>, Wanted, Vec<Stamp>);

/// An entry that nobody can read.
pub(super) struct Unreadable;

impl Cache {
    /// Loads entries for which this process has the lease, and stores them in both layers.
    pub(super) async fn load_and_store<'a, K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        state: &State,
        moment: Moment,
        leading: &[Leading<'a, K>],
        found: &mut Landings<'a, K>,
    ) {
        if let Err(refused) = db::admit().await {
            for (one, ..) in leading {
                found.keep(&one.key, Err(refused.clone()));
            }
            let nothing = leading.iter().map(|(_, wanted, _)| Filled::nothing(wanted));
            self.write_behind(nothing.collect()).await;
            return;
        }
        note_misses(state, leading.len());
        let keys: Vec<K> = leading.iter().map(|(one, ..)| one.key.clone()).collect();
        let began = Instant::now();
        let loaded = self.load(space, state, &keys).await;
        let took = began.elapsed();
        let mut filled = Vec::with_capacity(leading.len());
        let mut values = match loaded {
            Ok(values) => values.into_iter().collect::<HashMap<K, V>>(),
            Err(error) => {
                for (one, wanted, _) in leading {
                    found.put(&one.key, Err(error.clone()));
                    filled.push(Filled::nothing(wanted));
                }
                self.write_behind(filled).await;
                return;
            }
        };
        for (one, wanted, stamps) in leading {
            let value = values.remove(&one.key);
            let head = Head {
                loaded_at: now_millis(),
                load_micros: u32::try_from(took.as_micros()).unwrap_or(u32::MAX),
                present: value.is_some(),
                stamps: stamps.clone(),
            };
            let bytes = self.entry_bytes(space, state, &one.key, &head, value.as_ref());
            let life = jittered(space, head.present);
            filled.push(Filled {
                wanted,
                bytes: bytes.filter(|_| !life.is_zero()),
                life,
            });
            let value: Option<Shared> = value.map(|value| share(value));
            self.store_l1(space, moment, &one.l1, &one.tags, &head, value.as_ref());
            found.put(&one.key, Ok(value));
        }
        self.write_behind(filled).await;
    }

    /// A failing store costs the next reader a load, and this one nothing.
    async fn write_behind(&self, filled: Vec<Filled<'_>>) {
        if let Err(error) = l2::write(&self.0.redis, &filled, self.0.stamp_life).await {
            tracing::debug!(%error, "entries could not be stored in Redis");
        }
    }

    /// Loads without Redis, and stores in the process.
    pub(super) async fn load_alone<'a, K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        state: &State,
        moment: Moment,
        left: &[&'a Missing<K>],
        found: &mut Landings<'a, K>,
    ) {
        if let Err(refused) = db::admit().await {
            for one in left {
                found.keep(&one.key, Err(refused.clone()));
            }
            return;
        }
        note_misses(state, left.len());
        let keys: Vec<K> = left.iter().map(|one| one.key.clone()).collect();
        let began = Instant::now();
        match self.load(space, state, &keys).await {
            Ok(values) => {
                let mut values: HashMap<K, V> = values.into_iter().collect();
                for one in left {
                    let value = values.remove(&one.key).map(|value| share(value));
                    let head = Head {
                        loaded_at: now_millis(),
                        load_micros: u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX),
                        present: value.is_some(),
                        stamps: Vec::new(),
                    };
                    self.store_l1(space, moment, &one.l1, &one.tags, &head, value.as_ref());
                    found.put(&one.key, Ok(value));
                }
            }
            Err(error) => {
                for one in left {
                    found.put(&one.key, Err(error.clone()));
                }
            }
        }
    }

    /// Decodes an entry of Redis and stores it in L1.
    pub(super) fn take_in<K: Key, V: Value>(
        &self,
        space: &Space<K, V>,
        state: &State,
        moment: Moment,
        one: &Missing<K>,
        head: &Head,
        bytes: &[u8],
    ) -> Result<Option<Shared>, Unreadable> {
        let value = if head.present {
            let Ok(value) = postcard::from_bytes::<V>(bytes) else {
                add(&state.counters.unreadable, 1);
                return Err(Unreadable);
            };
            Some(share(value))
        } else {
            None
        };
        add(&state.counters.l2_hits, 1);
        let (layer, ttl) = if head.is_stale(space.policy.fresh) {
            let late = head.age().saturating_sub(space.policy.fresh);
            (Layer::Stale, Some(ttl_of(late)))
        } else {
            (Layer::L2, None)
        };
        meter::cache(state.described.name, layer, 1, ttl);
        self.store_l1(space, moment, &one.l1, &one.tags, head, value.as_ref());
        Ok(value)
    }

    /// The bytes for Redis; `None` when the value is not to be stored.
    pub(super) fn entry_bytes<K: Key, V: Value>(
        &self,
        space: &Space<K, V>,
        state: &State,
        key: &K,
        head: &Head,
        value: Option<&V>,
    ) -> Option<Vec<u8>> {
        let needed = space.policy.admit_after;
        if needed > 1 {
            let times = self.0.sketch.count(&("miss", state.number, key.bytes()));
            if times < u16::from(needed) {
                return None;
            }
        }
        Self::encoded(space, state, head, value)
    }

    /// The same for a value that somebody put, which need not be asked for often.
    pub(super) fn encoded<K: Key, V: Value>(
        space: &Space<K, V>,
        state: &State,
        head: &Head,
        value: Option<&V>,
    ) -> Option<Vec<u8>> {
        let value = match value {
            Some(value) => postcard::to_stdvec(value).ok()?,
            None => Vec::new(),
        };
        if value.len() > space.policy.max_bytes {
            add(&state.counters.oversized, 1);
            return None;
        }
        add_len(&state.counters.bytes_written, value.len());
        Some(head.encode(&value))
    }

    /// Stores a value in L1 with what was known before it was read.
    pub(super) fn store_l1<K: Key, V: Value>(
        &self,
        space: &Space<K, V>,
        moment: Moment,
        key: &L1Key,
        tags: &Tags,
        head: &Head,
        value: Option<&Shared>,
    ) {
        let policy = &space.policy;
        let now = Instant::now();
        let (fresh, life) = if head.present {
            (policy.fresh, policy.keep)
        } else {
            (policy.negative, policy.negative)
        };
        let age = head.age();
        let mut left = life.saturating_sub(age).min(policy.l1);
        if head.is_misdated() {
            // How old it is nobody knows but Redis, which is soon asked again.
            left = left.min(ALONE);
        }
        if left.is_zero() {
            return;
        }
        let weight = value.map_or(96, |value| {
            let bytes = value.downcast_ref::<V>().map_or(64, Value::weight);
            160 + bytes
        });
        let stored = Stored {
            moment,
            tags: self.0.tags.codes(tags),
            since: now,
            until: now + left,
            // An entry of Redis keeps its age, unless this machine was started after it was loaded.
            fresh_until: (now + fresh).checked_sub(age).unwrap_or(now),
            load_time: Duration::from_micros(u64::from(head.load_micros)),
            value: value.cloned(),
            weight: u32::try_from(weight).unwrap_or(u32::MAX),
        };
        self.0.l1.insert(key.clone(), stored);
    }
}

/// What remains of the freshness of what is past it by `late`, in seconds.
pub(super) fn ttl_of(late: Duration) -> i64 {
    i64::try_from(late.as_secs()).map_or(i64::MIN, |seconds| -seconds)
}

/// How long an entry lives in Redis: a little less than the rule, so that what was stored together
/// does not end together.
pub(super) fn jittered<K: Key, V: Value>(space: &Space<K, V>, present: bool) -> Duration {
    let policy = &space.policy;
    let life = if present {
        policy.keep
    } else {
        policy.negative
    };
    let less = u32::from(rand::random_range(0..=policy.jitter.min(90)));
    life.saturating_sub(life * less / 100)
}
