//! What people are told of conversations: that a stranger has written, and that they are in a group.

use super::super::model::{Deed, Happening, Kind, Subject};
use super::super::store;
use super::handlers::noticed;
use crate::domains::messaging::{GroupInvited, MessageRequested};
use crate::kernel::ids::Id as _;
use crate::kernel::{ConversationId, Result, UserId};
use crate::platform::{Ctx, Tx};

/// A stranger has written.
pub async fn requested(ctx: Ctx, event: MessageRequested) -> Result<()> {
    noticed(&ctx, move |tx, _telling| {
        let (whom, by) = (event.recipient_id, event.sender_id);
        let id = event.conversation_id;
        Box::pin(concerned(tx, Kind::MessageRequest, id, (whom, by)))
    })
    .await
}

/// Somebody was added to a group, or asked to come.
pub async fn invited(ctx: Ctx, event: GroupInvited) -> Result<()> {
    noticed(&ctx, move |tx, _telling| {
        let (whom, by) = (event.invitee_id, event.inviter_id);
        let id = event.conversation_id;
        Box::pin(concerned(tx, Kind::GroupInvitation, id, (whom, by)))
    })
    .await
}

/// It concerns whoever is in the conversation still. Told of again, it is as old as before; a later invitation is
/// newer than what was told of the one before it.
async fn concerned(
    tx: &mut Tx,
    kind: Kind,
    id: ConversationId,
    (user_id, actor_id): (UserId, UserId),
) -> Result<Vec<Happening>> {
    let Some(talk) = store::find_talk(tx.conn(), id, user_id).await? else {
        return Ok(Vec::new());
    };
    let first_said_at = (talk.first_said_at).filter(|_| kind == Kind::MessageRequest);
    let deed = Deed {
        actor_id,
        source_id: id.uuid(),
        at: first_said_at.unwrap_or(talk.joined_at),
    };
    Ok(deed.to([(user_id, Subject::Conversation(kind, id))]))
}
