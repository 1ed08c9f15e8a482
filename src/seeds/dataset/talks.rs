//! Conversations of a data set.

use crate::domains::messaging::{MemberRole, MemberState};
use crate::kernel::{ConversationId, MessageId, Timestamp, UserId};

/// A conversation of two people, or of a group if it has a title.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// What a group is called by now.
    pub title: Option<&'static str>,
    /// Counts changes of the title.
    pub version: i64,
    /// Who is, was or is asked to be in it; of a group, the owner first.
    pub seats: Vec<Seat>,
    /// What was said, oldest first.
    pub messages: Vec<Message>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Somebody's part in a conversation.
#[derive(Debug, Clone, Copy)]
pub struct Seat {
    /// Who.
    pub user: UserId,
    /// Who took them in: into a group, or, of somebody who is asked, into a conversation of two.
    pub invited_by: Option<UserId>,
    /// What they may do.
    pub role: MemberRole,
    /// Active, asked by a stranger, or gone.
    pub state: MemberState,
    /// Since when.
    pub joined_at: Timestamp,
    /// How they went, if they are gone.
    pub left: Option<Departure>,
    /// What the conversation is to them alone.
    pub marks: Marks,
}

/// What a group was when somebody left it.
#[derive(Debug, Clone, Copy)]
pub struct Departure {
    /// The place of the message that tells it.
    pub seq: usize,
    /// When.
    pub at: Timestamp,
    /// What the group was called.
    pub title: &'static str,
    /// Its version.
    pub version: i64,
}

/// What a conversation is to one person alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Marks {
    /// How many messages they have read.
    pub read_up_to: usize,
    /// How many of these the others know of.
    pub shown_up_to: usize,
    /// How many have reached them.
    pub delivered_up_to: usize,
    /// How many are gone for them.
    pub cleared_up_to: usize,
    /// Until when it is quiet.
    pub muted_until: Option<Timestamp>,
    /// Whether they have put it away.
    pub archived: bool,
    /// Whether they keep it on top.
    pub pinned: bool,
}

/// What a system message tells, in the words of its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// The author made the group.
    Created,
    /// The author gave it another title.
    Titled,
    /// The author added somebody.
    Added(UserId),
    /// The author accepted to be in it.
    Joined,
    /// The author removed somebody.
    Removed(UserId),
    /// The author left.
    Left,
}

impl Deed {
    /// The word, and to whom it was done.
    pub fn parts(self) -> (&'static str, Option<UserId>) {
        match self {
            Self::Created => ("created", None),
            Self::Titled => ("titled", None),
            Self::Added(user) => ("added", Some(user)),
            Self::Joined => ("joined", None),
            Self::Removed(user) => ("removed", Some(user)),
            Self::Left => ("left", None),
        }
    }
}

/// A message.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Who wrote it, or did what it tells.
    pub author: UserId,
    /// What it says, or the title that it tells of.
    pub content: String,
    /// What it tells, if nobody wrote it.
    pub deed: Option<Deed>,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was edited.
    pub edited_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}
