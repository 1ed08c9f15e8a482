//! What relations tell the domains to their right.

use serde::{Deserialize, Serialize};

use crate::infra::jobs::Registry;
use crate::infra::outbox::Event;
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

/// Somebody asks for friendship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendRequested(pub RequestRef);

impl Event for FriendRequested {
    const NAME: &'static str = "friend.requested";
}

/// A request is accepted, and the two are friends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendAccepted(pub RequestRef);

impl Event for FriendAccepted {
    const NAME: &'static str = "friend.accepted";
}

/// A request is declined or taken back, or a block has ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendRequestClosed {
    /// The request.
    pub friend_request_id: FriendRequestId,
}

impl Event for FriendRequestClosed {
    const NAME: &'static str = "friend.request-closed";
}

/// What lies between two people is not what it was: friendship, requests, follows, blocks, mutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelationshipChanged {
    /// Who changed it.
    pub user_id: UserId,
    /// The other one.
    pub other_id: UserId,
    /// Whether it is the affair of the first alone, as a mute is, and nothing to tell the other of.
    pub is_private: bool,
}

impl Event for RelationshipChanged {
    const NAME: &'static str = "relationship.changed";
}

/// Makes the events of relations known.
pub fn events<C>(registry: Registry<C>) -> Registry<C> {
    registry
        .knows::<FriendRequested>()
        .knows::<FriendAccepted>()
        .knows::<FriendRequestClosed>()
        .knows::<RelationshipChanged>()
}
