//! The rules between two people, as functions of facts alone.

mod ties;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domains::users::{FriendListAudience, MessagePolicy, RequestPolicy};
use crate::kernel::{FriendRequestId, Timestamp, UserId};
use crate::text_type;

pub use ties::Ties;

/// Most circles of one person.
pub const MAX_CIRCLES: i64 = 100;
/// Most members that are shown with a circle.
pub const MAX_MEMBERS_SHOWN: i64 = 100;

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

/// How far two people are with their friendship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Friendship {
    /// Neither friends nor asked.
    None,
    /// The viewer has asked.
    Outgoing,
    /// The viewer was asked.
    Incoming,
    /// They are friends.
    Friends,
}

/// Which way a request went, seen by one of the two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestDirection {
    /// The viewer was asked.
    #[default]
    Incoming,
    /// The viewer has asked.
    Outgoing,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// Not answered yet.
    Pending,
    /// The two became friends.
    Accepted,
    /// The answer was no.
    Declined,
    /// The sender took it back, or a block ended it.
    Cancelled,
}

impl RequestState {
    /// The word in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the word; `None` for any other.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Pending,
            Self::Accepted,
            Self::Declined,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|state| state.as_str() == word)
    }
}

/// All that lies between a viewer and one other person.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The other person.
    pub user_id: UserId,
    /// Whether their account is active.
    pub is_active: bool,
    /// Whether the two are friends.
    pub are_friends: bool,
    /// The open request between them.
    pub friend_request_id: Option<FriendRequestId>,
    /// Whether the viewer sent that request.
    pub has_asked: bool,
    /// Whether the viewer follows them.
    pub following: bool,
    /// Whether they follow the viewer.
    pub followed_by: bool,
    /// Whether the viewer has blocked them.
    pub blocking: bool,
    /// Whether they have blocked the viewer.
    pub blocked_by: bool,
    /// Until when the viewer has muted them; `None` when they are heard.
    pub muted_until: Option<Timestamp>,
    /// Friends of both whom the viewer may see.
    pub mutual_friends: i64,
    /// Whom they let ask for friendship.
    pub who_can_request: String,
    /// Whom they let write without being asked.
    pub who_can_message: String,
}

impl Standing {
    /// What decides whether the viewer sees them.
    pub fn sight(&self) -> Sight {
        Sight {
            is_active: self.is_active,
            is_blocked_by_viewer: self.blocking,
            has_blocked_viewer: self.blocked_by,
        }
    }

    /// How far the two are with their friendship.
    pub fn friendship(&self) -> Friendship {
        match self.friend_request_id {
            _ if self.are_friends => Friendship::Friends,
            Some(_) if self.has_asked => Friendship::Outgoing,
            Some(_) => Friendship::Incoming,
            None => Friendship::None,
        }
    }

    /// Whether their setting lets the viewer ask for friendship.
    pub fn is_open_to_requests(&self) -> bool {
        match RequestPolicy::from_word(&self.who_can_request) {
            Some(RequestPolicy::Everyone) => true,
            Some(RequestPolicy::FriendsOfFriends) => self.mutual_friends > 0,
            Some(RequestPolicy::Nobody) | None => false,
        }
    }

    /// Whether the viewer may ask for friendship now.
    pub fn can_request(&self) -> bool {
        can_see_person(self.sight())
            && self.friendship() == Friendship::None
            && self.is_open_to_requests()
    }

    /// Whether the viewer may write to them without being asked.
    pub fn can_message(&self) -> bool {
        can_see_person(self.sight())
            && match MessagePolicy::from_word(&self.who_can_message) {
                Some(MessagePolicy::Everyone) => true,
                Some(MessagePolicy::Friends) => self.are_friends,
                Some(MessagePolicy::Nobody) | None => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::kernel::ids::Id;

    fn strangers() -> Standing {
        Standing {
            user_id: UserId::from_uuid(Uuid::nil()),
            is_active: true,
            are_friends: false,
            friend_request_id: None,
            has_asked: false,
            following: false,
            followed_by: false,
            blocking: false,
            blocked_by: false,
            muted_until: None,
            mutual_friends: 0,
            who_can_request: "everyone".to_owned(),
            who_can_message: "everyone".to_owned(),
        }
    }

    #[test]
    fn a_block_either_way_or_an_inactive_account_hides_a_person() {
        let sight = strangers().sight();
        assert!(can_see_person(sight));
        for hidden in [
            Sight {
                is_active: false,
                ..sight
            },
            Sight {
                is_blocked_by_viewer: true,
                ..sight
            },
            Sight {
                has_blocked_viewer: true,
                ..sight
            },
        ] {
            assert!(!can_see_person(hidden), "{hidden:?}");
        }
    }

    #[test]
    fn who_may_ask_is_the_setting_of_the_one_who_is_asked() {
        let of = |word: &str, mutual_friends| Standing {
            who_can_request: word.to_owned(),
            mutual_friends,
            ..strangers()
        };
        assert!(of("everyone", 0).can_request());
        assert!(!of("friends_of_friends", 0).can_request());
        assert!(of("friends_of_friends", 1).can_request());
        assert!(!of("nobody", 1).can_request());
        let friends = Standing {
            are_friends: true,
            ..strangers()
        };
        assert!(!friends.can_request());
        let blocked = Standing {
            blocked_by: true,
            ..strangers()
        };
        assert!(!blocked.can_request() && !blocked.can_message());
    }

    #[test]
    fn who_may_write_is_the_setting_of_the_one_who_is_written_to() {
        let of = |word: &str, are_friends| Standing {
            who_can_message: word.to_owned(),
            are_friends,
            ..strangers()
        };
        assert!(of("everyone", false).can_message());
        assert!(!of("friends", false).can_message());
        assert!(of("friends", true).can_message());
        assert!(!of("nobody", true).can_message());
    }

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
