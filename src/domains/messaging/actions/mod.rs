//! What people do in conversations: hold the conversation, guard, change, tell.

mod answers;
mod marks;
mod members;
mod messages;
mod open;
mod owners;
mod pace;
mod requests;
mod send;
mod title;

pub use answers::{
    marked_delivered, marked_read, message_deleted, message_edited, reacted, state_now,
};
pub use marks::change_mine;
pub use members::{add_member, give_role, remove_member};
pub use open::{Opened, open_conversation};
pub use owners::hand_over_group;
pub use pace::{guard_adding_pace, guard_group_pace, guard_pace};
pub use requests::{accept_conversation, decline_conversation};
pub use send::Outgoing;
pub use title::rename_conversation;

use super::events::ConversationChanged;
use super::model::{Action, ConversationKind, MemberState};
use super::store::{self, Contact, Facts, NewRow};
use crate::kernel::{Code, ConversationId, Error, MessageId, Result, UserId};
use crate::platform::Tx;

/// Holds a conversation that is there for `me`, and reads it afterwards: what was true before may
/// have changed while others held it.
async fn hold(tx: &mut Tx, me: UserId, id: ConversationId) -> Result<Facts> {
    store::lock_conversations(tx.conn(), &[(me, id)]).await?;
    let found = store::find_facts(tx.conn(), me, id).await?;
    found.ok_or_else(Error::not_found)
}

/// The same for what takes somebody who is in it.
async fn hold_active(tx: &mut Tx, me: UserId, id: ConversationId) -> Result<Facts> {
    let facts = hold(tx, me, id).await?;
    match facts.state {
        MemberState::Active => Ok(facts),
        MemberState::Left => Err(forbidden("You have left this conversation.")),
        _ => Err(forbidden("Accept the request first.")),
    }
}

/// Refuses what only makes sense in a group.
fn guard_group(facts: &Facts) -> Result<()> {
    match facts.kind {
        ConversationKind::Group => Ok(()),
        ConversationKind::Direct => Err(forbidden(
            "A conversation of two stays one of two. Open a new one with more people.",
        )),
    }
}

/// How somebody comes into a conversation with a person who has reached out to them: a friend at
/// once, a stranger by request, unless they want neither.
fn entrance(contact: &Contact) -> Result<MemberState> {
    if !super::model::takes_messages(contact.who_can_message, contact.are_friends) {
        return Err(forbidden("This person does not take your messages."));
    }
    Ok(if contact.are_friends {
        MemberState::Active
    } else {
        MemberState::Request
    })
}

/// A message that was written.
#[derive(Debug, Clone, Copy)]
struct Said {
    message_id: MessageId,
    seq: i64,
}

/// Writes down in a conversation, which the caller holds, what `author_id` has done.
async fn note_in(
    tx: &mut Tx,
    id: ConversationId,
    author_id: UserId,
    (action, subject_id): (Action, Option<UserId>),
    content: &str,
) -> Result<Said> {
    let (message_id, now) = (tx.new_id(), tx.now());
    let row = NewRow {
        message_id,
        conversation_id: id,
        author_id,
        content,
        action: Some(action),
        subject_id,
        reply_to_id: None,
        op_id: None,
    };
    let made = store::insert_messages(tx.conn(), &[row], now).await?.pop();
    let seq = made.ok_or_else(Error::not_found)?.seq;
    Ok(Said { message_id, seq })
}

/// Has the lists of everybody in a conversation show what has changed: with the message at `seq`, which
/// came or went, if there is one.
fn note_change(tx: &mut Tx, conversation_id: ConversationId, seq: Option<i64>) -> Result<()> {
    tx.emit(&ConversationChanged {
        conversation_id,
        user_id: None,
        seq,
    })
}

/// Has the list of somebody alone show what has changed, and tells them how much waits for them.
fn note_own_change(tx: &mut Tx, conversation_id: ConversationId, user_id: UserId) -> Result<()> {
    tx.tell_counts(user_id);
    tx.emit(&ConversationChanged {
        conversation_id,
        user_id: Some(user_id),
        seq: None,
    })
}

fn forbidden(detail: &'static str) -> Error {
    Error::new(Code::Forbidden, detail)
}
