//! Answers to strangers.

use super::{forbidden, hold, note_change, tell_in};
use crate::domains::messaging::model::{Action, ConversationKind, MemberState};
use crate::domains::messaging::store::{self, Facts};
use crate::kernel::{Code, ConversationId, Error, Result, UserId};
use crate::platform::Tx;

/// Accepts to be in a conversation; again, it changes nothing.
pub async fn accept(tx: &mut Tx, me: UserId, id: ConversationId) -> Result<()> {
    let facts = hold(tx, me, id).await?;
    match facts.state {
        MemberState::Request => enter(tx, me, &facts).await,
        MemberState::Left => Err(forbidden("You have left this conversation.")),
        _ => Ok(()),
    }
}

/// Declines to be in a conversation, which is as if there were none; again, it changes nothing. The
/// others are not told.
pub async fn decline(tx: &mut Tx, me: UserId, id: ConversationId) -> Result<()> {
    store::lock_conversation(tx.conn(), me, id).await?;
    let part = store::find_part(tx.conn(), id, me).await?;
    match part.map(|part| part.state) {
        Some(MemberState::Declined) => Ok(()),
        Some(MemberState::Request) => {
            hold(tx, me, id).await?;
            store::update_state(tx.conn(), id, me, MemberState::Declined).await
        }
        Some(MemberState::Active | MemberState::Left) => {
            hold(tx, me, id).await?;
            Err(Code::RequestClosed.into())
        }
        Some(MemberState::Unseen) | None => Err(Error::not_found()),
    }
}

/// Lets somebody in who was asked. The caller holds the conversation.
pub(super) async fn enter(tx: &mut Tx, me: UserId, facts: &Facts) -> Result<()> {
    let id = facts.conversation_id;
    store::update_state(tx.conn(), id, me, MemberState::Active).await?;
    if facts.kind == ConversationKind::Group {
        tell_in(tx, id, me, (Action::Joined, None), "").await?;
    }
    note_change(tx, id).await
}
