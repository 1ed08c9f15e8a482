//! What happens to comments as time goes by.

use std::time::Duration;

use super::store;
use crate::domains::posts;
use crate::domains::reactions::{self, TargetKind};
use crate::infra::jobs::{Kept, Registry, Retention};
use crate::kernel::Result;
use crate::kernel::ids::Id as _;
use crate::platform::{Ctx, write};

/// Comments of one transaction.
const BATCH: i64 = 1_000;

/// Comments of posts that cannot be restored any more.
const OF_DELETED_POSTS: Retention = Retention {
    what: "comments of deleted posts",
    kept: Kept::Days(posts::RESTORABLE.num_days()),
    job: "comments.purge",
    every: Duration::from_hours(1),
};

/// Registers the jobs.
pub fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    registry.keep(OF_DELETED_POSTS, purge)
}

/// Answers go before what they answer, so that no comment stands without its parent.
async fn purge(ctx: Ctx, rule: Retention) -> Result<()> {
    let before = rule.before(ctx.now());
    write::purge(&ctx, "comments", |tx| {
        Box::pin(async move {
            let ids = store::lock_purgeable(tx.conn(), before, BATCH).await?;
            let targets: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
            if reactions::forget(tx.conn(), TargetKind::Comment, &targets).await? {
                store::purge(tx.conn(), &ids).await?;
            }
            Ok(ids.len())
        })
    })
    .await
}
