//! What a conversation is made of, and the rules in it; pure.

mod bodies;
mod entry;
mod rules;
mod stretch;
mod words;

pub use bodies::{
    ConversationTitle, Delivered, MessageChange, MessageContent, MyChange, NewConversation,
    NewMessage, Read, RoleGiven, TitleChange, too_many_members,
};
pub use entry::{ConversationEntry, Member, Membership, MessageEntry, Receipt, Waiting, Window};
pub use rules::{
    MAX_MEMBERS, MAX_STRANGERS, MEMBERS_SHOWN, can_manage, can_remove, can_see_conversation,
    can_write, excerpt, may_be_first_news, takes_messages,
};
pub use stretch::{Bounds, SeqKey, Stretch};
pub use words::{
    Action, ConversationFilter, ConversationKind, MemberRole, MemberState, MessageKind, ShownState,
    Wanted,
};
