//! Counts how often keys are used, roughly and in bounded memory: a count-min sketch (Cormode,
//! Muthukrishnan 2005) whose counters are halved each window.

use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ahash::RandomState;

const WIDTH: usize = 16_384;
const DEPTH: usize = 4;
/// After this long all counts are halved.
const WINDOW: Duration = Duration::from_mins(1);

/// 128 KiB, whatever is counted.
pub(super) struct Sketch {
    counters: Box<[AtomicU16]>,
    hash: RandomState,
    began: Instant,
    window: AtomicU64,
}

impl Sketch {
    pub(super) fn new() -> Self {
        Self {
            counters: (0..WIDTH * DEPTH).map(|_| AtomicU16::new(0)).collect(),
            hash: RandomState::new(),
            began: Instant::now(),
            window: AtomicU64::new(0),
        }
    }

    /// Counts a use and says how many there were lately: never too few, seldom too many.
    pub(super) fn count<T: std::hash::Hash>(&self, key: &T) -> u16 {
        self.age();
        let hash = self.hash.hash_one(key).to_le_bytes();
        let lowest = hash.chunks_exact(2).zip(0..DEPTH).map(|(pair, row)| {
            let column: usize = pair
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            let counter = self.counters.get(row * WIDTH + column % WIDTH);
            counter.map_or(0, |counter| {
                let count = counter.load(Ordering::Relaxed).saturating_add(1);
                counter.store(count, Ordering::Relaxed);
                count
            })
        });
        lowest.min().unwrap_or(0)
    }

    fn age(&self) {
        let window = self.began.elapsed().as_secs() / WINDOW.as_secs();
        let last = self.window.load(Ordering::Relaxed);
        if window == last {
            return;
        }
        let swapped =
            self.window
                .compare_exchange(last, window, Ordering::Relaxed, Ordering::Relaxed);
        let windows = u32::try_from(window.saturating_sub(last)).unwrap_or(u32::MAX);
        if swapped.is_ok() {
            for counter in &self.counters {
                // One halving for each window that went by, busy or idle.
                let count = counter.load(Ordering::Relaxed).checked_shr(windows);
                counter.store(count.unwrap_or(0), Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_counted_and_never_too_few() {
        let sketch = Sketch::new();
        for round in 1..=100 {
            assert!(sketch.count(&"popular") >= round);
        }
        assert!(sketch.count(&"rare") < 100);
    }
}
