//! Actions with what they answer, which is the same to a request and to a frame.

use super::marks::{mark_delivered, mark_read};
use super::messages::{delete_message, set_reaction, update_message};
use crate::domains::messaging::live;
use crate::domains::messaging::model::{Delivered, MessageChange, Read};
use crate::domains::messaging::view::{self, ConversationState, MessageState};
use crate::domains::reactions::Kind;
use crate::kernel::{ConversationId, Error, MessageId, Result, UserId};
use crate::platform::http::IfMatch;
use crate::platform::sessions::CurrentUser;
use crate::platform::{Answer, Tx};

/// Changes a message.
pub async fn message_edited(
    tx: &mut Tx,
    me: CurrentUser,
    message_id: MessageId,
    change: &MessageChange,
    if_match: IfMatch,
) -> Result<Answer> {
    update_message(tx, me.id, message_id, change, if_match).await?;
    let body = view::message(&mut tx.reads(), me.viewer(), message_id).await?;
    Answer::versioned(body.version, &body)
}

/// Deletes a message.
pub async fn message_deleted(
    tx: &mut Tx,
    me: CurrentUser,
    message_id: MessageId,
) -> Result<Answer> {
    delete_message(tx, me.id, message_id).await?;
    Ok(Answer::nothing())
}

/// Sets a reaction, or takes it back.
pub async fn reacted(
    tx: &mut Tx,
    me: CurrentUser,
    message_id: MessageId,
    kind: Option<Kind>,
) -> Result<Answer> {
    set_reaction(tx, me.id, message_id, kind).await?;
    let message = view::message(&mut tx.reads(), me.viewer(), message_id).await?;
    Answer::ok(&MessageState::from(message))
}

/// Moves how far somebody has read.
pub async fn marked_read(
    tx: &mut Tx,
    me: CurrentUser,
    id: ConversationId,
    read: Read,
) -> Result<Answer> {
    let did_wait = mark_read(tx, me.id, id, read).await?;
    let state = state_now(tx, me.id, id).await?;
    if did_wait && state.unread == 0 {
        tx.tell_counts(me.id);
    }
    Answer::ok(&state)
}

/// Moves how far messages have reached somebody.
pub async fn marked_delivered(
    tx: &mut Tx,
    me: CurrentUser,
    id: ConversationId,
    delivered: Delivered,
) -> Result<Answer> {
    mark_delivered(tx, me.id, id, delivered).await?;
    Answer::ok(&state_now(tx, me.id, id).await?)
}

/// What a conversation is to somebody who has just changed that; their other devices are told.
pub async fn state_now(tx: &mut Tx, me: UserId, id: ConversationId) -> Result<ConversationState> {
    let now = tx.now();
    let conversation = view::conversation(&mut tx.reads(), me, id, now).await?;
    live::tell_own(tx, me, &conversation);
    ConversationState::of(&conversation).ok_or_else(Error::not_found)
}
