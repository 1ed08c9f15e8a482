//! How long deleted posts, and the knowledge of who has seen a post, are kept.

use std::time::Duration;

use crate::domains::posts::model::RESTORABLE;
use crate::domains::posts::store::{purge as store, views};
use crate::domains::reactions::{self, TargetKind};
use crate::infra::jobs::{Kept, Registry, Retention};
use crate::kernel::Result;
use crate::kernel::ids::Id as _;
use crate::platform::{Ctx, write};

/// Posts of one transaction.
const BATCH: i64 = 200;

/// Deleted posts, for as long as they can be restored.
const DELETED: Retention = Retention {
    what: "deleted posts, with their history, reactions and marks, once their comments are gone",
    kept: Kept::Days(RESTORABLE.num_days()),
    job: "posts.purge",
    every: Duration::from_hours(1),
};

/// Who has seen a post on which day.
const VIEWS: Retention = Retention {
    what: "who has seen a post on which day; the count stays",
    kept: Kept::Days(90),
    job: "posts.forget-views",
    every: Duration::from_hours(1),
};

/// Views that are forgotten at a time.
const FORGOTTEN: i64 = 10_000;

/// Registers the jobs.
pub(super) fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    registry.keep(DELETED, purge).keep(VIEWS, forget_views)
}

/// Their comments are another domain's, whose own job deletes them, and so is their place among what is talked
/// about; posts that still have either wait.
/// Counters of authors and of originals were changed when the post was deleted.
async fn purge(ctx: Ctx, rule: Retention) -> Result<()> {
    let before = rule.before(ctx.now());
    write::purge(&ctx, "posts", |tx| {
        Box::pin(async move {
            let ids = store::lock_purgeable(tx.conn(), before, BATCH).await?;
            let targets: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
            if reactions::forget(tx.conn(), TargetKind::Post, &targets).await? {
                store::purge(tx.conn(), &ids).await?;
            }
            Ok(ids.len())
        })
    })
    .await
}

async fn forget_views(ctx: Ctx, rule: Retention) -> Result<()> {
    let before = rule.before(ctx.now()).utc().date_naive();
    let conn = &mut *ctx.conn().await?;
    let forgotten = u64::try_from(FORGOTTEN).unwrap_or(u64::MAX);
    while views::delete_before(conn, before, FORGOTTEN).await? == forgotten {}
    Ok(())
}
