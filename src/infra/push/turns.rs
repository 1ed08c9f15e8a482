//! What one push service may take up of a process: so many requests at once, and none for a while after it has
//! failed again and again (a circuit breaker), so that a service that is slow or away holds up none but its own
//! devices.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Requests to one service at once.
const MOST_AT_ONCE: usize = 16;
/// So many failures after each other close a service.
const FAILURES: u32 = 5;
/// For how long the first time; each later time is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);
/// While all its turns are taken, a service may be asked for another one after this.
const FULL: Duration = Duration::from_secs(1);
/// Beyond so many services, those are forgotten that nothing is known of but failures a while ago.
const REMEMBERED: usize = 1_000;

/// The services that a process sends to, by origin. A clone is the same.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<String, Service>>>);

#[derive(Default)]
struct Service {
    running: usize,
    /// Since its last success.
    failures: u32,
    closed_until: Option<Instant>,
}

/// A request that is under way.
pub(super) struct Turn {
    turns: Turns,
    origin: String,
}

impl Turns {
    /// Begins a request, or says how long to wait before another try.
    pub(super) fn begin(&self, origin: &str) -> Result<Turn, Duration> {
        let mut services = self.services();
        let now = Instant::now();
        if services.len() > REMEMBERED {
            services.retain(|_, one| one.running > 0 || one.closed_until > Some(now));
        }
        let service = services.entry(origin.to_owned()).or_default();
        service.begin(now)?;
        Ok(Turn {
            turns: self.clone(),
            origin: origin.to_owned(),
        })
    }

    fn services(&self) -> MutexGuard<'_, HashMap<String, Service>> {
        let services = self.0.lock();
        services.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    fn begin(&mut self, now: Instant) -> Result<(), Duration> {
        if let Some(until) = self.closed_until
            && until > now
        {
            return Err(until - now);
        }
        // Of one that was closed, one request finds out how it is now.
        let most = if self.failures >= FAILURES {
            1
        } else {
            MOST_AT_ONCE
        };
        if self.running >= most {
            return Err(FULL);
        }
        self.running += 1;
        Ok(())
    }

    fn failed(&mut self, now: Instant) {
        // What was under way when it was closed tells nothing new.
        if self.closed_until > Some(now) {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if let Some(times) = self.failures.checked_sub(FAILURES) {
            let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(times));
            self.closed_until = Some(now + pause.min(LONGEST_PAUSE));
        }
    }
}

impl Turn {
    /// The service answered, be it that it does not take this message.
    pub(super) fn succeeded(self) {
        if let Some(service) = self.turns.services().get_mut(&self.origin) {
            service.failures = 0;
            service.closed_until = None;
        }
    }

    /// It did not answer, or that it is out of order.
    pub(super) fn failed(self) {
        if let Some(service) = self.turns.services().get_mut(&self.origin) {
            service.failed(Instant::now());
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut services = self.turns.services();
        if let Some(service) = services.get_mut(&self.origin) {
            service.running = service.running.saturating_sub(1);
            if service.running == 0 && service.failures == 0 {
                services.remove(&self.origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_service_has_some_turns_at_once_whatever_others_have() {
        let turns = Turns::default();
        let begun: Vec<Turn> = (0..MOST_AT_ONCE)
            .map(|_| turns.begin("https://slow").expect("a turn"))
            .collect();
        assert_eq!(turns.begin("https://slow").err(), Some(FULL));
        assert!(turns.begin("https://quick").is_ok());
        drop(begun);
        assert!(turns.begin("https://slow").is_ok());
        assert!(turns.services().is_empty(), "nothing is left of them");
    }

    #[test]
    fn a_service_that_fails_is_left_alone_until_a_request_succeeds() {
        let turns = Turns::default();
        for _ in 0..FAILURES {
            let turn = turns.begin("https://away").expect("a turn");
            turn.failed();
        }
        assert!(turns.begin("https://away").is_err_and(|pause| pause > FULL));
        let turn = Turn {
            turns: turns.clone(),
            origin: "https://away".to_owned(),
        };
        turn.succeeded();
        assert!(turns.begin("https://away").is_ok());
    }

    #[test]
    fn one_request_finds_out_how_a_service_is_after_ever_longer_pauses() {
        let (mut service, now) = (Service::default(), Instant::now());
        (0..FAILURES).for_each(|_| service.failed(now));
        assert_eq!(service.begin(now), Err(FIRST_PAUSE));
        let later = now + FIRST_PAUSE;
        assert_eq!(service.begin(later), Ok(()));
        assert_eq!(service.begin(later), Err(FULL));
        service.failed(later);
        service.failed(later);
        assert_eq!(
            service.begin(later),
            Err(FIRST_PAUSE * 2),
            "of those together one counts"
        );
        let mut now = later;
        for _ in 0..100 {
            now += LONGEST_PAUSE;
            service.failed(now);
            service.failed(now);
        }
        assert_eq!(service.closed_until, Some(now + LONGEST_PAUSE));
    }
}
