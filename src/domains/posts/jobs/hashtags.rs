//! Hashtags of posts that are older than the table of hashtags.

use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::domains::posts::model;
use crate::domains::posts::store::hashtags as store;
use crate::infra::jobs::{NewJob, Registry, enqueue};
use crate::kernel::{Error, PostId, Result};
use crate::platform::Ctx;

const FILL_HASHTAGS: &str = "posts.fill-hashtags";
/// Posts whose hashtags are read at a time.
const BATCH: i64 = 500;

/// Registers the jobs.
pub(super) fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    registry.on(FILL_HASHTAGS, 20, fill_hashtags)
}

/// Reads the hashtags of some posts that are older than the table of hashtags, and queues itself for
/// those after them. Repeating it is harmless.
async fn fill_hashtags(ctx: Ctx, payload: Value) -> Result<()> {
    let after = payload.get("after").cloned().unwrap_or_default();
    let after: PostId = serde_json::from_value(after).map_err(Error::internal)?;
    let mut conn = ctx.read().await?;
    let mut batch = conn.begin().await?;
    let posts = store::lock_after(&mut batch, after, BATCH).await?;
    for post in &posts {
        let tags = model::hashtags(&post.content);
        if !tags.is_empty() {
            store::set_hashtags(&mut batch, post.post_id, &tags).await?;
        }
    }
    if let Some(last) = posts.last() {
        let next = NewJob {
            name: FILL_HASHTAGS,
            payload: json!({ "after": last.post_id }),
            run_at: None,
        };
        let now = ctx.now();
        enqueue(&mut batch, ctx.ids().new_id(now), &next, now).await?;
    }
    batch.commit().await?;
    Ok(())
}
