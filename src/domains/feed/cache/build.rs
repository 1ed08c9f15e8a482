//! Building timelines behind a read that went without.

use tokio::sync::Semaphore;

use super::super::model::Timeline;
use super::super::store;
use super::timeline::{MOST, TimelineCache};
use crate::kernel::Result;
use crate::platform::Ctx;

/// Timelines that a process builds at once; a reader who comes meanwhile builds none.
static BUILDERS: Semaphore = Semaphore::const_new(4);

/// Builds a timeline, or renews its lifetime, while nobody waits for it.
pub fn build_behind(ctx: &Ctx, timeline: Timeline, renew: bool) {
    let Ok(turn) = BUILDERS.try_acquire() else {
        return;
    };
    let ctx = ctx.clone();
    ctx.tasks().clone().spawn(async move {
        let done = if renew {
            prolong(&ctx, timeline).await
        } else {
            build(&ctx, timeline).await.map(drop)
        };
        if let Err(error) = done {
            tracing::debug!(?error, "a timeline could not be built");
        }
        drop(turn);
    });
}

/// Builds a timeline, unless there is one or somebody is at it; says whether it did.
pub async fn build(ctx: &Ctx, timeline: Timeline) -> Result<bool> {
    let Some(cache) = TimelineCache::to_read(ctx.cache(), ctx.config().feed_timeline) else {
        return Ok(false);
    };
    // First of all: from now on posts are put into this timeline.
    note_reader(ctx, timeline).await?;
    let Ok(Some(building)) = cache.begin(timeline, ctx.ids().bytes()).await else {
        return Ok(false);
    };
    let rows = {
        let mut conn = ctx.conn().await?;
        match timeline {
            Timeline::Home(viewer) => store::list_candidates(&mut conn, viewer, MOST).await?,
            Timeline::Author(author) => store::list_by_author(&mut conn, author, MOST).await?,
        }
    };
    let no_more = i64::try_from(rows.len()).is_ok_and(|rows| rows < MOST);
    // Without an answer there is a token and nothing else, which counts for nothing and expires.
    Ok(cache
        .finish(&building, &rows, no_more)
        .await
        .unwrap_or_default())
}

async fn prolong(ctx: &Ctx, timeline: Timeline) -> Result<()> {
    note_reader(ctx, timeline).await?;
    if let Some(cache) = TimelineCache::to_read(ctx.cache(), ctx.config().feed_timeline) {
        cache.renew(timeline).await.unwrap_or_default();
    }
    Ok(())
}

async fn note_reader(ctx: &Ctx, timeline: Timeline) -> Result<()> {
    if let Timeline::Home(viewer) = timeline {
        store::note_reader(&mut *ctx.conn().await?, viewer, ctx.now()).await?;
    }
    Ok(())
}
