//! Conversations of two people and of groups, and what is said in them.
//!
//! Owns the tables `conversation`, `conversation_member`, `conversation_mark` and `message`.
//! Invariants: any two people have one direct conversation at most, which is not there for the other
//! one before its first message; `seq` counts the messages of a conversation without a gap, in the
//! order in which they are committed, because the conversation's row is held from the numbering to
//! the commit; a deleted message stays in its place, without words; marks of reading only move
//! forward; what is not read is counted from rows.
//!
//! Who sees a conversation is written once in SQL, as `visible_conversation`, and once in Rust, as
//! `model::can_see_conversation`: whoever is in it, is asked to it, or has left it, which shows what
//! was said until then, under the title of then; a message that was edited since is as if it were deleted. Who is added to a group sees what was said before. A block hides a direct
//! conversation from both; in a group it hides nothing, and stops being added by that person.
//!
//! Locks are taken in one order by all: the conversation, the message, counters of reactions.

mod actions;
mod cache;
mod events;
mod jobs;
mod live;
mod model;
mod routes;
mod store;
mod view;

use tokio::runtime::Handle;

use crate::platform::context::Extras;
use crate::platform::write::Group;

pub use cache::{
    CONVERSATION, MEMBERS, MEMBERSHIP, MESSAGE, RECEIPTS, RECENT, SPACES, UNREAD, WAITING,
};
pub use events::{ConversationChanged, GroupInvited, MessageCreated, MessageRequested, events};
pub use jobs::jobs;
pub use live::{LIVE, RECEIPT_KINDS, changed_since};
pub use model::{
    ConversationKind, ConversationTitle, MAX_MEMBERS, MemberRole, MemberState,
    MessageContent as Content, can_see_conversation,
};
pub use routes::{LIMITS, configure};
pub use view::{
    Conversation, Message, conversation, conversations, count_waiting, message, messages, states,
};

/// What this domain keeps in the context: the messages that are written at once are written together, on
/// `runtime`.
pub fn parts(extras: Extras, runtime: Handle) -> Extras {
    extras.with(Group::<actions::Outgoing>::new(runtime))
}
