//! What people are told of conversations: that a stranger has written, and that they are in a group.

use super::super::actions::notice;
use super::super::live::Telling;
use super::super::model::{Kind, Subject};
use super::super::store::{self, Happening};
use super::handlers::write;
use crate::domains::messaging::{GroupInvited, MessageRequested};
use crate::kernel::ids::Id as _;
use crate::kernel::{ConversationId, Result, UserId};
use crate::platform::{Ctx, Tx};

/// A stranger has written.
pub async fn requested(ctx: Ctx, event: MessageRequested) -> Result<()> {
    write(&ctx, move |tx, telling| {
        let subject = Subject::Conversation(Kind::MessageRequest, event.conversation_id);
        let (whom, by) = (event.recipient_id, event.sender_id);
        Box::pin(tell(
            tx,
            telling,
            subject,
            (whom, by),
            event.conversation_id,
        ))
    })
    .await
}

/// Somebody was added to a group, or asked to come.
pub async fn invited(ctx: Ctx, event: GroupInvited) -> Result<()> {
    write(&ctx, move |tx, telling| {
        let subject = Subject::Conversation(Kind::GroupInvitation, event.conversation_id);
        let (whom, by) = (event.invitee_id, event.inviter_id);
        Box::pin(tell(
            tx,
            telling,
            subject,
            (whom, by),
            event.conversation_id,
        ))
    })
    .await
}

async fn tell(
    tx: &mut Tx,
    telling: &mut Telling,
    subject: Subject,
    (user_id, actor_id): (UserId, UserId),
    conversation_id: ConversationId,
) -> Result<()> {
    if !store::is_member(tx.conn(), conversation_id, user_id).await? {
        return Ok(());
    }
    let happening = Happening {
        user_id,
        subject,
        actor_id,
        source_id: conversation_id.uuid(),
        at: tx.now(),
    };
    notice(tx, telling, vec![happening]).await
}
