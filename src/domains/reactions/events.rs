//! What reactions tell the domains to their right.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::model::TargetKind;
use crate::infra::jobs::Registry;
use crate::infra::outbox::Event;
use crate::kernel::UserId;

/// Somebody's reaction to something is there, gone, or another one. Which one it is by now is looked
/// up by whoever wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactionChanged {
    /// What was reacted to.
    pub target_kind: TargetKind,
    /// Its id.
    pub target_id: Uuid,
    /// Who reacted.
    pub user_id: UserId,
    /// Whether they had reacted before.
    pub was_there: bool,
    /// Whether they react now.
    pub is_there: bool,
}

impl Event for ReactionChanged {
    const NAME: &'static str = "reaction.changed";
}

/// Makes the events of reactions known.
pub fn events<C>(registry: Registry<C>) -> Registry<C> {
    registry.knows::<ReactionChanged>()
}
