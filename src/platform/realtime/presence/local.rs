//! Presence as this process alone knows it: what counts without Redis.

use std::collections::HashMap;
use std::sync::Mutex;

use super::Presence;
use crate::kernel::UserId;
use crate::platform::realtime::hub::{Hub, lock, millis};

/// That a device of somebody is there for so many milliseconds from now; 0 is no more.
#[derive(Debug, Clone)]
pub(in crate::platform::realtime) struct Lease {
    pub(super) user_id: UserId,
    pub(super) device: String,
    pub(super) presence: Presence,
    pub(super) lasts: u64,
}

/// Everybody who is connected here, or was until a moment ago.
#[derive(Default)]
pub(in crate::platform::realtime) struct Local(Mutex<HashMap<UserId, Person>>);

struct Person {
    devices: Vec<(String, Presence, u64)>,
    told: Presence,
    told_at: u64,
}

impl Person {
    fn presence(&self) -> Presence {
        let states = self.devices.iter().map(|(_, presence, _)| *presence);
        states.max().unwrap_or(Presence::Offline)
    }

    /// What is to be told of them now, if anything.
    fn change(&mut self, now: u64, calm: u64) -> Option<Presence> {
        self.devices.retain(|(_, _, ends)| *ends > now);
        let presence = self.presence();
        let is_calm = self.told_at == 0 || now.saturating_sub(self.told_at) >= calm;
        if presence == self.told || !is_calm {
            return None;
        }
        self.told = presence;
        self.told_at = now;
        Some(presence)
    }
}

impl Local {
    /// Renews leases; gives the changes that are to be told.
    pub(super) fn touch(&self, hub: &Hub, leases: &[&Lease]) -> Vec<(UserId, Presence)> {
        let (now, calm) = (hub.now(), millis(hub.pace().coalesce()));
        let mut people = lock(&self.0);
        let mut changes = Vec::new();
        for lease in leases {
            let person = people.entry(lease.user_id).or_insert_with(|| Person {
                devices: Vec::new(),
                told: Presence::Offline,
                told_at: 0,
            });
            person
                .devices
                .retain(|(device, _, _)| *device != lease.device);
            if lease.lasts > 0 {
                let ends = now + lease.lasts;
                person
                    .devices
                    .push((lease.device.clone(), lease.presence, ends));
            }
            changes.extend(person.change(now, calm).map(|now| (lease.user_id, now)));
        }
        changes
    }

    /// What has changed because leases ran out, or is told only now.
    pub(super) fn due(&self, hub: &Hub) -> Vec<(UserId, Presence)> {
        let (now, calm) = (hub.now(), millis(hub.pace().coalesce()));
        let mut changes = Vec::new();
        lock(&self.0).retain(|user_id, person| {
            changes.extend(person.change(now, calm).map(|now| (*user_id, now)));
            !person.devices.is_empty()
                || person.told != Presence::Offline
                || now.saturating_sub(person.told_at) < calm
        });
        changes
    }

    /// How present somebody is.
    pub(super) fn find(&self, user_id: UserId) -> Presence {
        lock(&self.0)
            .get(&user_id)
            .map_or(Presence::Offline, Person::presence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_what_their_most_present_device_is() {
        use Presence::{Away, Offline, Online};
        let all = [Offline, Away, Online];
        for (one, other) in all
            .iter()
            .flat_map(|one| all.iter().map(move |other| (*one, *other)))
        {
            let devices = [one, other].into_iter().enumerate();
            let person = Person {
                devices: devices
                    .filter(|(_, presence)| *presence != Offline)
                    .map(|(number, presence)| (number.to_string(), presence, 10))
                    .collect(),
                told: Offline,
                told_at: 0,
            };
            assert_eq!(person.presence(), one.max(other), "{one:?} and {other:?}");
        }
    }

    #[test]
    fn changes_within_a_short_time_are_told_once() {
        let mut person = Person {
            devices: vec![("a".to_owned(), Presence::Online, 100)],
            told: Presence::Offline,
            told_at: 0,
        };
        assert_eq!(person.change(10, 5), Some(Presence::Online));
        person.devices.clear();
        assert_eq!(person.change(12, 5), None, "too soon");
        person.devices.push(("a".to_owned(), Presence::Online, 100));
        assert_eq!(person.change(16, 5), None, "as it was");
        assert_eq!(
            person.change(101, 5),
            Some(Presence::Offline),
            "the lease ran out"
        );
    }
}
