//! What is not in L1: from Redis, or loaded and stored in both layers.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::entry::{Head, Stamp, now_millis};
use super::flights::Outcome;
use super::l1::{L1Key, Shared, Stored, share};
use super::l2::{self, Filled, Seen, Wanted};
use super::ledger::{Ledger, Moment};
use super::read::{Missing, note_misses};
use super::space::{Key, Space, Tags, Value};
use super::stats::{add, add_len};
use super::{Cache, Mode, State};
use crate::infra::meter::{self, Layer};
use crate::kernel::Error;

/// Pauses between two looks for what another process loads; after the last one it is loaded here.
const LOOKS: [u64; 8] = [2, 4, 8, 16, 32, 64, 128, 256];

/// A key that Redis could not answer, with the stamps that its tags have.
type Absent<'a, K> = (&'a Missing<K>, Wanted, Vec<Option<Stamp>>);

/// A key that this process is to load, with the stamps of before the load.
type Leading<'a, K> = (&'a Missing<K>, Wanted, Vec<Stamp>);

/// An entry that nobody can read.
pub(super) struct Unreadable;

impl Cache {
    /// The outcome for each missing key, in order.
    pub(super) async fn fetch<K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        state: &State,
        ledger: &Ledger,
        moment: Moment,
        missing: &[Missing<K>],
    ) -> Vec<Outcome> {
        let mut found: HashMap<&K, Outcome> = HashMap::with_capacity(missing.len());
        let epoch = self
            .shared_epoch(ledger)
            .filter(|_| self.0.mode == Mode::On);
        let mut left: Vec<&Missing<K>> = missing.iter().collect();
        if let Some(epoch) = epoch {
            left = self
                .through_redis(space, state, epoch, moment, left, &mut found)
                .await;
        }
        if !left.is_empty() {
            self.load_alone(space, state, moment, &left, &mut found)
                .await;
        }
        let outcomes = missing.iter().map(|one| match found.remove(&one.key) {
            Some(outcome) => outcome,
            None => Err(Error::internal(anyhow::anyhow!("a key has no outcome"))),
        });
        outcomes.collect()
    }

    /// Reads from Redis, loads what this process may load, and waits for what others load. What is
    /// left over is to be loaded without Redis.
    async fn through_redis<'a, K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        state: &State,
        epoch: i64,
        moment: Moment,
        mut left: Vec<&'a Missing<K>>,
        found: &mut HashMap<&'a K, Outcome>,
    ) -> Vec<&'a Missing<K>> {
        for pause in LOOKS {
            let wanted: Vec<Wanted> = left
                .iter()
                .map(|one| self.wanted(epoch, space, one))
                .collect();
            let Ok(seen) = l2::read(&self.0.redis, &wanted).await else {
                return left;
            };
            let mut absent = Vec::new();
            for ((one, wanted), seen) in left.into_iter().zip(wanted).zip(seen) {
                match seen {
                    Seen::Hit(head, bytes) => {
                        match self.take_in(space, state, moment, one, &head, &bytes) {
                            Ok(value) => {
                                found.insert(&one.key, Ok(value));
                            }
                            Err(Unreadable) => {
                                let stamps = vec![None; one.tags.len()];
                                absent.push((one, wanted, stamps));
                            }
                        }
                    }
                    Seen::Miss(stamps) => absent.push((one, wanted, stamps)),
                    Seen::Void(stamps) => {
                        add(&state.counters.void_met, 1);
                        absent.push((one, wanted, stamps));
                    }
                }
            }
            left = self.load_leading(space, state, moment, absent, found).await;
            if left.is_empty() {
                return left;
            }
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        left
    }

    /// Loads those of the absent entries for which this process gets the lease; the others are
    /// being loaded elsewhere.
    async fn load_leading<'a, K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        state: &State,
        moment: Moment,
        absent: Vec<Absent<'a, K>>,
        found: &mut HashMap<&'a K, Outcome>,
    ) -> Vec<&'a Missing<K>> {
        if absent.is_empty() {
            return Vec::new();
        }
        let (missing, wanted): (Vec<_>, Vec<_>) = absent
            .into_iter()
            .map(|(one, wanted, stamps)| (one, (wanted, stamps)))
            .unzip();
        let Ok(prepared) = l2::prepare(&self.0.redis, &wanted, self.0.stamp_life).await else {
            return missing;
        };
        let mut leading = Vec::new();
        let mut waiting = Vec::new();
        for ((one, (wanted, _)), prepared) in missing.into_iter().zip(wanted).zip(prepared) {
            if prepared.leads {
                leading.push((one, wanted, prepared.stamps));
            } else {
                waiting.push(one);
            }
        }
        if !leading.is_empty() {
            self.load_and_store(space, state, moment, &leading, found)
                .await;
        }
        waiting
    }

    /// Loads one entry anew though it still counts, unless another process is at it or was: then
    /// theirs is taken.
    pub(super) async fn refresh_shared<'a, K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        state: &State,
        epoch: i64,
        moment: Moment,
        one: &'a Missing<K>,
        found: &mut HashMap<&'a K, Outcome>,
    ) {
        let wanted = self.wanted(epoch, space, one);
        let Ok(seen) = l2::read(&self.0.redis, std::slice::from_ref(&wanted)).await else {
            return;
        };
        let stamps = match seen.into_iter().next() {
            Some(Seen::Hit(head, bytes)) if head.age() < space.policy.fresh => {
                match self.take_in(space, state, moment, one, &head, &bytes) {
                    Ok(_) => return,
                    Err(Unreadable) => vec![None; one.tags.len()],
                }
            }
            Some(Seen::Hit(head, _)) => head.stamps.into_iter().map(Some).collect(),
            Some(Seen::Miss(stamps) | Seen::Void(stamps)) => stamps,
            None => return,
        };
        let absent = vec![(one, wanted, stamps)];
        self.load_leading(space, state, moment, absent, found).await;
    }

    async fn load_and_store<'a, K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        state: &State,
        moment: Moment,
        leading: &[Leading<'a, K>],
        found: &mut HashMap<&'a K, Outcome>,
    ) {
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
                    found.insert(&one.key, Err(error.clone()));
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
            found.insert(&one.key, Ok(value));
        }
        self.write_behind(filled).await;
    }

    /// A failing store costs the next reader a load, and this one nothing.
    async fn write_behind(&self, filled: Vec<Filled<'_>>) {
        if let Err(error) = l2::write(&self.0.redis, &filled, self.0.stamp_life).await {
            tracing::debug!(%error, "entries could not be stored in Redis");
        }
    }

    pub(super) async fn load_alone<'a, K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        state: &State,
        moment: Moment,
        left: &[&'a Missing<K>],
        found: &mut HashMap<&'a K, Outcome>,
    ) {
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
                    found.insert(&one.key, Ok(value));
                }
            }
            Err(error) => {
                for one in left {
                    found.insert(&one.key, Err(error.clone()));
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
        let fresh = if head.present {
            space.policy.fresh
        } else {
            space.policy.negative
        };
        let (layer, ttl) = match head.age().checked_sub(fresh) {
            None => (Layer::L2, None),
            Some(past) => {
                add(&state.counters.stale_answers, 1);
                (
                    Layer::Stale,
                    i64::try_from(past.as_secs()).ok().map(|past| -past),
                )
            }
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
        let left = life.saturating_sub(age).min(policy.l1);
        if left.is_zero() {
            return;
        }
        let weight = value.map_or(96, |value| {
            let bytes = value.downcast_ref::<V>().map_or(64, Value::weight);
            160 + bytes
        });
        let stored = Stored {
            moment,
            slots: self.0.tags.slots(tags),
            since: now,
            until: now + left,
            fresh_until: now + fresh.saturating_sub(age),
            load_time: Duration::from_micros(u64::from(head.load_micros)),
            value: value.cloned(),
            weight: u32::try_from(weight).unwrap_or(u32::MAX),
        };
        self.0.l1.insert(key.clone(), stored);
    }

    pub(super) fn wanted<K: Key, V: Value>(
        &self,
        epoch: i64,
        space: &Space<K, V>,
        one: &Missing<K>,
    ) -> Wanted {
        let tags = one.tags.iter().map(|tag| self.stamp_key(epoch, tag));
        Wanted {
            key: self.entry_key(epoch, space, &one.key),
            tags: tags.collect(),
        }
    }
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
