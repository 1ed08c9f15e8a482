//! What follows when something has happened in a conversation.

use std::sync::Arc;

use super::events::{ConversationChanged, MessageCreated};
use super::{actions, live};
use crate::domains::auth::AccountDeleted;
use crate::infra::jobs::{Registry, TOGETHER, Together};
use crate::platform::Ctx;

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
        .on_event::<ConversationChanged, _, _>("messaging.tell-changes", live::tell_changed)
        .on_event::<AccountDeleted, _, _>("messaging.hand-over-groups", actions::hand_over_groups)
}
