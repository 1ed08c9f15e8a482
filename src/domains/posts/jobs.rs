//! What happens to posts as time goes by.

use std::time::Duration;

use super::model::RESTORABLE;
use super::store::purge as store;
use crate::domains::reactions::{self, TargetKind};
use crate::infra::jobs::{Kept, Registry, Retention};
use crate::kernel::Result;
use crate::kernel::ids::Id as _;
use crate::platform::Ctx;
use crate::platform::write::job_transaction;

/// Posts of one transaction.
const BATCH: i64 = 200;

/// Deleted posts, for as long as they can be restored.
const DELETED: Retention = Retention {
    what: "deleted posts, with their history, reactions and marks, once their comments are gone",
    kept: Kept::Days(RESTORABLE.num_days()),
    job: "posts.purge",
    every: Duration::from_hours(1),
};

/// Registers the jobs.
pub fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    registry.keep(DELETED, purge)
}

/// Their comments are another domain's, whose own job deletes them; posts that still have some wait.
/// Counters of authors and of originals were changed when the post was deleted.
async fn purge(ctx: Ctx, rule: Retention) -> Result<()> {
    let before = rule.before(ctx.now());
    loop {
        let purged = job_transaction(&ctx, |tx| {
            Box::pin(async move {
                let ids = store::lock_purgeable(tx.conn(), before, BATCH).await?;
                let targets: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
                reactions::forget(tx.conn(), TargetKind::Post, &targets).await?;
                store::purge(tx.conn(), &ids).await?;
                Ok(ids.len())
            })
        })
        .await?;
        if purged == 0 {
            return Ok(());
        }
        tracing::debug!(purged, "posts are deleted for good");
    }
}
