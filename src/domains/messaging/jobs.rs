//! What follows when something has happened in a conversation.

use super::events::{ConversationChanged, MessageCreated};
use super::live;
use crate::infra::jobs::Registry;
use crate::platform::Ctx;

/// Registers the jobs.
pub fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    registry
        .on_event::<MessageCreated, _, _>("messaging.tell-inboxes", live::tell_everybody)
        .on_event::<ConversationChanged, _, _>("messaging.tell-changes", live::tell_changed)
}
