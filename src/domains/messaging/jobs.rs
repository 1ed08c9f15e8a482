//! What follows when something has happened in a conversation.

use std::sync::Arc;

use super::events::{ConversationChanged, MessageCreated};
use super::{actions, live, store};
use crate::domains::auth::AccountDeleted;
use crate::infra::jobs::{Registry, TOGETHER, Together};
use crate::kernel::Result;
use crate::platform::Ctx;
use crate::platform::write::job_transaction;

const TELL_INBOXES: &str = "messaging.tell-inboxes";

/// Registers the jobs.
pub fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    let together = Arc::new(Together::<live::Stir>::default());
    let tell_inboxes = move |ctx: Ctx, said: MessageCreated| {
        let together = Arc::clone(&together);
        async move {
            let stir = (said.conversation_id, Some(said.seq));
            let tell = |stirs| live::tell_everybody(&ctx, stirs);
            together.just_done(stir, tell).await
        }
    };
    registry
        .on_event::<MessageCreated, _, _>(TELL_INBOXES, tell_inboxes)
        .with_hands(TELL_INBOXES, TOGETHER)
        .on_event::<ConversationChanged, _, _>("messaging.tell-changes", tell_changes)
        .on_event::<AccountDeleted, _, _>("messaging.hand-over-groups", hand_over_groups)
}

/// Tells everybody in a conversation, or the one whom it concerns, that something else has changed.
async fn tell_changes(ctx: Ctx, changed: ConversationChanged) -> Result<()> {
    let id = changed.conversation_id;
    match changed.user_id {
        Some(user_id) => live::tell_one(&ctx, user_id, id).await,
        None => live::tell_everybody(&ctx, vec![(id, changed.seq)]).await,
    }
}

/// Gives the groups of somebody who has deleted their account to others who are in them.
async fn hand_over_groups(ctx: Ctx, deleted: AccountDeleted) -> Result<()> {
    let owner = deleted.user_id;
    let owned = store::list_owned(&mut *ctx.conn().await?, owner).await?;
    for id in owned {
        job_transaction(&ctx, move |tx| {
            Box::pin(actions::hand_over_group(tx, owner, id))
        })
        .await?;
    }
    Ok(())
}
