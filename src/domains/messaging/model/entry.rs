//! Conversations, members and messages as they are stored and cached.

use serde::{Deserialize, Serialize};

use super::{Action, ConversationKind, MemberRole, MemberState, MessageKind};
use crate::kernel::{ConversationId, MessageId, Timestamp, UserId};

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationEntry {
    /// Its id.
    pub conversation_id: ConversationId,
    /// How many talk with each other.
    pub kind: ConversationKind,
    /// The two of a direct one, smaller id first.
    pub lower_id: Option<UserId>,
    /// The other of the two.
    pub higher_id: Option<UserId>,
    /// What a group is called.
    pub title: Option<String>,
    /// The `seq` of the newest message; nought before the first.
    pub top_seq: i64,
    /// The newest message.
    pub last_message_id: Option<MessageId>,
    /// Counts changes of the title.
    pub version: i64,
    /// When something was last said, or the title changed.
    pub updated_at: Timestamp,
}

impl ConversationEntry {
    /// With whom `me` talks in a direct conversation.
    pub fn other(&self, me: UserId) -> Option<UserId> {
        let (lower, higher) = (self.lower_id?, self.higher_id?);
        Some(if lower == me { higher } else { lower })
    }
}

/// Somebody who is in a conversation, or is asked to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who it is.
    pub user_id: UserId,
    /// What they may do.
    pub role: MemberRole,
    /// How they are in it; never `left`.
    pub state: MemberState,
    /// Since when.
    pub joined_at: Timestamp,
}

/// What a conversation is to one person alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// What they may do.
    pub role: MemberRole,
    /// How they are in it.
    pub state: MemberState,
    /// The last message that they see after they left.
    pub left_seq: Option<i64>,
    /// Since when they are no longer in it.
    pub left_at: Option<Timestamp>,
    /// What the group was called when they left it.
    pub left_title: Option<String>,
    /// Its version then.
    pub left_version: Option<i64>,
    /// How far they have read.
    pub read_up_to: i64,
    /// Messages up to this one are gone for them.
    pub cleared_up_to: i64,
    /// Until when it is quiet for them.
    pub muted_until: Option<Timestamp>,
    /// Whether they have put it away.
    pub archived: bool,
    /// Whether they keep it on top.
    pub pinned: bool,
}

impl Membership {
    /// The newest message that they see, of a conversation whose newest is `top`.
    pub fn top(&self, top: i64) -> i64 {
        self.left_seq.map_or(top, |left| left.min(top))
    }
}

/// How far a member has read, as the others are told, and how far messages have reached them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Whose.
    pub user_id: UserId,
    /// How far they let the others know that they have read.
    pub shown_up_to: i64,
    /// How far messages have arrived.
    pub delivered_up_to: i64,
}

/// The newest messages of a conversation, oldest first: there is no gap between them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The `seq` of the first.
    pub first: i64,
    /// The messages from there on.
    pub ids: Vec<MessageId>,
}

impl Window {
    /// How many messages are kept.
    pub const SIZE: i64 = 100;

    /// The message at `seq`, if it is one of these.
    pub fn at(&self, seq: i64) -> Option<MessageId> {
        let place = usize::try_from(seq.checked_sub(self.first)?).ok()?;
        self.ids.get(place).copied()
    }
}

/// A message. It may be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageEntry {
    /// Its id.
    pub message_id: MessageId,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Its place in the conversation.
    pub seq: i64,
    /// Who wrote it, or did what it tells.
    pub author_id: UserId,
    /// What it says.
    pub content: String,
    /// What a system message tells.
    pub action: Option<Action>,
    /// To whom that happened.
    pub subject_id: Option<UserId>,
    /// The message that it answers.
    pub reply_to_id: Option<MessageId>,
    /// The idempotency key that made it.
    pub op_id: Option<String>,
    /// Counts edits.
    pub version: i64,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub edited_at: Option<Timestamp>,
    /// Whether it was deleted.
    pub deleted: bool,
}

impl MessageEntry {
    /// Who speaks.
    pub fn kind(&self) -> MessageKind {
        match self.action {
            Some(_) => MessageKind::System,
            None => MessageKind::Text,
        }
    }
}

/// How many conversations wait for a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Those with something new, as `filter=unread` lists them.
    pub unread: i64,
    /// Those that strangers have begun, as `filter=requests` lists them.
    pub requests: i64,
}
