//! What follows a change of relations.

use super::events::RelationshipChanged;
use super::{actions, live};
use crate::domains::auth::AccountDeleted;
use crate::infra::jobs::Registry;
use crate::kernel::Result;
use crate::platform::write::job_transaction;
use crate::platform::{Ctx, Tx};

/// Registers the jobs.
pub fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    registry
        .on_event::<RelationshipChanged, _, _>("relations.tell", tell)
        .on_event::<AccountDeleted, _, _>("relations.part-from-all", actions::part_from_all)
}

/// Tells both people, or the one whose affair it is, what lies between them now.
async fn tell(ctx: Ctx, event: RelationshipChanged) -> Result<()> {
    job_transaction(&ctx, |tx: &mut Tx| {
        Box::pin(async move {
            live::tell(tx, event.user_id, event.other_id);
            if !event.is_private {
                live::tell(tx, event.other_id, event.user_id);
            }
            Ok(())
        })
    })
    .await
}
