//! What is warmed, and how much of it.

use chrono::TimeDelta;
use futures_util::future::BoxFuture;

use super::Tally;
use crate::domains::reactions::{self, Target, TargetKind};
use crate::domains::{discovery, feed, posts, relations, users};
use crate::infra::cache::{Key, Only, Space, Value};
use crate::kernel::ids::Id as _;
use crate::kernel::{PostId, Result, UserId};
use crate::platform::sessions;
use crate::platform::{Ctx, Reads};

/// Something that is worth being warm.
pub(super) struct Category {
    /// Its name in reports.
    pub name: &'static str,
    /// Warms it and counts; an error says that it could not even be begun.
    pub run: for<'a> fn(&'a Ctx, &'a mut Tally) -> BoxFuture<'a, Result<()>>,
}

/// What is warmed, in this order.
pub(super) const CATEGORIES: &[Category] = &[
    Category {
        name: "trending_posts",
        run: |ctx, tally| Box::pin(trending_posts(ctx, tally)),
    },
    Category {
        name: "active_people",
        run: |ctx, tally| Box::pin(active_people(ctx, tally)),
    },
    Category {
        name: "timelines",
        run: |ctx, tally| Box::pin(timelines(ctx, tally)),
    },
];

/// Posts that are talked about most.
const POSTS: usize = 100;
/// People who were here last.
const PEOPLE: i64 = 1_000;
/// Those of them whose timelines are built.
const TIMELINES: i64 = 200;
/// Who was here before this is not expected. No longer than a timeline's life, which is as long as
/// posts are pushed to a reader: building one counts as reading.
const LATELY: TimeDelta = TimeDelta::days(2);
/// Entries that are read at once; if some of them fail, all of them do.
const BATCH: usize = 100;

async fn trending_posts(ctx: &Ctx, tally: &mut Tally) -> Result<()> {
    let reads = &mut Reads::cached(ctx);
    reads.find(&discovery::HASHTAGS, &Only).await?;
    let top = reads.find(&discovery::TRENDING, &Only).await?;
    let ids: Vec<PostId> = top.iter().take(POSTS).map(|row| row.post_id).collect();
    tally.planned = 4 * ids.len();
    let targets: Vec<Target> = ids
        .iter()
        .map(|id| Target {
            kind: TargetKind::Post,
            id: id.uuid(),
        })
        .collect();
    warm(ctx, tally, &posts::POST, &ids).await;
    warm(ctx, tally, &posts::POST_COUNTS, &ids).await;
    warm(ctx, tally, &reactions::SUMMARY, &targets).await;
    let entries = reads.get_many(&posts::POST, &ids).await?;
    let mut authors: Vec<UserId> = entries.values().map(|post| post.author_id).collect();
    authors.sort_unstable();
    authors.dedup();
    tally.planned = 3 * ids.len() + authors.len();
    warm(ctx, tally, &users::USER, &authors).await;
    Ok(())
}

async fn active_people(ctx: &Ctx, tally: &mut Tally) -> Result<()> {
    let ids = active(ctx, PEOPLE).await?;
    tally.planned = 4 * ids.len();
    warm(ctx, tally, &users::USER, &ids).await;
    warm(ctx, tally, &users::SETTINGS, &ids).await;
    warm(ctx, tally, &users::USER_COUNTS, &ids).await;
    warm(ctx, tally, &relations::TIES, &ids).await;
    Ok(())
}

async fn timelines(ctx: &Ctx, tally: &mut Tally) -> Result<()> {
    let ids = active(ctx, TIMELINES).await?;
    tally.planned = ids.len();
    for id in ids {
        match feed::build_timeline(ctx, id).await {
            Ok(true) => tally.warmed += 1,
            Ok(false) => tally.skipped += 1,
            Err(error) => {
                tracing::debug!(?error, "a timeline could not be built");
                tally.failed += 1;
            }
        }
    }
    Ok(())
}

/// The people who were here last, the latest first.
async fn active(ctx: &Ctx, most: i64) -> Result<Vec<UserId>> {
    let since = ctx.now() - LATELY;
    sessions::store::list_active(&mut *ctx.read().await?, since, most).await
}

async fn warm<K: Key, V: Value>(
    ctx: &Ctx,
    tally: &mut Tally,
    space: &'static Space<K, V>,
    keys: &[K],
) {
    for some in keys.chunks(BATCH) {
        match ctx.cache().warm(space, some).await {
            Ok(warmed) => {
                tally.warmed += warmed.read;
                tally.skipped += warmed.skipped;
            }
            Err(error) => {
                tracing::debug!(?error, space = space.name, "entries could not be warmed");
                tally.failed += some.len();
            }
        }
    }
}
