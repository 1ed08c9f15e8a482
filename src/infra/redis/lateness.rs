//! When late answers mean that the server is as good as away.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many late answers in a row.
const ANSWERS: u32 = 5;
/// For so long at least none came in time. Whatever stalls the server or this process for a moment makes late
/// all that is asked just then, which can be more than a few. To go on without Redis for that would cost the
/// process all that it holds, and a busy machine would be busier.
const SPAN: Duration = Duration::from_millis(500);

/// Late answers since the last that came in time.
#[derive(Debug, Default)]
pub(super) struct Lateness {
    /// Whether there are any: all who get an answer look here.
    any: AtomicBool,
    row: Mutex<Row>,
}

#[derive(Debug, Default)]
struct Row {
    answers: u32,
    /// When the first of them was asked for.
    since: Option<Instant>,
}

impl Lateness {
    /// An answer has come in time, or a connection is new.
    pub(super) fn end(&self) {
        if self.any.load(Ordering::Relaxed) {
            let mut row = self.lock();
            self.any.store(false, Ordering::Relaxed);
            *row = Row::default();
        }
    }

    /// There is no answer by `now` to what was asked at `asked`. Says whether the server is to be given up.
    pub(super) fn note(&self, asked: Instant, now: Instant) -> bool {
        let mut row = self.lock();
        self.any.store(true, Ordering::Relaxed);
        let since = row.since.map_or(asked, |since| since.min(asked));
        row.since = Some(since);
        row.answers = row.answers.saturating_add(1);
        row.answers >= ANSWERS && now.saturating_duration_since(since) >= SPAN
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Row> {
        self.row.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_in_which_all_answers_are_late_is_borne() {
        let (lateness, start) = (Lateness::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        for _ in 0..100 {
            assert!(!lateness.note(at(0), at(50)));
        }
        assert!(!lateness.note(at(449), at(499)));
        lateness.end();
        assert!(!lateness.note(at(460), at(510)), "one came in time");
    }

    #[test]
    fn who_answers_nothing_in_time_is_given_up() {
        let (lateness, start) = (Lateness::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        for asked in [0, 100, 200, 300] {
            assert!(!lateness.note(at(asked), at(asked + 50)));
        }
        assert!(lateness.note(at(450), at(500)));
    }

    #[test]
    fn a_few_late_answers_are_not_enough_however_long_they_take() {
        let (lateness, start) = (Lateness::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for asked in [0, 10, 20, 30] {
            assert!(!lateness.note(at(asked), at(asked + 1)));
        }
        assert!(lateness.note(at(40), at(41)));
    }
}
