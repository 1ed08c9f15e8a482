//! How many connections are opened in a second: after a restart of something, everybody comes at once.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::hub::lock;

/// A second, in milliseconds.
const SECOND: u64 = 1_000;
/// The longest that anybody is sent away for, in seconds.
const LONGEST: u32 = 30;

/// Lets so many in within a second, and tells the others when there will be room for them.
#[derive(Debug)]
pub(super) struct Inflow {
    /// How many; `None` is any number.
    rate: Option<u32>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When those came in who came within the last second, by the hub's clock. They are known one by one: an
    /// allowance that fills as time goes on lets up to twice as many in within a second after a silent one.
    entered: VecDeque<u64>,
    /// How many were sent away and are expected before another.
    expected: f64,
    /// When that was so, in milliseconds of the hub's clock.
    at: u64,
}

impl Inflow {
    /// Lets `rate` in within a second.
    pub(super) fn new(rate: Option<u32>) -> Self {
        let state = State {
            entered: VecDeque::new(),
            expected: 0.0,
            at: 0,
        };
        Self {
            rate,
            state: Mutex::new(state),
        }
    }

    /// Lets somebody in, or says in how many seconds to come back.
    pub(super) fn enter(&self, now: u64) -> Result<(), u32> {
        let Some(rate) = self.rate else {
            return Ok(());
        };
        let mut state = lock(&self.state);
        let passed = u32::try_from(now.saturating_sub(state.at)).unwrap_or(u32::MAX);
        let gained = f64::from(rate) * f64::from(passed) / 1_000.0;
        state.at = now;
        state.expected = (state.expected - gained).max(0.0);
        let is_over = |at: &u64| now.saturating_sub(*at) >= SECOND;
        while state.entered.front().is_some_and(is_over) {
            state.entered.pop_front();
        }
        if u32::try_from(state.entered.len()).is_ok_and(|count| count < rate) {
            state.entered.push_back(now);
            return Ok(());
        }
        let mut wait = 1;
        while wait < LONGEST && f64::from(rate) * f64::from(wait) <= state.expected {
            wait += 1;
        }
        state.expected += 1.0;
        Err(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_come_in_within_a_second_and_the_others_are_spread_over_the_next() {
        let inflow = Inflow::new(Some(10));
        let outcomes: Vec<Result<(), u32>> = (0..40).map(|_| inflow.enter(1)).collect();
        let count = |wanted| outcomes.iter().filter(|one| **one == wanted).count();
        assert_eq!(count(Ok(())), 10);
        assert_eq!((count(Err(1)), count(Err(2)), count(Err(3))), (10, 10, 10));
        // A second later there is room for those who were told so.
        let outcomes: Vec<_> = (0..11).map(|_| inflow.enter(1_001)).collect();
        assert_eq!(outcomes.iter().filter(|one| one.is_ok()).count(), 10);
    }

    #[test]
    fn no_second_has_more_than_so_many_wherever_it_begins() {
        let inflow = Inflow::new(Some(10));
        // After long silence one comes each 20 ms, for four seconds.
        let came = (0..200).map(|place| 60_000 + place * 20);
        let entered: Vec<u64> = came.filter(|at| inflow.enter(*at).is_ok()).collect();
        for begin in &entered {
            let within = (entered.iter()).filter(|at| (*begin..begin + 1_000).contains(*at));
            assert!(within.count() <= 10, "{entered:?}");
        }
        assert_eq!(entered.len(), 40, "as many as may, each second");
    }

    #[test]
    fn nobody_is_sent_away_for_long_or_without_a_cap() {
        let inflow = Inflow::new(Some(1));
        let longest = (0..1_000).filter_map(|_| inflow.enter(1).err()).max();
        assert_eq!(longest, Some(LONGEST));
        let open = Inflow::new(None);
        assert!((0..10_000).all(|_| open.enter(1).is_ok()));
    }
}
