//! The layer in the process: values as they are used, without a copy.

use std::any::Any;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ahash::RandomState;
use quick_cache::{Lifecycle, Weighter};

use super::ledger::Moment;
use super::marks::TagCodes;
use super::space::KeyBytes;

/// A value of any space.
pub(super) type Shared = Arc<dyn Any + Send + Sync>;

/// Makes a value one of any space.
pub(super) fn share<V: Send + Sync + 'static>(value: V) -> Shared {
    Arc::new(value)
}

/// The number of a space and the bytes of a key.
pub(super) type L1Key = (u16, KeyBytes);

/// An entry of the process.
pub(super) struct Stored {
    /// What was known of voids before it was read.
    pub(super) moment: Moment,
    /// The hashes of its tags.
    pub(super) tags: TagCodes,
    /// When it was stored here.
    pub(super) since: Instant,
    /// When it is to be asked for again.
    pub(super) until: Instant,
    /// When it stops being fresh.
    pub(super) fresh_until: Instant,
    /// How long its load took, for refreshing it early enough.
    pub(super) load_time: Duration,
    /// The value; `None` when it is known that there is none.
    pub(super) value: Option<Shared>,
    /// Bytes, roughly.
    pub(super) weight: u32,
}

impl Stored {
    /// How long it is past its freshness, if it is.
    pub(super) fn late(&self, now: Instant) -> Option<Duration> {
        let late = now.checked_duration_since(self.fresh_until);
        late.filter(|late| !late.is_zero())
    }

    /// Whether it should be refreshed behind: past its freshness, or a little before with a chance
    /// that grows with the time that its load takes, so that of many readers one comes first
    /// (Vattani, Chierichetti, Lowenstein: "Optimal Probabilistic Cache Stampede Prevention",
    /// PVLDB 8(8), 2015).
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let Some(left) = self.fresh_until.checked_duration_since(now) else {
            return true;
        };
        if left > self.load_time.saturating_mul(20) {
            return false;
        }
        let draw: f64 = rand::random_range(f64::EPSILON..1.0);
        left.as_secs_f64() < -draw.ln() * self.load_time.as_secs_f64()
    }
}

/// Bytes of an entry, as far as room is planned for them.
const USUAL: u64 = 512;

/// The entries of a process, bounded by their bytes. What has not been used lately makes room first.
pub(super) struct L1 {
    entries: quick_cache::sync::Cache<L1Key, Arc<Held>, Weight, RandomState, Evictions>,
    shares: Arc<[Share]>,
}

/// What L1 holds of a space, and what it could not keep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct L1Share {
    /// Entries, roughly.
    pub entries: u64,
    /// Bytes, roughly.
    pub bytes: u64,
    /// Entries that had to make room.
    pub evictions: u64,
}

/// The same while it changes.
#[derive(Default)]
struct Share {
    entries: AtomicU64,
    bytes: AtomicU64,
    evictions: AtomicU64,
}

/// An entry that counts into the share of its space for as long as there is one who holds it.
pub(super) struct Held {
    stored: Stored,
    space: u16,
    shares: Arc<[Share]>,
}

impl Held {
    fn share(&self) -> Option<&Share> {
        self.shares.get(usize::from(self.space))
    }

    fn weight(&self) -> u64 {
        u64::from(self.stored.weight)
    }
}

impl Deref for Held {
    type Target = Stored;
    fn deref(&self) -> &Stored {
        &self.stored
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(share) = self.share() {
            share.entries.fetch_sub(1, Ordering::Relaxed);
            share.bytes.fetch_sub(self.weight(), Ordering::Relaxed);
        }
    }
}

#[derive(Clone)]
struct Weight;

impl Weighter<L1Key, Arc<Held>> for Weight {
    fn weight(&self, _key: &L1Key, held: &Arc<Held>) -> u64 {
        // What weighs nothing would never make room.
        held.weight().max(1)
    }
}

/// Counts entries that have to make room.
#[derive(Clone)]
struct Evictions;

impl Lifecycle<L1Key, Arc<Held>> for Evictions {
    type RequestState = ();

    fn before_evict(&self, _state: &mut (), _key: &L1Key, held: &mut Arc<Held>) {
        if let Some(share) = held.share() {
            share.evictions.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl L1 {
    /// Room for the entries of spaces with numbers below `spaces`.
    pub(super) fn new(max_bytes: u64, spaces: usize) -> Self {
        let planned = usize::try_from(max_bytes / USUAL).unwrap_or(usize::MAX);
        Self {
            entries: quick_cache::sync::Cache::with(
                planned,
                max_bytes,
                Weight,
                RandomState::new(),
                Evictions,
            ),
            shares: (0..spaces).map(|_| Share::default()).collect(),
        }
    }

    pub(super) fn get(&self, key: &L1Key) -> Option<Arc<Held>> {
        self.entries.get(key)
    }

    pub(super) fn insert(&self, key: L1Key, stored: Stored) {
        let held = Held {
            stored,
            space: key.0,
            shares: Arc::clone(&self.shares),
        };
        if let Some(share) = held.share() {
            share.entries.fetch_add(1, Ordering::Relaxed);
            share.bytes.fetch_add(held.weight(), Ordering::Relaxed);
        }
        self.entries.insert(key, Arc::new(held));
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.entries.clear();
    }

    /// Entries and bytes, roughly.
    pub(super) fn size(&self) -> (u64, u64) {
        let entries = u64::try_from(self.entries.len()).unwrap_or(u64::MAX);
        (entries, self.entries.weight())
    }

    /// What it holds of a space.
    pub(super) fn share(&self, space: u16) -> L1Share {
        let of = |share: &Share| L1Share {
            entries: share.entries.load(Ordering::Relaxed),
            bytes: share.bytes.load(Ordering::Relaxed),
            evictions: share.evictions.load(Ordering::Relaxed),
        };
        self.shares
            .get(usize::from(space))
            .map(of)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::ledger::Ledger;
    use super::*;

    fn stored(weight: u32) -> Stored {
        let now = Instant::now();
        Stored {
            moment: Ledger::new(0, None, 0).moment(),
            tags: TagCodes::new(),
            since: now,
            until: now,
            fresh_until: now,
            load_time: Duration::ZERO,
            value: None,
            weight,
        }
    }

    #[test]
    fn every_space_knows_its_bytes_and_what_had_to_make_room() {
        let l1 = L1::new(1_000, 2);
        let put = |space: u16, key: u8, weight| {
            l1.insert((space, KeyBytes::from_slice(&[key])), stored(weight));
        };
        put(0, 1, 100);
        put(1, 1, 300);
        let share = |entries, bytes| L1Share {
            entries,
            bytes,
            evictions: 0,
        };
        assert_eq!((l1.share(0), l1.share(1)), (share(1, 100), share(1, 300)));
        put(0, 1, 200);
        assert_eq!(l1.share(0), share(1, 200), "an entry that is put anew");
        for key in 2..40 {
            put(1, key, 300);
        }
        let (one, other) = (l1.share(0), l1.share(1));
        assert!(one.bytes + other.bytes <= 1_000, "{one:?} {other:?}");
        assert_eq!(one.entries + other.entries, l1.size().0);
        assert!(one.evictions + other.evictions >= 36, "{one:?} {other:?}");
        l1.clear();
        let forgotten = L1Share {
            evictions: other.evictions,
            ..L1Share::default()
        };
        assert_eq!(l1.share(1), forgotten, "who is forgotten makes no room");
    }
}
