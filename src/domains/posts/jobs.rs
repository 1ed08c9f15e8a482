//! Work on posts that nobody waits for.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::Connection as _;

use super::model;
use super::store::{hashtags as store, views};
use crate::infra::jobs::{NewJob, Registry, enqueue};
use crate::kernel::{Error, PostId, Result};
use crate::platform::Ctx;

const FILL_HASHTAGS: &str = "posts.fill-hashtags";
/// Posts whose hashtags are read at a time.
const BATCH: i64 = 500;

/// Days for which it is known who has seen a post.
const VIEW_DAYS: i64 = 90;
/// Views that are forgotten at a time.
const FORGOTTEN: i64 = 10_000;

/// Registers the jobs.
pub fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    registry.on(FILL_HASHTAGS, 20, fill_hashtags).every(
        "posts.forget-views",
        Duration::from_hours(1),
        forget_views,
    )
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

async fn forget_views(ctx: Ctx) -> Result<()> {
    let before = (ctx.now() - TimeDelta::days(VIEW_DAYS)).utc().date_naive();
    let conn = &mut *ctx.read().await?;
    let forgotten = u64::try_from(FORGOTTEN).unwrap_or(u64::MAX);
    while views::delete_before(conn, before, FORGOTTEN).await? == forgotten {}
    Ok(())
}
