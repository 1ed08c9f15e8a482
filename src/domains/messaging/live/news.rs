//! What is told in a conversation when something is done there. All of it is appended to the
//! conversation's own stream.

use serde_json::{Value, json};
use uuid::Uuid;

use super::topic::NAME;
use crate::domains::messaging::view::Message;
use crate::domains::reactions::Kind;
use crate::kernel::ids::Id as _;
use crate::kernel::{ConversationId, MessageId, UserId};
use crate::platform::Tx;
use crate::platform::realtime::{Channel, News, Signal};

pub const CREATED: &str = "message.created";
pub const EDITED: &str = "message.edited";
pub const DELETED: &str = "message.deleted";
pub const READ: &str = "message.read";
pub const REACTED: &str = "reaction.added";
pub const UNREACTED: &str = "reaction.removed";
pub const UPDATED: &str = "conversation.updated";
pub const JOINED: &str = "conversation.member_added";
pub const LEFT: &str = "conversation.member_removed";
pub const DELIVERED: &str = "message.delivered";

/// What those are spared who do not tell what they have read: it works both ways.
pub const RECEIPT_KINDS: &[&str] = &[READ];

/// What is kept of a conversation's events, and rendered anew.
pub const KINDS: &[&str] = &[
    CREATED, EDITED, DELETED, READ, REACTED, UNREACTED, UPDATED, JOINED, LEFT,
];

fn tell(
    tx: &mut Tx,
    id: ConversationId,
    kind: &'static str,
    (actor, object_id): (UserId, Option<Uuid>),
    detail: Value,
) {
    tx.publish(news(id, kind, (actor, object_id), detail));
}

fn news(
    id: ConversationId,
    kind: &'static str,
    (actor, object_id): (UserId, Option<Uuid>),
    detail: Value,
) -> News {
    News {
        channel: Channel::new(NAME, id.uuid()),
        kind,
        object_id,
        actor: Some(actor),
        detail,
    }
}

/// Tells of a message that this transaction has written and rendered.
pub fn tell_made(tx: &mut Tx, message: &Message) {
    let (id, author) = (message.conversation_id, message.author.id);
    let object = Some(message.id.uuid());
    let shown = Message {
        viewer: None,
        op_id: None,
        ..message.clone()
    };
    let d = json!({ "message": shown, "top_seq": message.seq });
    tx.publish_ready(news(id, CREATED, (author, object), Value::Null), d);
}

/// What was done to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It is new.
    Created,
    /// It says something else.
    Edited,
    /// It is gone.
    Deleted,
}

/// Tells of a message.
pub fn tell_message(
    tx: &mut Tx,
    id: ConversationId,
    done: Done,
    message_id: MessageId,
    actor: UserId,
) {
    let kind = match done {
        Done::Created => CREATED,
        Done::Edited => EDITED,
        Done::Deleted => DELETED,
    };
    tell(tx, id, kind, (actor, Some(message_id.uuid())), Value::Null);
}

/// Tells of a reaction; `kind` is that which was given, or taken back.
pub fn tell_reaction(
    tx: &mut Tx,
    id: ConversationId,
    message_id: MessageId,
    (actor, kind, given): (UserId, Kind, bool),
) {
    let word = if given { REACTED } else { UNREACTED };
    let detail = json!({ "kind": kind });
    tell(tx, id, word, (actor, Some(message_id.uuid())), detail);
}

/// Tells how far somebody has read.
pub fn tell_reading(tx: &mut Tx, id: ConversationId, me: UserId, up_to: i64) {
    tell(tx, id, READ, (me, None), json!({ "up_to": up_to }));
}

/// Tells that the title or a role has changed.
pub fn tell_update(tx: &mut Tx, id: ConversationId, actor: UserId) {
    tell(tx, id, UPDATED, (actor, None), Value::Null);
}

/// Tells that somebody has come.
pub fn tell_joined(tx: &mut Tx, id: ConversationId, actor: UserId, user_id: UserId) {
    let object = Some(user_id.uuid());
    tell(tx, id, JOINED, (actor, object), Value::Null);
}

/// Tells that somebody is gone, which ends their subscription.
pub fn tell_left(tx: &mut Tx, id: ConversationId, actor: UserId, user_id: UserId) {
    let object = Some(user_id.uuid());
    let detail = json!({ "removed": user_id });
    tell(tx, id, LEFT, (actor, object), detail);
}

/// Tells how far messages have reached somebody, of which only the latest counts.
pub fn tell_arrival(tx: &mut Tx, id: ConversationId, me: UserId, (up_to, top_seq): (i64, i64)) {
    let d = json!({ "user_id": me, "up_to": up_to, "top_seq": top_seq });
    let arrived = Signal::state(Channel::new(NAME, id.uuid()), DELIVERED, d);
    tx.signal(arrived.keyed(&me).by(me));
}
