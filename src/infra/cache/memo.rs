//! Derived values: made from several entries, held in L1 alone, void with any of them.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::l1::{L1Key, Stored};
use super::ledger::Moment;
use super::space::{Key, Value};
use super::{Cache, Mode};

/// Numbers of memos begin here, those of spaces below.
const FIRST: u16 = 1 << 15;

/// A family of derived values. It is not believed without Redis.
pub struct Memo<K, V> {
    number: u16,
    life: Duration,
    types: PhantomData<fn(K) -> V>,
}

impl<K: Key, V: Weighed> Memo<K, V> {
    /// A family under a number of its own.
    pub const fn new(number: u16, life: Duration) -> Self {
        Self {
            number: FIRST | number,
            life,
            types: PhantomData,
        }
    }
}

/// What says how much room it takes.
pub trait Weighed: Send + Sync + 'static {
    /// Bytes, roughly.
    fn weight(&self) -> usize;
}

impl<V: Value> Weighed for V {
    fn weight(&self) -> usize {
        Value::weight(self)
    }
}

impl Cache {
    /// Now, as far as voids are known. Take it before reading what a derived value is made from.
    pub fn moment(&self) -> Moment {
        self.0.ledger.load().moment()
    }

    /// A derived value, if none of its parts has been voided.
    pub fn recall<K: Key, V: Weighed>(&self, memo: &Memo<K, V>, key: &K) -> Option<Arc<V>> {
        let stored = self.0.l1.get(&l1_key(memo, key))?;
        let ledger = self.0.ledger.load();
        let counts = self.knows_voids(&ledger)
            && Instant::now() < stored.until
            && ledger.holds(stored.moment, &stored.tags);
        let value = stored.value.as_ref().filter(|_| counts)?;
        Arc::clone(value).downcast::<V>().ok()
    }

    /// Keeps a derived value that was made from entries with these tags, all read after `moment`.
    pub fn remember<K: Key, V: Weighed>(
        &self,
        memo: &Memo<K, V>,
        key: &K,
        moment: Moment,
        tags: &[String],
        value: Arc<V>,
    ) {
        if self.0.mode == Mode::Off {
            return;
        }
        let mut tags = self.0.tags.codes(tags);
        tags.sort_unstable();
        tags.dedup();
        let now = Instant::now();
        let weight = value.weight() + 160;
        let stored = Stored {
            moment,
            tags: SmallVec::from_slice(&tags),
            since: now,
            until: now + memo.life,
            fresh_until: now + memo.life,
            load_time: Duration::ZERO,
            value: Some(value),
            weight: u32::try_from(weight).unwrap_or(u32::MAX),
        };
        self.0.l1.insert(l1_key(memo, key), stored);
    }
}

fn l1_key<K: Key, V: Weighed>(memo: &Memo<K, V>, key: &K) -> L1Key {
    (memo.number, key.bytes())
}
