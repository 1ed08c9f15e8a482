//! What leaves the house of conversations and messages.

mod conversation;
mod conversations;
mod counts;
mod history;
mod members;
mod message;
mod messages;
mod seen;
mod states;

pub use conversation::{Conversation, ConversationState, MemberView};
pub use conversations::{
    conversation, conversations, conversations_page, conversations_to_each, shared_conversations,
    state,
};
pub use counts::count_waiting;
pub use history::{Wish, around, page};
pub use members::{member, members, shared_members};
pub use message::{Message, MessageState};
pub use messages::{fresh, message, messages};
pub use seen::{MembershipKey, Seen, goes_to_stranger, guard};
pub use states::states;
