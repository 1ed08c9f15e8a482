//! Slows down whoever guesses passwords: 5 failures in 5 minutes an account, 20 an address. Kept in
//! the process, and bounded; it never fails open.
//!
//! An attempt counts as a failure from its beginning, so that many at once gain nothing, and is
//! taken back when it was none. An account is known by the name that somebody signed in with,
//! whether or not there is such a person, so a refusal tells nothing; nor does it look at the
//! password. The way by a mailed link stays open, and forgets the failures.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;

use crate::kernel::{Code, Error, Result, Timestamp, UserId};

const WINDOW: TimeDelta = TimeDelta::minutes(5);
const PER_ACCOUNT: usize = 5;
const PER_ADDRESS: usize = 20;
/// Most names and addresses that are remembered.
const MOST_KEYS: usize = 65_536;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    /// A name that somebody signs in with.
    Login(String),
    /// Somebody who is signed in and confirms their password; nobody else can use it up.
    User(UserId),
    Address(IpAddr),
}

impl Key {
    fn quota(&self) -> usize {
        match self {
            Self::Login(_) | Self::User(_) => PER_ACCOUNT,
            Self::Address(_) => PER_ADDRESS,
        }
    }
}

/// Counts failed attempts to give a password.
#[derive(Debug)]
pub struct Throttle {
    enabled: bool,
    failures: Mutex<HashMap<Key, VecDeque<Timestamp>>>,
}

/// An attempt that is under way.
#[derive(Debug)]
pub struct Attempt<'a> {
    throttle: &'a Throttle,
    account: Key,
    address: Key,
    at: Timestamp,
}

impl Throttle {
    /// A throttle that remembers nothing yet; one that is not `enabled` lets everything pass.
    pub fn new(enabled: bool) -> Self {
        Self {
            enabled,
            failures: Mutex::default(),
        }
    }

    /// Lets an attempt to sign in begin, or says when to come back.
    pub fn begin(&self, now: Timestamp, login: &str, address: IpAddr) -> Result<Attempt<'_>> {
        self.attempt(now, Key::Login(login.to_lowercase()), address)
    }

    /// The same for somebody who is signed in and gives their password again.
    pub fn begin_again(
        &self,
        now: Timestamp,
        user_id: UserId,
        address: IpAddr,
    ) -> Result<Attempt<'_>> {
        self.attempt(now, Key::User(user_id), address)
    }

    fn attempt(&self, now: Timestamp, account: Key, address: IpAddr) -> Result<Attempt<'_>> {
        let attempt = Attempt {
            throttle: self,
            account,
            address: Key::Address(network(address)),
            at: now,
        };
        if !self.enabled {
            return Ok(attempt);
        }
        let mut failures = self.lock();
        let keys = [&attempt.account, &attempt.address];
        let wait = keys
            .iter()
            .filter_map(|key| wait(&mut failures, key, now))
            .max();
        if let Some(seconds) = wait {
            let detail = "There were too many attempts. Wait a while, or set a new password.";
            return Err(Error::new(Code::RateLimited, detail).with_retry_after(seconds));
        }
        for key in keys {
            make_room(&mut failures, now);
            failures.entry(key.clone()).or_default().push_back(now);
        }
        drop(failures);
        Ok(attempt)
    }

    /// Forgets the failures of a name.
    pub fn forget(&self, login: &str) {
        self.lock().remove(&Key::Login(login.to_lowercase()));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, VecDeque<Timestamp>>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// The attempt is over. Wrong credentials stay counted; anything else was no failure, and a
    /// success makes those before it forgotten.
    pub fn end<T>(self, outcome: &Result<T>) {
        let failed = |error: &Error| error.code() == Code::InvalidCredentials;
        if outcome.as_ref().is_err_and(failed) {
            return;
        }
        let mut failures = self.throttle.lock();
        if outcome.is_ok() {
            failures.remove(&self.account);
        }
        for key in [&self.account, &self.address] {
            if let Some(times) = failures.get_mut(key)
                && let Some(own) = times.iter().rposition(|at| *at == self.at)
            {
                times.remove(own);
            }
        }
    }
}

