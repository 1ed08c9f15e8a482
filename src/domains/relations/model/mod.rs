//! The rules between two people, as functions of facts alone.

mod standing;
mod ties;

use crate::domains::users::FriendListAudience;
use crate::{text_type, words};

pub use standing::{Between, Muting, Standing};
pub use ties::Ties;

/// Most circles of one person.
pub const MAX_CIRCLES: i64 = 100;
/// Most members that are shown with a circle.
pub const MAX_MEMBERS_SHOWN: usize = 100;

text_type!(
    /// What a person calls one of their circles.
    CircleName, 1..=60, single
);
text_type!(
    /// What somebody looks for.
    SearchText, 1..=100, single
);

impl SearchText {
    /// As names are compared: in lower case, without what surrounds it.
    pub fn folded(&self) -> String {
        self.as_str().trim().to_lowercase()
    }
}

/// What decides whether one person sees another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Whether the account of the person looked at is active.
    pub is_active: bool,
    /// Whether the viewer has blocked them.
    pub is_blocked_by_viewer: bool,
    /// Whether they have blocked the viewer.
    pub has_blocked_viewer: bool,
}

/// May the viewer see this person? The same rule as `visible_account` in SQL: the person is active
/// and neither has blocked the other.
pub fn can_see_person(sight: Sight) -> bool {
    sight.is_active && !sight.is_blocked_by_viewer && !sight.has_blocked_viewer
}

/// May somebody see a person's list and number of friends?
pub fn can_see_friends(audience: FriendListAudience, is_self: bool, are_friends: bool) -> bool {
    is_self
        || match audience {
            FriendListAudience::Public => true,
            FriendListAudience::Friends => are_friends,
            FriendListAudience::OnlyMe => false,
        }
}

/// May somebody see which friends they have in common with a person? Those are their own, so that whoever shows
/// the list to friends alone shows these; whoever shows it to nobody hides them too.
pub fn can_see_mutual_friends(audience: FriendListAudience, is_self: bool) -> bool {
    is_self || audience != FriendListAudience::OnlyMe
}

words! {
    /// How far two people are with their friendship.
    pub enum Friendship {
        /// Neither friends nor asked.
        None = "none",
        /// The viewer has asked.
        Outgoing = "outgoing",
        /// The viewer was asked.
        Incoming = "incoming",
        /// They are friends.
        Friends = "friends",
    }
}

words! {
    /// Which way a request went, seen by one of the two.
    #[derive(Default)]
    pub enum RequestDirection {
        /// The viewer was asked.
        #[default]
        Incoming = "incoming",
        /// The viewer has asked.
        Outgoing = "outgoing",
    }
}

words! {
    /// What became of a request.
    pub enum RequestState {
        /// Not answered yet.
        Pending = "pending",
        /// The two became friends.
        Accepted = "accepted",
        /// The answer was no.
        Declined = "declined",
        /// The sender took it back, or a block ended it.
        Cancelled = "cancelled",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_friends_is_for_those_whom_its_owner_allows() {
        use FriendListAudience::{Friends, OnlyMe, Public};
        assert!(can_see_friends(Public, false, false));
        assert!(!can_see_friends(Friends, false, false));
        assert!(can_see_friends(Friends, false, true));
        assert!(!can_see_friends(OnlyMe, false, true));
        assert!(can_see_friends(OnlyMe, true, false));
    }
}
