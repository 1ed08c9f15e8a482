//! The count of one key: pure, and the same as [`LUA_LIMIT`](super::LUA_LIMIT) step by step.

use super::{Figures, State};

/// A window has so many sub-windows; one more is counted, since the oldest is cut.
const PARTS: u64 = 10;

/// The number of the sub-window in which `now` lies, in microseconds.
pub(super) fn slot_of(figures: Figures, now: u64) -> u64 {
    now / width(figures)
}

/// Microseconds of a sub-window.
fn width(figures: Figures) -> u64 {
    figures.window_ms().saturating_mul(1_000 / PARTS)
}

/// What counts in the sub-window `now`. Later ones do as well: the clock may have been set back.
fn counts(slot: u64, now: u64) -> bool {
    slot.saturating_add(PARTS) >= now && slot <= now.saturating_add(PARTS)
}

/// Calls by sub-window, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Slots(Vec<(u64, u32)>);

impl Slots {
    /// Calls as they were stored, in any order.
    pub fn of(mut stored: Vec<(u64, u32)>) -> Self {
        stored.sort_unstable();
        Self(stored)
    }

    /// How many calls count now.
    pub fn used(&self, now: u64) -> u64 {
        let counted = self.0.iter().filter(|(slot, _)| counts(*slot, now));
        counted.map(|(_, calls)| u64::from(*calls)).sum()
    }

    /// Counts a call, and forgets those that count no more.
    pub fn charge(&mut self, now: u64) {
        self.0.retain(|(slot, _)| counts(*slot, now));
        match self.0.binary_search_by_key(&now, |(slot, _)| *slot) {
            Ok(place) => {
                if let Some((_, calls)) = self.0.get_mut(place) {
                    *calls = calls.saturating_add(1);
                }
            }
            Err(place) => self.0.insert(place, (now, 1)),
        }
    }

    /// Takes back a call that was counted in `slot`.
    pub fn give_back(&mut self, slot: u64) {
        for (_, calls) in self.0.iter_mut().filter(|(at, _)| *at == slot) {
            *calls = calls.saturating_sub(1);
        }
        self.0.retain(|(_, calls)| *calls > 0);
    }

    /// What to say at `now`, in microseconds, to a call that was `allowed`.
    pub fn state(&self, figures: Figures, now: u64, allowed: bool) -> State {
        let slot = slot_of(figures, now);
        let used = self.used(slot);
        let quota = u64::from(figures.quota);
        State {
            allowed,
            remaining: u32::try_from(quota.saturating_sub(used)).unwrap_or(u32::MAX),
            reset_ms: self.reset(figures, now, used.min(quota)),
            slot,
        }
    }

    /// Milliseconds until fewer than `enough` calls count.
    fn reset(&self, figures: Figures, now: u64, enough: u64) -> u64 {
        let slot = slot_of(figures, now);
        let mut left = self.used(slot);
        for (at, calls) in self.0.iter().filter(|(at, _)| counts(*at, slot)) {
            if left < enough || left == 0 {
                break;
            }
            left = left.saturating_sub(u64::from(*calls));
            if left < enough {
                let gone = at.saturating_add(PARTS + 1).saturating_mul(width(figures));
                return gone.saturating_sub(now).div_ceil(1_000);
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const FIGURES: Figures = Figures {
        quota: 4,
        window: Duration::from_secs(1),
    };

    fn call(slots: &mut Slots, now: u64) -> State {
        let slot = slot_of(FIGURES, now);
        let allowed = slots.used(slot) < u64::from(FIGURES.quota);
        if allowed {
            slots.charge(slot);
        }
        slots.state(FIGURES, now, allowed)
    }

    proptest! {
        #[test]
        fn no_window_has_more_than_the_quota_whatever_the_rhythm(
            pauses in prop::collection::vec(0_u64..400_000, 1..200),
        ) {
            let (mut slots, mut now, mut passed) = (Slots::default(), 1_000_000_000, Vec::new());
            for pause in pauses {
                now += pause;
                if call(&mut slots, now).allowed {
                    passed.push(now);
                }
                prop_assert!(slots.0.len() <= 11, "a key takes what {} numbers take", slots.0.len());
            }
            for calls in passed.windows(5) {
                prop_assert!(calls[4] - calls[0] > 1_000_000, "five calls in a second: {calls:?}");
            }
        }

        #[test]
        fn what_a_tenth_longer_allows_is_never_refused(
            pauses in prop::collection::vec(0_u64..400_000, 1..200),
        ) {
            let (mut slots, mut now, mut passed) = (Slots::default(), 1_000_000_000, Vec::new());
            for pause in pauses {
                now += pause;
                let state = call(&mut slots, now);
                let recent = passed.iter().filter(|at| now - **at < 1_100_000).count();
                if state.allowed {
                    passed.push(now);
                } else {
                    prop_assert!(recent >= 4, "refused after {recent} calls");
                }
            }
        }

        #[test]
        fn a_refused_call_passes_after_the_reset_and_not_before(
            pauses in prop::collection::vec(0_u64..200_000, 5..50),
        ) {
            let (mut slots, mut now) = (Slots::default(), 1_000_000_000);
            for pause in pauses {
                now += pause;
                let state = call(&mut slots, now);
                if !state.allowed {
                    let mut early = slots.clone();
                    let before = now + (state.reset_ms - 1) * 1_000;
                    prop_assert!(!call(&mut early, before.max(now)).allowed);
                    now += state.reset_ms * 1_000;
                    prop_assert!(call(&mut slots, now).allowed);
                }
            }
        }
    }
}
