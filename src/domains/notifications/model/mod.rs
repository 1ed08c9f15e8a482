//! What people are told of, how it is grouped, and where it may go.

mod entry;
mod group;
mod happening;
mod keys;
mod preference;

use crate::words;

pub use entry::{HOT, Hot, Marks};
pub use group::{Group, Item, Subject};
pub use happening::{Deed, Happening, concerned_by_comment, concerned_by_post};
pub use keys::{read_unsubscribe_token, unsubscribe_token, vapid_keys};
pub use preference::{Channel, Preference, Preferences};

words! {
    /// What a notification is about.
    #[schema(as = NotificationKind)]
    pub enum Kind {
        /// Somebody asks for friendship.
        FriendRequest = "friend_request",
        /// Somebody has accepted a request.
        FriendAccepted = "friend_accepted",
        /// Somebody has commented on a post of yours.
        Comment = "comment",
        /// Somebody has answered a comment of yours.
        Reply = "reply",
        /// Somebody has reacted to something of yours.
        Reaction = "reaction",
        /// Somebody has called you by `@name`.
        Mention = "mention",
        /// Somebody has shared a post of yours.
        Share = "share",
        /// A stranger has written.
        MessageRequest = "message_request",
        /// Somebody has taken you into a group.
        GroupInvitation = "group_invitation",
    }
}

impl Kind {
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

words! {
    /// Which queue a delivery waits in.
    #[schema(as = DeliveryLane)]
    pub enum Lane {
        /// What somebody says to the person.
        High = "high",
        /// All else.
        Normal = "normal",
    }
}

words! {
    /// How a delivery stands.
    pub enum DeliveryState {
        /// It is to be carried, perhaps once more.
        Waiting = "waiting",
        /// It was handed over.
        Sent = "sent",
        /// Nothing was left to tell, or nobody there to tell it to.
        Cancelled = "cancelled",
        /// It failed as often as it may.
        Dead = "dead",
    }
}

words! {
    /// How a device is pushed to.
    pub enum PushKind {
        /// Web Push (RFC 8030).
        Webpush = "webpush",
    }
}
