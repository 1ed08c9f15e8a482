//! Writing a message.

use super::requests::enter;
use super::{forbidden, hold};
use crate::domains::messaging::events::{MessageCreated, MessageRequested};
use crate::domains::messaging::live;
use crate::domains::messaging::model::{
    Bounds, MemberState, MessageEntry, NewMessage, can_write, takes_messages,
};
use crate::domains::messaging::store::{self, Counterpart, Facts, NewRow};
use crate::domains::messaging::view::{self, Message};
use crate::kernel::{ConversationId, Error, MessageId, Result, UserId};
use crate::platform::Tx;

/// Writes a message, which gets the next place of the conversation, and tells it as `me` is answered.
/// Whoever was asked to the conversation accepts by that.
pub async fn send_message(
    tx: &mut Tx,
    me: UserId,
    id: ConversationId,
    new: &NewMessage,
) -> Result<Message> {
    let made = write(tx, me, id, new).await?;
    let message = view::fresh(&mut tx.reads(), made).await?;
    live::tell_made(tx, &message);
    Ok(message)
}

async fn write(
    tx: &mut Tx,
    me: UserId,
    id: ConversationId,
    new: &NewMessage,
) -> Result<MessageEntry> {
    let facts = hold(tx, me, id).await?;
    if facts.state == MemberState::Left {
        return Err(forbidden("You have left this conversation."));
    }
    if let Some(other) = facts.other(me) {
        reach(tx, me, &facts, other).await?;
    }
    if facts.state == MemberState::Request {
        enter(tx, me, &facts).await?;
    }
    if let Some(reply_to) = new.reply_to {
        guard_answer(tx, &facts, reply_to).await?;
    }
    let (message_id, now, op_id) = (tx.new_id(), tx.now(), tx.op_id().map(str::to_owned));
    let row = NewRow {
        message_id,
        conversation_id: id,
        author_id: me,
        content: new.content.as_str(),
        action: None,
        subject_id: None,
        reply_to_id: new.reply_to,
        op_id: op_id.as_deref(),
    };
    let made = store::insert_message(tx.conn(), &row, now).await?;
    tx.emit(&MessageCreated {
        conversation_id: id,
        message_id,
        author_id: me,
        seq: made.seq,
    })?;
    Ok(made)
}

/// Lets the other one of a direct conversation have it from the first message on: from a friend at
/// once, from a stranger as a request.
async fn reach(tx: &mut Tx, me: UserId, facts: &Facts, other: UserId) -> Result<()> {
    let id = facts.conversation_id;
    let Counterpart { state, contact } =
        store::find_counterpart(tx.conn(), id, (me, other)).await?;
    let state = state.unwrap_or(MemberState::Unseen);
    let are_friends = contact.as_ref().is_some_and(|contact| contact.are_friends);
    let takes = contact
        .as_ref()
        .is_some_and(|contact| takes_messages(&contact.who_can_message, are_friends));
    if !can_write(facts.state, Some((state, contact.is_some(), takes))) {
        return Err(forbidden("This person does not take your messages."));
    }
    if state != MemberState::Unseen {
        return Ok(());
    }
    if are_friends {
        return store::update_state(tx.conn(), id, other, MemberState::Active).await;
    }
    store::update_state(tx.conn(), id, other, MemberState::Request).await?;
    tx.emit(&MessageRequested {
        conversation_id: id,
        sender_id: me,
        recipient_id: other,
    })
}

/// Refuses an answer to what is no message of this conversation that can be seen and answered.
async fn guard_answer(tx: &mut Tx, facts: &Facts, reply_to: MessageId) -> Result<()> {
    let bounds = Bounds {
        floor: facts.cleared_up_to,
        top: i64::MAX,
    };
    let found = store::find_message(tx.conn(), reply_to).await?;
    let is_there = found.is_some_and(|message| {
        let is_here = message.conversation_id == facts.conversation_id;
        is_here && bounds.has(message.seq) && !message.deleted && message.action.is_none()
    });
    if is_there {
        return Ok(());
    }
    Err(Error::invalid_field(
        "/reply_to",
        "not_found",
        "There is no such message in this conversation that you can answer.",
    ))
}
