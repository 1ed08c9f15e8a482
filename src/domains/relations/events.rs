//! What relations tell the domains to their right.

use serde::{Deserialize, Serialize};

use crate::infra::outbox::events;
use crate::kernel::{FriendRequestId, UserId};

/// Which request for friendship it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRef {
    /// The request.
    pub friend_request_id: FriendRequestId,
    /// Who asked.
    pub sender_id: UserId,
    /// Who was asked.
    pub recipient_id: UserId,
}

events! {
    /// Somebody asks for friendship.
    FriendRequested(RequestRef) = "friend.requested",

    /// A request is accepted, and the two are friends.
    FriendAccepted(RequestRef) = "friend.accepted",

    /// A request is declined or taken back, or a block has ended it.
    FriendRequestClosed {
        /// The request.
        pub friend_request_id: FriendRequestId,
    } = "friend.request-closed",

    /// What lies between two people is not what it was: friendship, requests, follows, blocks, mutes.
    RelationshipChanged {
        /// Who changed it.
        pub user_id: UserId,
        /// The other one.
        pub other_id: UserId,
        /// Whether it is the affair of the first alone, as a mute is, and nothing to tell the other of.
        pub is_private: bool,
    } = "relationship.changed",
}
