//! What lies between two people, and what follows from it.

use serde::{Deserialize, Serialize};

use super::{Friendship, Sight, can_see_person};
use crate::domains::users::{MessagePolicy, RequestPolicy};
use crate::kernel::{FriendRequestId, Timestamp, UserId};

/// A mute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Muting {
    /// Until when; `None`: for good.
    pub until: Option<Timestamp>,
}

/// What lies between a viewer and one other person, and concerns nobody else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Between {
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
    /// The viewer's mute of them, which may have ended meanwhile.
    pub mute: Option<Muting>,
}

impl Between {
    /// Until when the viewer has muted them, a mute without an end until `forever`; `None` when they
    /// are heard at `now`.
    pub fn muted_until(&self, now: Timestamp, forever: Timestamp) -> Option<Timestamp> {
        let until = self.mute.map(|mute| mute.until.unwrap_or(forever));
        until.filter(|until| *until > now)
    }
}

/// All that lies between a viewer and one other person.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The other person.
    pub user_id: UserId,
    /// Whether their account is active.
    pub is_active: bool,
    /// What lies between the two alone.
    pub between: Between,
    /// Friends of both whom the viewer may see.
    pub mutual_friends: i64,
    /// Whom they let ask for friendship.
    pub who_can_request: RequestPolicy,
    /// Whom they let write without being asked.
    pub who_can_message: MessagePolicy,
}

impl Standing {
    /// What decides whether the viewer sees them.
    pub fn sight(&self) -> Sight {
        Sight {
            is_active: self.is_active,
            is_blocked_by_viewer: self.between.blocking,
            has_blocked_viewer: self.between.blocked_by,
        }
    }

    /// How far the two are with their friendship.
    pub fn friendship(&self) -> Friendship {
        match self.between.friend_request_id {
            _ if self.between.are_friends => Friendship::Friends,
            Some(_) if self.between.has_asked => Friendship::Outgoing,
            Some(_) => Friendship::Incoming,
            None => Friendship::None,
        }
    }

    /// Whether their setting lets the viewer ask for friendship.
    pub fn is_open_to_requests(&self) -> bool {
        match self.who_can_request {
            RequestPolicy::Everyone => true,
            RequestPolicy::FriendsOfFriends => self.mutual_friends > 0,
            RequestPolicy::Nobody => false,
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
            && match self.who_can_message {
                MessagePolicy::Everyone => true,
                MessagePolicy::Friends => self.between.are_friends,
                MessagePolicy::Nobody => false,
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
            between: Between::default(),
            mutual_friends: 0,
            who_can_request: RequestPolicy::Everyone,
            who_can_message: MessagePolicy::Everyone,
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
        let of = |who_can_request, mutual_friends| Standing {
            mutual_friends,
            who_can_request,
            ..strangers()
        };
        assert!(of(RequestPolicy::Everyone, 0).can_request());
        assert!(!of(RequestPolicy::FriendsOfFriends, 0).can_request());
        assert!(of(RequestPolicy::FriendsOfFriends, 1).can_request());
        assert!(!of(RequestPolicy::Nobody, 1).can_request());
        let friends = Standing {
            between: Between {
                are_friends: true,
                ..Between::default()
            },
            ..strangers()
        };
        assert!(!friends.can_request());
        let blocked = Standing {
            between: Between {
                blocked_by: true,
                ..Between::default()
            },
            ..strangers()
        };
        assert!(!blocked.can_request() && !blocked.can_message());
    }

    #[test]
    fn who_may_write_is_the_setting_of_the_one_who_is_written_to() {
        let of = |who_can_message, are_friends| Standing {
            who_can_message,
            between: Between {
                are_friends,
                ..Between::default()
            },
            ..strangers()
        };
        assert!(of(MessagePolicy::Everyone, false).can_message());
        assert!(!of(MessagePolicy::Friends, false).can_message());
        assert!(of(MessagePolicy::Friends, true).can_message());
        assert!(!of(MessagePolicy::Nobody, true).can_message());
    }

    #[test]
    fn a_mute_ends_by_itself_and_one_without_an_end_does_not() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000).expect("an instant");
        let muted = |until| Between {
            mute: Some(Muting { until }),
            ..Between::default()
        };
        let forever = at(1_000);
        assert_eq!(
            muted(Some(at(20))).muted_until(at(19), forever),
            Some(at(20))
        );
        assert_eq!(muted(Some(at(20))).muted_until(at(20), forever), None);
        assert_eq!(muted(None).muted_until(at(20), forever), Some(forever));
        assert_eq!(Between::default().muted_until(at(20), forever), None);
    }
}
