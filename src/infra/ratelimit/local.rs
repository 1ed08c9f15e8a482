//! The count of one process by itself, in bounded memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ahash::RandomState;

use super::window::{Slots, slot_of};
use super::{Check, Figures, State};

/// Most keys that are kept, of strict policies and of others each.
const MOST_KEYS: usize = 65_536;
/// Counts that new keys of strict policies share while there is no room for more.
const SHARED: u64 = 1_024;
/// Microseconds between two searches for idle keys.
const SWEEP_EVERY: u64 = 1_000_000;

/// Counts calls of this process.
#[derive(Debug)]
pub struct Local {
    most_keys: usize,
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    hasher: RandomState,
    loose: HashMap<String, Count, RandomState>,
    strict: HashMap<String, Count, RandomState>,
    /// When idle keys were last looked for, in microseconds.
    swept_at: u64,
}

#[derive(Debug, Default)]
struct Count {
    slots: Slots,
    /// When nothing of it counts any more, in microseconds.
    idle_at: u64,
}

impl Default for Local {
    fn default() -> Self {
        Self::with_room_for(MOST_KEYS)
    }
}

impl Local {
    /// A counter that keeps so many keys of each sort.
    pub fn with_room_for(most_keys: usize) -> Self {
        Self {
            most_keys,
            tables: Mutex::default(),
        }
    }

    /// Charges all that are asked if each of them allows it, else none; what is asked several times is
    /// charged as often. `now` is in microseconds.
    pub fn take(&self, asked: &[(Check, Figures)], now: u64) -> Vec<State> {
        let mut tables = self.lock();
        let places = self.places(&mut tables, asked, now);
        let mut calls: HashMap<&str, u64> = HashMap::new();
        let allowed: Vec<bool> = asked
            .iter()
            .zip(&places)
            .map(|((check, figures), place)| {
                let calls = calls.entry(place).or_default();
                *calls += 1;
                let used = tables
                    .find(check, place)
                    .map_or(0, |count| count.slots.used(slot_of(*figures, now)));
                used + *calls <= u64::from(figures.quota)
            })
            .collect();
        let all = allowed.iter().all(|allowed| *allowed);
        let answers = asked.iter().zip(&places).zip(allowed);
        answers
            .map(|(((check, figures), place), allowed)| {
                if all {
                    tables.charge(check, place, *figures, now);
                }
                let idle = Slots::default();
                let slots = tables.find(check, place).map(|count| &count.slots);
                slots.unwrap_or(&idle).state(*figures, now, allowed)
            })
            .collect()
    }

    /// Counts a call that was allowed elsewhere.
    pub fn note(&self, check: &Check, figures: Figures, now: u64) {
        let mut tables = self.lock();
        let asked = [(check.clone(), figures)];
        for place in self.places(&mut tables, &asked, now) {
            tables.charge(check, &place, figures, now);
        }
    }

    /// Takes back a call that was counted in `slot`.
    pub fn give_back(&self, check: &Check, slot: u64) {
        if let Some(count) = self.lock().table(check).get_mut(&check.place()) {
            count.slots.give_back(slot);
        }
    }

    /// Forgets what a key was charged.
    pub fn forget(&self, check: &Check) {
        self.lock().table(check).remove(&check.place());
    }

    /// What a key was charged.
    pub(super) fn slots(&self, check: &Check) -> Slots {
        let tables = self.lock();
        let count = tables.find(check, &check.place());
        count.map(|count| count.slots.clone()).unwrap_or_default()
    }

    /// How many keys are kept.
    pub fn len(&self) -> usize {
        let tables = self.lock();
        tables.loose.len() + tables.strict.len()
    }

    /// Whether no key is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where each is counted: by its own key if it has one or there is room. A key of a loose policy
    /// takes the room of others; one of a strict policy, which may forget nobody, shares a count.
    fn places(&self, tables: &mut Tables, asked: &[(Check, Figures)], now: u64) -> Vec<String> {
        let place = |(check, _): &(Check, Figures)| {
            let own = check.place();
            let table = tables.table(check);
            if table.contains_key(&own) || table.len() < self.most_keys {
                return own;
            }
            tables.sweep(now);
            let table = tables.table(check);
            if table.len() < self.most_keys {
                return own;
            }
            if check.policy.strict {
                let number = tables.hasher.hash_one(&own) % SHARED;
                return format!("{}:shared {number}", check.policy.name);
            }
            forget_the_oldest(table);
            own
        };
        asked.iter().map(place).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    /// Lets go of what is idle; once in a while, because all keys are looked at.
    fn sweep(&mut self, now: u64) {
        if now.abs_diff(self.swept_at) < SWEEP_EVERY {
            return;
        }
        self.swept_at = now;
        self.loose.retain(|_, count| count.idle_at > now);
        self.strict.retain(|_, count| count.idle_at > now);
    }

    fn table(&mut self, check: &Check) -> &mut HashMap<String, Count, RandomState> {
        if check.policy.strict {
            &mut self.strict
        } else {
            &mut self.loose
        }
    }

    fn find(&self, check: &Check, place: &str) -> Option<&Count> {
        if check.policy.strict {
            self.strict.get(place)
        } else {
            self.loose.get(place)
        }
    }

    fn charge(&mut self, check: &Check, place: &str, figures: Figures, now: u64) {
        let count = self.table(check).entry(place.to_owned()).or_default();
        count.slots.charge(slot_of(figures, now));
        let longest = figures.window_ms().saturating_mul(1_100);
        count.idle_at = count.idle_at.max(now.saturating_add(longest));
    }
}

/// Makes room for a quarter, so that it is seldom done: what is idle soonest goes.
fn forget_the_oldest(table: &mut HashMap<String, Count, RandomState>) {
    let mut ends: Vec<u64> = table.values().map(|count| count.idle_at).collect();
    let quarter = ends.len() / 4;
    let (_, end, _) = ends.select_nth_unstable(quarter);
    let end = *end;
    table.retain(|_, count| count.idle_at > end);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Keyed, Policy};
    use super::*;

