//! What may have changed who may listen to a room, until somebody has asked.

use std::collections::HashMap;

use super::Offset;
use crate::kernel::UserId;

/// The doubts of a room. Each has a number, and the later one has the higher.
#[derive(Debug, Default)]
pub struct Doubts {
    /// The last of all.
    last: u64,
    /// The last that concerns everybody.
    of_all: u64,
    /// The last one of everybody that was resolved.
    resolved: u64,
    /// The last that concern one person each.
    of_one: HashMap<UserId, u64>,
    /// Whether it is being asked, before the next event is passed on.
    pub asking: bool,
    /// The last event before which it was asked.
    pub asked: Offset,
}

/// Whom to ask about.
#[derive(Debug)]
pub struct Question {
    /// Everybody who listens.
    pub everybody: bool,
    /// These, of whom it may also have changed what they see of others, with their doubts.
    pub people: Vec<(UserId, u64)>,
}

impl Doubts {
    /// Something may have changed it for everybody.
    pub fn raise(&mut self) {
        self.last += 1;
        self.of_all = self.last;
    }

    /// Something may have changed it for this person.
    pub fn raise_of(&mut self, user_id: UserId) {
        self.last += 1;
        self.of_one.insert(user_id, self.last);
    }

    /// The number of the last doubt; whoever asks takes it first.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Whether anybody is to be asked about.
    pub fn is_any(&self) -> bool {
        self.is_of_all() || !self.of_one.is_empty()
    }

    /// Whether everybody is.
    pub fn is_of_all(&self) -> bool {
        self.resolved < self.of_all
    }

    /// Whether this person is.
    pub fn is_of(&self, user_id: UserId) -> bool {
        self.is_of_all() || self.of_one.contains_key(&user_id)
    }

    /// The people who are to be asked about by themselves.
    pub fn people(&self) -> Vec<(UserId, u64)> {
        self.of_one
            .iter()
            .map(|(id, doubt)| (*id, *doubt))
            .collect()
    }

    /// Everybody was asked about after this doubt. What has been raised meanwhile is asked about by itself.
    pub fn resolve(&mut self, doubt: u64) {
        self.resolved = self.resolved.max(doubt);
    }

    /// This person was, and what they see of others is known anew.
    pub fn resolve_of(&mut self, user_id: UserId, doubt: u64) {
        if self.of_one.get(&user_id).is_some_and(|last| *last <= doubt) {
            self.of_one.remove(&user_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::kernel::ids::Id as _;

    #[test]
    fn what_is_raised_while_it_is_asked_is_asked_about_again() {
        let mut doubts = Doubts::default();
        let bob = UserId::from_uuid(Uuid::nil());
        doubts.raise_of(bob);
        let before = doubts.last();
        doubts.raise_of(bob);
        doubts.resolve_of(bob, before);
        assert!(doubts.is_of(bob) && !doubts.is_of_all());
        doubts.resolve_of(bob, doubts.last());
        assert!(!doubts.is_any());
        doubts.raise();
        let before = doubts.last();
        doubts.raise();
        doubts.resolve(before);
        assert!(doubts.is_of(bob), "as of everybody");
        doubts.resolve(doubts.last());
        assert!(!doubts.is_any());
    }
}
