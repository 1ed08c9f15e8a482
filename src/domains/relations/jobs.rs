//! What follows a change of relations.

use super::events::RelationshipChanged;
use super::{actions, live};
use crate::domains::auth::AccountDeleted;
use crate::infra::jobs::Registry;
use crate::platform::Ctx;

/// Registers the jobs.
pub fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    registry
        .on_event::<RelationshipChanged, _, _>("relations.tell", live::tell)
        .on_event::<AccountDeleted, _, _>("relations.part-from-all", actions::part_from_all)
}
