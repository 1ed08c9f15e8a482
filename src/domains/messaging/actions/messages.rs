//! What happens to a message after it was written.

use super::{forbidden, hold, note_change};
use crate::domains::messaging::live::{self, Done};
use crate::domains::messaging::model::{Bounds, MemberState, MessageChange, can_manage};
use crate::domains::messaging::store::{self, Facts, MessageFacts};
use crate::domains::reactions::{self, Kind, Target, TargetKind};
use crate::kernel::ids::Id as _;
use crate::kernel::{Code, Error, MessageId, Result, UserId};
use crate::platform::Tx;
use crate::platform::http::IfMatch;

/// Changes what one's own message says. `if_match` guards against an edit that the client has not
/// seen.
pub async fn update_message(
    tx: &mut Tx,
    me: UserId,
    message_id: MessageId,
    change: &MessageChange,
    if_match: IfMatch,
) -> Result<()> {
    let (_, message) = hold_message(tx, me, message_id).await?;
    guard_alive(&message)?;
    if message.author_id != me {
        return Err(forbidden("Only the author of a message may edit it."));
    }
    if_match.check(message.version)?;
    let Some(content) = &change.content else {
        return Ok(());
    };
    let now = tx.now();
    if !store::update_content(tx.conn(), message_id, content.as_str(), now).await? {
        return Ok(());
    }
    let id = message.conversation_id;
    note_change(tx, id, None)?;
    live::tell_message(tx, id, Done::Edited, message_id, me);
    Ok(())
}

/// Deletes a message for everybody: its author may, and who manages the group. Its place stays.
/// Again, it changes nothing.
pub async fn delete_message(tx: &mut Tx, me: UserId, message_id: MessageId) -> Result<()> {
    let (facts, message) = hold_message(tx, me, message_id).await?;
    if message.deleted {
        return Ok(());
    }
    guard_alive(&message)?;
    if message.author_id != me && !can_manage(facts.role) {
        return Err(forbidden(
            "Only its author and those who manage the group may delete a message.",
        ));
    }
    let now = tx.now();
    store::mark_deleted(tx.conn(), message_id, now).await?;
    reactions::forget(tx.conn(), TargetKind::Message, &[message_id.uuid()]).await?;
    let id = message.conversation_id;
    note_change(tx, id, Some(message.seq))?;
    live::tell_message(tx, id, Done::Deleted, message_id, me);
    Ok(())
}

/// Sets one's reaction to a message, or takes it back with `None`.
pub async fn set_reaction(
    tx: &mut Tx,
    me: UserId,
    message_id: MessageId,
    kind: Option<Kind>,
) -> Result<()> {
    let (_, message) = hold_message(tx, me, message_id).await?;
    guard_alive(&message)?;
    let target = Target::from(message_id);
    let own = reactions::own(&mut tx.reads(), me, target.kind, &[target.id]).await?;
    let before = own.get(&target.id).copied();
    let Some(told) = kind.or(before).filter(|_| kind != before) else {
        return Ok(());
    };
    match kind {
        Some(kind) => reactions::react(tx, target, me, kind).await?,
        None => reactions::unreact(tx, target, me).await?,
    }
    let id = message.conversation_id;
    live::tell_reaction(tx, id, message_id, (me, told, kind.is_some()));
    Ok(())
}

/// Holds the conversation of a message that `me` sees, as somebody who is in it, and reads the
/// message afterwards.
async fn hold_message(
    tx: &mut Tx,
    me: UserId,
    message_id: MessageId,
) -> Result<(Facts, MessageFacts)> {
    let found = store::find_message(tx.conn(), message_id).await?;
    let id = found.ok_or_else(Error::not_found)?.conversation_id;
    let facts = hold(tx, me, id).await?;
    let message = store::find_message(tx.conn(), message_id).await?;
    let bounds = Bounds {
        floor: facts.cleared_up_to,
        top: facts.left_seq.unwrap_or(i64::MAX),
    };
    let message = message
        .filter(|message| bounds.has(message.seq))
        .ok_or_else(Error::not_found)?;
    match facts.state {
        MemberState::Active => Ok((facts, message)),
        MemberState::Left => Err(forbidden("You have left this conversation.")),
        _ => Err(forbidden("Accept the request first.")),
    }
}

/// Refuses to touch what nobody wrote, or what is deleted.
fn guard_alive(message: &MessageFacts) -> Result<()> {
    if message.action.is_some() {
        return Err(forbidden(
            "This message tells what happened; it stays as it is.",
        ));
    }
    if message.deleted {
        return Err(Error::new(Code::Gone, "This message was deleted."));
    }
    Ok(())
}
