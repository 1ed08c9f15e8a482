//! What conversations tell the domains to the right.

use crate::infra::outbox::events;
use crate::kernel::{ConversationId, MessageId, UserId};

events! {
    /// Somebody has written a message.
    MessageCreated {
        /// The conversation.
        pub conversation_id: ConversationId,
        /// The message.
        pub message_id: MessageId,
        /// Who wrote it.
        pub author_id: UserId,
        /// Its place in the conversation.
        pub seq: i64,
    } = "message.created",

    /// A stranger has written to somebody for the first time.
    MessageRequested {
        /// The conversation.
        pub conversation_id: ConversationId,
        /// Who wrote.
        pub sender_id: UserId,
        /// To whom.
        pub recipient_id: UserId,
    } = "message.requested",

    /// Somebody was added to a group.
    GroupInvited {
        /// The group.
        pub conversation_id: ConversationId,
        /// Who added them.
        pub inviter_id: UserId,
        /// Who was added.
        pub invitee_id: UserId,
        /// Whether they are asked first, because the two are no friends.
        pub is_request: bool,
    } = "group.invited",

    /// Something else has changed that lists of conversations show: who is in one, its title, an edited
    /// or deleted message, how far somebody has read.
    ConversationChanged {
        /// The conversation.
        pub conversation_id: ConversationId,
        /// For whom; `None` for everybody who is in it.
        pub user_id: Option<UserId>,
        /// The place of the message that came or went with it.
        #[serde(default)]
        pub seq: Option<i64>,
    } = "conversation.changed",
}
