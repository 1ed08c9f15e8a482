//! The layer in the process: values as they are used, without a copy.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ahash::RandomState;

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
pub(super) struct L1(moka::sync::Cache<L1Key, Arc<Stored>, RandomState>);

impl L1 {
    pub(super) fn new(max_bytes: u64) -> Self {
        let entries = moka::sync::Cache::builder()
            .max_capacity(max_bytes)
            .weigher(|_key: &L1Key, stored: &Arc<Stored>| stored.weight)
            .build_with_hasher(RandomState::new());
        Self(entries)
    }

    pub(super) fn get(&self, key: &L1Key) -> Option<Arc<Stored>> {
        self.0.get(key)
    }

    pub(super) fn insert(&self, key: L1Key, stored: Stored) {
        self.0.insert(key, Arc::new(stored));
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.0.invalidate_all();
    }

    /// Entries and bytes, roughly.
    pub(super) fn size(&self) -> (u64, u64) {
        (self.0.entry_count(), self.0.weighted_size())
    }
}
