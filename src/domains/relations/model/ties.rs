//! What decides for one person whom they see and what they read.

use serde::{Deserialize, Serialize};

use super::{Sight, can_see_person};
use crate::kernel::{Timestamp, UserId};

/// What lies between a person and everybody else. All lists are in order of id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ties {
    /// Friends.
    pub friends: Vec<UserId>,
    /// People whom they follow.
    pub following: Vec<UserId>,
    /// People whom they have blocked, and who have blocked them.
    pub hidden: Vec<UserId>,
    /// People whom they have muted, and until when; `None`: for good.
    pub muted: Vec<(UserId, Option<Timestamp>)>,
}

impl Ties {
    /// Whether the two are friends.
    pub fn is_friend(&self, other: UserId) -> bool {
        self.friends.binary_search(&other).is_ok()
    }

    /// Whether the person follows `other`.
    pub fn follows(&self, other: UserId) -> bool {
        self.following.binary_search(&other).is_ok()
    }

    /// Whether a block lies between the two, either way.
    pub fn is_hidden(&self, other: UserId) -> bool {
        self.hidden.binary_search(&other).is_ok()
    }

    /// Whether the person has muted `other`.
    pub fn is_muted(&self, other: UserId, now: Timestamp) -> bool {
        let found = self.muted.binary_search_by_key(&other, |(muted, _)| *muted);
        let found = found.ok().and_then(|place| self.muted.get(place));
        found.is_some_and(|(_, until)| until.is_none_or(|until| until > now))
    }

    /// The friends whom both have, whoever may see them, in order of id.
    pub fn common_friends(&self, other: &Self) -> Vec<UserId> {
        let (few, many) = if self.friends.len() < other.friends.len() {
            (self, other)
        } else {
            (other, self)
        };
        let mut common = few.friends.clone();
        common.retain(|friend| many.is_friend(*friend));
        common
    }

    /// May the person see `other`? See [`can_see_person`].
    pub fn sees(&self, other: UserId, is_active: bool) -> bool {
        can_see_person(Sight {
            is_active,
            is_blocked_by_viewer: self.is_hidden(other),
            has_blocked_viewer: false,
        })
    }
}
