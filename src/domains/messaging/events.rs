//! What conversations tell the domains to the right.

use serde::{Deserialize, Serialize};

use crate::infra::jobs::Registry;
use crate::infra::outbox::Event;
use crate::kernel::{ConversationId, MessageId, UserId};

/// Somebody has written a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageCreated {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The message.
    pub message_id: MessageId,
    /// Who wrote it.
    pub author_id: UserId,
    /// Its place in the conversation.
    pub seq: i64,
}

/// A stranger has written to somebody for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRequested {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Who wrote.
    pub sender_id: UserId,
    /// To whom.
    pub recipient_id: UserId,
}

/// Somebody was added to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupInvited {
    /// The group.
    pub conversation_id: ConversationId,
    /// Who added them.
    pub inviter_id: UserId,
    /// Who was added.
    pub invitee_id: UserId,
    /// Whether they are asked first, because the two are no friends.
    pub is_request: bool,
}

/// Something else has changed that lists of conversations show: who is in one, its title, an edited
/// or deleted message, how far somebody has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationChanged {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// For whom; `None` for everybody who is in it.
    pub user_id: Option<UserId>,
    /// The place of the message that came or went with it.
    #[serde(default)]
    pub seq: Option<i64>,
}

impl Event for MessageCreated {
    const NAME: &'static str = "message.created";
}

impl Event for MessageRequested {
    const NAME: &'static str = "message.requested";
}

impl Event for GroupInvited {
    const NAME: &'static str = "group.invited";
}

impl Event for ConversationChanged {
    const NAME: &'static str = "conversation.changed";
}

/// Makes the events of messaging known.
pub fn events<C>(registry: Registry<C>) -> Registry<C> {
    registry
        .knows::<MessageCreated>()
        .knows::<MessageRequested>()
        .knows::<GroupInvited>()
        .knows::<ConversationChanged>()
}
