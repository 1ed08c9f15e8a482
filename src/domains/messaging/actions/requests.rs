//! Answers to strangers.

use super::owners::take_ownerless;
use super::{forbidden, hold, note_change, note_in, note_own_change};
use crate::domains::messaging::live::{self, Done};
use crate::domains::messaging::model::{Action, ConversationKind, MemberState};
use crate::domains::messaging::store::{self, Facts};
use crate::kernel::{Code, ConversationId, Error, Result, UserId};
use crate::platform::Tx;

/// Accepts to be in a conversation; again, it changes nothing.
pub async fn accept_conversation(tx: &mut Tx, me: UserId, id: ConversationId) -> Result<()> {
    let facts = hold(tx, me, id).await?;
    match facts.state {
        MemberState::Request => enter(tx, me, &facts).await,
        MemberState::Left => Err(forbidden("You have left this conversation.")),
        _ => Ok(()),
    }
}

/// Declines to be in a conversation, which is as if there were none; again, it changes nothing. Of two
/// the other one is not told.
pub async fn decline_conversation(tx: &mut Tx, me: UserId, id: ConversationId) -> Result<()> {
    store::lock_conversations(tx.conn(), &[(me, id)]).await?;
    let part = store::find_part(tx.conn(), id, me).await?;
    match part.map(|part| part.state) {
        Some(MemberState::Declined) => Ok(()),
        Some(MemberState::Request) => {
            let facts = hold(tx, me, id).await?;
            refuse(tx, (me, me), &facts).await
        }
        Some(MemberState::Active | MemberState::Left) => {
            hold(tx, me, id).await?;
            Err(Code::RequestClosed.into())
        }
        Some(MemberState::Unseen) | None => Err(Error::not_found()),
    }
}

/// Keeps somebody out who was asked: `actor` does, who is that person or manages the group. The caller holds
/// the conversation.
pub(super) async fn refuse(
    tx: &mut Tx,
    (actor, user_id): (UserId, UserId),
    facts: &Facts,
) -> Result<()> {
    let id = facts.conversation_id;
    store::update_state(tx.conn(), id, user_id, MemberState::Declined).await?;
    tx.tell_counts(user_id);
    if facts.kind == ConversationKind::Direct {
        return Ok(());
    }
    note_change(tx, id, None)?;
    note_own_change(tx, id, user_id)?;
    live::tell_left(tx, id, actor, user_id);
    Ok(())
}

/// Lets somebody in who was asked. The caller holds the conversation. Of two the other one is not
/// told.
pub(super) async fn enter(tx: &mut Tx, me: UserId, facts: &Facts) -> Result<()> {
    let id = facts.conversation_id;
    store::update_state(tx.conn(), id, me, MemberState::Active).await?;
    if facts.kind == ConversationKind::Direct {
        return note_own_change(tx, id, me);
    }
    take_ownerless(tx, me, id).await?;
    let said = note_in(tx, id, me, (Action::Joined, None), "").await?;
    tx.tell_counts(me);
    note_change(tx, id, Some(said.seq))?;
    live::tell_message(tx, id, Done::Created, said.message_id, me);
    live::tell_joined(tx, id, me, me);
    Ok(())
}
