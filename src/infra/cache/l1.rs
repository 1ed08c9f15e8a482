//! The layer in the process: values as they are used, without a copy.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ahash::RandomState;
use moka::notification::RemovalCause;

use super::ledger::{Moment, Slots};
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
    /// Where its tags stand in the ledger.
    pub(super) slots: Slots,
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

/// The entries of a process, bounded by their bytes.
pub(super) struct L1 {
    entries: moka::sync::Cache<L1Key, Arc<Stored>, RandomState>,
    shares: Arc<[Share]>,
}

/// What a space has of L1.
#[derive(Default)]
struct Share {
    bytes: AtomicU64,
    evictions: AtomicU64,
}

impl Share {
    fn lose(&self, stored: &Stored, cause: RemovalCause) {
        let weight = u64::from(stored.weight);
        self.bytes.fetch_sub(weight, Ordering::Relaxed);
        if cause == RemovalCause::Size {
            self.evictions.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl L1 {
    /// Room for the entries of spaces with numbers below `spaces`.
    pub(super) fn new(max_bytes: u64, spaces: usize) -> Self {
        let shares: Arc<[Share]> = (0..spaces).map(|_| Share::default()).collect();
        let losing = Arc::clone(&shares);
        let entries = moka::sync::Cache::builder()
            .max_capacity(max_bytes)
            .weigher(|_key: &L1Key, stored: &Arc<Stored>| stored.weight)
            .eviction_listener(move |key: Arc<L1Key>, stored, cause| {
                if let Some(share) = losing.get(usize::from(key.0)) {
                    share.lose(&stored, cause);
                }
            })
            .build_with_hasher(RandomState::new());
        Self { entries, shares }
    }

    pub(super) fn get(&self, key: &L1Key) -> Option<Arc<Stored>> {
        self.entries.get(key)
    }

    pub(super) fn insert(&self, key: L1Key, stored: Stored) {
        if let Some(share) = self.shares.get(usize::from(key.0)) {
            let weight = u64::from(stored.weight);
            share.bytes.fetch_add(weight, Ordering::Relaxed);
        }
        self.entries.insert(key, Arc::new(stored));
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.entries.invalidate_all();
    }

    /// Entries and bytes, roughly.
    pub(super) fn size(&self) -> (u64, u64) {
        (self.entries.entry_count(), self.entries.weighted_size())
    }

    /// Bytes of a space, roughly, and how many of its entries had to make room.
    pub(super) fn share(&self, space: u16) -> (u64, u64) {
        let of = |share: &Share| {
            (
                share.bytes.load(Ordering::Relaxed),
                share.evictions.load(Ordering::Relaxed),
            )
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
            slots: Slots::new(),
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
            l1.entries.run_pending_tasks();
        };
        put(0, 1, 100);
        put(1, 1, 300);
        assert_eq!((l1.share(0), l1.share(1)), ((100, 0), (300, 0)));
        put(0, 1, 200);
        assert_eq!(l1.share(0), (200, 0), "an entry that is put anew");
        for key in 2..40 {
            put(1, key, 300);
        }
        let ((bytes_0, evictions_0), (bytes_1, evictions_1)) = (l1.share(0), l1.share(1));
        assert!(bytes_0 + bytes_1 <= 1_000, "{bytes_0} {bytes_1}");
        assert!(
            evictions_0 + evictions_1 >= 36,
            "{evictions_0} {evictions_1}"
        );
        l1.clear();
        l1.entries.run_pending_tasks();
        assert_eq!((l1.share(0).0, l1.share(1).0), (0, 0));
        assert_eq!(l1.share(1).1, evictions_1, "who is forgotten makes no room");
    }
}
