//! What is cached of conversations.
//!
//! What is the same for everybody in a conversation has entries under its id. What it is to one
//! person, their part in it and how much they have not read, lies under both ids and is read by
//! nobody else.

use std::time::Duration;

use smallvec::smallvec;

use super::model::{ConversationEntry, Member, Membership, MessageEntry, Receipt, Waiting, Window};
use super::store;
use crate::domains::users;
use crate::infra::cache::{Described, Kind, Policy, Space, Value};
use crate::kernel::{ConversationId, MessageId, UserId};

/// The spaces of this domain.
pub const SPACES: &[Described] = &[
    CONVERSATION.described(),
    MEMBERS.described(),
    MEMBERSHIP.described(),
    RECEIPTS.described(),
    UNREAD.described(),
    WAITING.described(),
    RECENT.described(),
    MESSAGE.described(),
];

/// Messages of a conversation that is alive are kept for a day.
const DAY: Policy = Policy::lasting(Duration::from_hours(12));

/// Conversations by id, with their newest message.
pub static CONVERSATION: Space<ConversationId, ConversationEntry> = Space {
    name: "conversation",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_hours(1)).deciding(),
    tags: |id| smallvec![format!("conversation:{id}")],
    tables: &["conversation"],
    load: |conn, ids| {
        Box::pin(async move {
            let rows = store::list_conversations(conn, ids).await?.into_iter();
            Ok(rows.map(|row| (row.conversation_id, row)).collect())
        })
    },
    walk: Some(|conn, after, limit| Box::pin(store::walk_conversations(conn, after, limit))),
};

/// Who is in a conversation or asked to it, the owner first. There are at most as many as a group
/// may have.
pub static MEMBERS: Space<ConversationId, Vec<Member>> = Space {
    name: "conversation-members",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_hours(1)),
    tags: |id| smallvec![format!("members:{id}")],
    tables: &["conversation_member"],
    load: |conn, ids| Box::pin(store::list_members(conn, ids)),
    walk: Some(|conn, after, limit| Box::pin(store::walk_conversations(conn, after, limit))),
};

/// The part of one person in a conversation, which decides whether it is there for them.
pub static MEMBERSHIP: Space<(ConversationId, UserId), Membership> = Space {
    name: "membership",
    version: 2,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_hours(1)).deciding(),
    tags: |(id, user_id)| {
        smallvec![
            format!("members:{id}"),
            format!("conversation-marks:{user_id}")
        ]
    },
    tables: &["conversation_member", "conversation_mark"],
    load: |conn, keys| Box::pin(store::list_memberships(conn, keys)),
    walk: Some(|conn, after, limit| Box::pin(store::walk_memberships(conn, after, limit))),
};

/// How far everybody in a conversation has read, as the others are told.
pub static RECEIPTS: Space<ConversationId, Vec<Receipt>> = Space {
    name: "receipts",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(30)),
    tags: |id| smallvec![format!("receipts:{id}")],
    tables: &["conversation_mark"],
    load: |conn, ids| Box::pin(store::list_receipts(conn, ids)),
    walk: Some(|conn, after, limit| Box::pin(store::walk_conversations(conn, after, limit))),
};

/// How many messages one person has not read in a conversation. It is told from the newest place of the
/// conversation too, which changes only with a message.
pub static UNREAD: Space<(ConversationId, UserId), i64> = Space {
    name: "unread",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(10)),
    tags: |(id, user_id)| {
        smallvec![
            format!("messages:{id}"),
            format!("conversation-marks:{user_id}"),
            format!("members:{id}")
        ]
    },
    tables: &["message", "conversation_mark", "conversation_member"],
    load: |conn, keys| Box::pin(store::list_unread(conn, keys)),
    walk: Some(|conn, after, limit| Box::pin(store::walk_memberships(conn, after, limit))),
};

/// How many conversations wait for a person.
pub static WAITING: Space<UserId, Waiting> = Space {
    name: "waiting-conversations",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(10)),
    tags: |user_id| {
        smallvec![
            format!("waiting:{user_id}"),
            format!("conversation-marks:{user_id}"),
            format!("relations:{user_id}")
        ]
    },
    tables: &[
        "message",
        "conversation_mark",
        "conversation_member",
        "block",
    ],
    load: |conn, ids| Box::pin(store::list_waiting(conn, ids)),
    walk: Some(|conn, after, limit| Box::pin(users::walk_accounts(conn, after, limit))),
};

/// The last hundred messages of a conversation, by id; their words have entries of their own.
pub static RECENT: Space<ConversationId, Window> = Space {
    name: "recent-messages",
    version: 1,
    kind: Kind::Exact,
    policy: DAY,
    tags: |id| smallvec![format!("messages:{id}")],
    tables: &["message"],
    load: |conn, ids| Box::pin(store::list_windows(conn, ids)),
    walk: Some(|conn, after, limit| Box::pin(store::walk_conversations(conn, after, limit))),
};

/// Messages by id, deleted ones too. Who sees one depends on its conversation, and is judged at
/// each read.
pub static MESSAGE: Space<MessageId, MessageEntry> = Space {
    name: "message",
    version: 1,
    kind: Kind::Exact,
    policy: DAY.deciding(),
    tags: |id| smallvec![format!("message:{id}")],
    tables: &["message"],
    load: |conn, ids| {
        Box::pin(async move {
            let rows = store::list_messages(conn, ids).await?.into_iter();
            Ok(rows.map(|row| (row.message_id, row)).collect())
        })
    },
    walk: Some(|conn, after, limit| Box::pin(store::walk_messages(conn, after, limit))),
};

impl Value for ConversationEntry {}

impl Value for Vec<Member> {
    fn weight(&self) -> usize {
        size_of::<Member>() * self.len() + size_of::<Self>()
    }
}

impl Value for Membership {
    fn weight(&self) -> usize {
        self.left_title.as_ref().map_or(0, String::len) + size_of::<Self>()
    }
}

impl Value for Vec<Receipt> {
    fn weight(&self) -> usize {
        size_of::<Receipt>() * self.len() + size_of::<Self>()
    }
}

impl Value for Waiting {}

impl Value for Window {
    fn weight(&self) -> usize {
        16 * self.ids.len() + size_of::<Self>()
    }
}

impl Value for MessageEntry {
    fn weight(&self) -> usize {
        self.content.len() + size_of::<Self>()
    }
}