/// Seconds until `key` may try again; `None` when it may now.
fn wait(
    failures: &mut HashMap<Key, VecDeque<Timestamp>>,
    key: &Key,
    now: Timestamp,
) -> Option<u32> {
    let times = failures.get_mut(key)?;
    times.retain(|at| *at + WINDOW > now);
    if times.is_empty() {
        failures.remove(key);
        return None;
    }
    if times.len() < key.quota() {
        return None;
    }
    let oldest = times.front().copied()?;
    let seconds = (oldest + WINDOW).seconds_since(now) + 1;
    Some(u32::try_from(seconds).unwrap_or(1))
}

fn make_room(failures: &mut HashMap<Key, VecDeque<Timestamp>>, now: Timestamp) {
    if failures.len() < MOST_KEYS {
        return;
    }
    let alive = |times: &VecDeque<Timestamp>| times.back().is_some_and(|at| *at + WINDOW > now);
    failures.retain(|_, times| alive(times));
    while failures.len() >= MOST_KEYS {
        let oldest = failures.iter().min_by_key(|(_, times)| times.back());
        let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
            return;
        };
        failures.remove(&oldest);
    }
}

/// One customer of IPv6 has a /64 at least.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::ids::Id as _;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).expect("in range")
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn fail(throttle: &Throttle, now: i64, name: &str, from: u8) -> Option<u32> {
        match throttle.begin(at(now), name, address(from)) {
            Ok(attempt) => {
                attempt.end::<()>(&Err(Code::InvalidCredentials.into()));
                None
            }
            Err(refused) => refused.retry_after(),
        }
    }

    #[test]
    fn after_five_failures_an_account_waits_until_the_first_is_five_minutes_old() {
        let throttle = Throttle::new(true);
        for second in 0..5 {
            assert_eq!(fail(&throttle, second, "Ada", 1), None);
        }
        assert_eq!(fail(&throttle, 10, "ada", 2), Some(291));
        assert_eq!(fail(&throttle, 10, "bob", 1), None);
        assert_eq!(fail(&throttle, 300, "ada", 1), None);
        assert!(fail(&throttle, 300, "ada", 1).is_some());
        throttle.forget("ADA");
        assert_eq!(fail(&throttle, 300, "ada", 1), None);
    }

    #[test]
    fn an_address_may_fail_twenty_times_whatever_the_names() {
        let throttle = Throttle::new(true);
        for number in 0..20 {
            assert_eq!(fail(&throttle, 0, &format!("name{number}"), 1), None);
        }
        assert!(fail(&throttle, 0, "another", 1).is_some());
        assert_eq!(fail(&throttle, 0, "another", 2), None);
    }

    #[test]
    fn attempts_at_once_count_before_they_have_failed() {
        let throttle = Throttle::new(true);
        let begin = || throttle.begin(at(0), "ada", address(1));
        let running: Vec<_> = (0..5).map(|_| begin().expect("may begin")).collect();
        assert!(begin().is_err());
        for attempt in running {
            attempt.end(&Ok(()));
        }
        assert!(begin().is_ok());
    }

    #[test]
    fn whoever_is_signed_in_is_not_slowed_down_by_names_that_others_try() {
        let throttle = Throttle::new(true);
        let user_id = UserId::from_uuid(uuid::Uuid::nil());
        for second in 0..5 {
            for name in [user_id.to_string(), format!("id {user_id}")] {
                assert_eq!(fail(&throttle, second, &name, 1), None);
            }
        }
        let again = throttle.begin_again(at(5), user_id, address(2));
        assert!(again.is_ok());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let one = network("2001:db8:1:2:3:4:5:6".parse().expect("an address"));
        assert_eq!(one.to_string(), "2001:db8:1:2::");
    }
}