    const FIGURES: Figures = Figures {
        quota: 2,
        window: Duration::from_secs(1),
    };
    const LOOSE: Policy = Policy {
        name: "loose",
        figures: FIGURES,
        keyed: Keyed::Caller,
        strict: false,
    };
    const STRICT: Policy = Policy {
        name: "strict",
        strict: true,
        ..LOOSE
    };
    const NOW: u64 = 1_700_000_000_000_000;

    fn ask(local: &Local, policy: &'static Policy, key: &str, now: u64) -> State {
        let key = key.to_owned();
        local.take(&[(Check { policy, key }, FIGURES)], now)[0]
    }

    #[test]
    fn twenty_calls_in_one_instant_count_twenty() {
        let local = Local::default();
        let figures = Figures {
            quota: 20,
            ..FIGURES
        };
        let check = Check {
            policy: &LOOSE,
            key: "ada".to_owned(),
        };
        let asked = [(check, figures)];
        for left in (0..20).rev() {
            let state = local.take(&asked, NOW)[0];
            assert!(state.allowed);
            assert_eq!(state.remaining, left);
        }
        assert!(!local.take(&asked, NOW)[0].allowed);
    }

    #[test]
    fn what_is_asked_twice_at_once_needs_room_for_two() {
        let local = Local::default();
        let key = "ada".to_owned();
        let check = (
            Check {
                policy: &STRICT,
                key,
            },
            FIGURES,
        );
        let twice = [check.clone(), check];
        ask(&local, &STRICT, "ada", NOW);
        let refused = local.take(&twice, NOW).iter().any(|state| !state.allowed);
        assert!(refused, "one of two is used");
        assert!(
            ask(&local, &STRICT, "ada", NOW).allowed,
            "nothing was charged"
        );
        let later = NOW + 2_000_000;
        let states = local.take(&twice, later);
        assert!(states.iter().all(|state| state.allowed));
        assert_eq!(states[1].remaining, 0);
    }

    #[test]
    fn all_are_charged_or_none() {
        let local = Local::default();
        let check = |policy, key: &str| {
            let key = key.to_owned();
            (Check { policy, key }, FIGURES)
        };
        let both = [check(&LOOSE, "ada"), check(&STRICT, "ada")];
        ask(&local, &STRICT, "ada", NOW);
        ask(&local, &STRICT, "ada", NOW);
        for _ in 0..9 {
            let states = local.take(&both, NOW);
            assert!(states[0].allowed && !states[1].allowed);
            assert_eq!((states[0].remaining, states[0].reset_ms), (2, 0));
        }
    }

    #[test]
    fn what_is_given_back_is_allowed_again() {
        let local = Local::default();
        ask(&local, &STRICT, "ada", NOW);
        let second = ask(&local, &STRICT, "ada", NOW);
        let check = Check {
            policy: &STRICT,
            key: "ada".to_owned(),
        };
        local.give_back(&check, second.slot);
        assert!(ask(&local, &STRICT, "ada", NOW).allowed);
        assert!(!ask(&local, &STRICT, "ada", NOW).allowed);
        local.forget(&check);
        assert_eq!(ask(&local, &STRICT, "ada", NOW).remaining, 1);
    }

    #[test]
    fn memory_is_bounded_and_what_is_idle_makes_room() {
        let local = Local::with_room_for(100);
        for number in 0..1_000 {
            ask(&local, &LOOSE, &number.to_string(), NOW + number);
            assert!(local.len() <= 100);
        }
        assert_eq!(
            ask(&local, &LOOSE, "999", NOW + 1_000).remaining,
            0,
            "the newest is kept"
        );
        let later = NOW + 1_200_000;
        for number in 0..100 {
            ask(&local, &LOOSE, &format!("new {number}"), later);
        }
        assert!(local.len() <= 100);
    }

    #[test]
    fn many_strangers_make_a_strict_policy_forget_nobody() {
        let local = Local::with_room_for(100);
        ask(&local, &STRICT, "ada", NOW);
        ask(&local, &STRICT, "ada", NOW);
        for number in 0..10_000 {
            ask(&local, &STRICT, &number.to_string(), NOW);
        }
        assert!(local.len() <= 100 + 1_024);
        assert!(!ask(&local, &STRICT, "ada", NOW).allowed);
        let passed = (0..10).filter(|_| ask(&local, &STRICT, "a new one", NOW).allowed);
        assert!(
            passed.count() <= 2,
            "nor does anybody get more than the quota"
        );
    }
}
