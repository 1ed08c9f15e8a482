//! What happened to the entries of a space, for figures and metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use utoipa::ToSchema;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// Counters of a space, since the process began.
        #[derive(Debug, Default)]
        pub(super) struct Counters { $(pub(super) $name: AtomicU64,)+ }

        /// Figures of a space, since the process began.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
        pub struct Figures { $($(#[$doc])* pub $name: u64,)+ }

        impl Counters {
            pub(super) fn figures(&self) -> Figures {
                Figures { $($name: self.$name.load(Ordering::Relaxed),)+ }
            }
        }
    };
}

counters! {
    /// Entries answered from the process.
    l1_hits,
    /// Entries answered from Redis.
    l2_hits,
    /// Entries that had to be loaded.
    misses,
    /// Reads, each of one entry or of many.
    requests,
    /// Reads that found everything that they asked for.
    full_requests,
    /// Queries for what was missing.
    loads,
    /// Queries that failed.
    failed_loads,
    /// Microseconds that loads took, together.
    load_micros,
    /// Refreshes behind an answer.
    refreshes,
    /// Refreshes that failed.
    failed_refreshes,
    /// Entries met in Redis that were void.
    void_met,
    /// Entries met in Redis that nobody could read.
    unreadable,
    /// Bytes of values written to Redis.
    bytes_written,
    /// Values that were too large to store.
    oversized,
    /// Entries answered although they were no longer fresh.
    stale_answers,
}

impl Figures {
    /// Entries answered without a load, of all that were asked for; `None` below `least` entries,
    /// of which a rate says nothing.
    pub fn hit_rate(&self, least: u64) -> Option<f64> {
        rate(self.l1_hits + self.l2_hits, self.misses, least)
    }

    /// The same by reads: a read of many counts as a hit when nothing was missing.
    pub fn request_hit_rate(&self, least: u64) -> Option<f64> {
        let missed = self.requests.saturating_sub(self.full_requests);
        rate(self.full_requests, missed, least)
    }
}

fn rate(hits: u64, misses: u64, least: u64) -> Option<f64> {
    let all = hits + misses;
    if all == 0 || all < least {
        return None;
    }
    #[expect(
        clippy::as_conversions,
        clippy::cast_precision_loss,
        reason = "a rate has no use for the digits that are lost"
    )]
    let rate = hits as f64 / all as f64;
    Some(rate)
}

/// Adds to a counter.
pub(super) fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

/// The same for a length.
pub(super) fn add_len(counter: &AtomicU64, more: usize) {
    add(counter, u64::try_from(more).unwrap_or(u64::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_rate_wants_a_sample_and_is_never_nan() {
        let idle = Figures::default();
        assert_eq!(idle.hit_rate(0), None);
        let busy = Figures {
            l1_hits: 80,
            l2_hits: 10,
            misses: 10,
            ..idle
        };
        assert_eq!(busy.hit_rate(100), Some(0.9));
        assert_eq!(busy.hit_rate(101), None);
    }
}
