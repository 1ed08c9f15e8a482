//! What people are told of, how it is grouped, and where it may go.

mod group;
mod keys;
mod preference;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use group::{Group, Item, Subject};
pub use keys::{read_unsubscribe_token, unsubscribe_token, vapid_keys};
pub use preference::{Channel, Preference, Preferences};

/// What a notification is about.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(as = NotificationKind)]
pub enum Kind {
    /// Somebody asks for friendship.
    FriendRequest,
    /// Somebody has accepted a request.
    FriendAccepted,
    /// Somebody has commented on a post of yours.
    Comment,
    /// Somebody has answered a comment of yours.
    Reply,
    /// Somebody has reacted to something of yours.
    Reaction,
    /// Somebody has called you by `@name`.
    Mention,
    /// Somebody has shared a post of yours.
    Share,
    /// A stranger has written.
    MessageRequest,
    /// Somebody has taken you into a group.
    GroupInvitation,
}

impl Kind {
    /// Every kind, in the order in which preferences are listed.
    pub const ALL: &[Self] = &[
        Self::FriendRequest,
        Self::FriendAccepted,
        Self::Comment,
        Self::Reply,
        Self::Reaction,
        Self::Mention,
        Self::Share,
        Self::MessageRequest,
        Self::GroupInvitation,
    ];

    /// The word in SQL and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FriendRequest => "friend_request",
            Self::FriendAccepted => "friend_accepted",
            Self::Comment => "comment",
            Self::Reply => "reply",
            Self::Reaction => "reaction",
            Self::Mention => "mention",
            Self::Share => "share",
            Self::MessageRequest => "message_request",
            Self::GroupInvitation => "group_invitation",
        }
    }

    /// Reads the word; `None` for any other.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }

    /// Which lane its deliveries take: what somebody says to the person goes first.
    pub fn lane(self) -> Lane {
        match self {
            Self::Mention | Self::Reply | Self::MessageRequest | Self::GroupInvitation => {
                Lane::High
            }
            Self::FriendRequest
            | Self::FriendAccepted
            | Self::Comment
            | Self::Reaction
            | Self::Share => Lane::Normal,
        }
    }

    /// What a person is mailed about unless they say otherwise: people who want to know them, and
    /// who are not told of in the applications that they have open.
    pub fn is_mailed_by_default(self) -> bool {
        matches!(self, Self::FriendRequest | Self::MessageRequest)
    }
}

/// Which queue a delivery waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DeliveryLane)]
pub enum Lane {
    /// What somebody says to the person.
    High,
    /// All else.
    Normal,
}

impl Lane {
    /// The word in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
        }
    }

    /// Reads the word; what is unknown is not urgent.
    pub fn from_word(word: &str) -> Self {
        if word == "high" {
            Self::High
        } else {
            Self::Normal
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_same_in_sql_and_on_the_wire() {
        for kind in Kind::ALL {
            let wire = serde_json::to_value(kind).expect("JSON");
            assert_eq!(wire, kind.as_str());
            assert_eq!(Kind::from_word(kind.as_str()), Some(*kind));
        }
        assert_eq!(Kind::from_word("boo"), None);
    }
}
