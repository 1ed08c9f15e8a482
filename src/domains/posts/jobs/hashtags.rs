//! Hashtags of posts that are older than the table of hashtags.

use serde_json::{Value, json};

use crate::domains::posts::model;
use crate::domains::posts::store::hashtags as store;
use crate::infra::jobs::{NewJob, Registry};
use crate::kernel::{Error, PostId, Result};
use crate::platform::write::job_transaction;
use crate::platform::{Ctx, Tx};

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
    job_transaction(&ctx, |tx| Box::pin(fill_after(tx, after))).await
}

async fn fill_after(tx: &mut Tx, after: PostId) -> Result<()> {
    let posts = store::lock_after(tx.conn(), after, BATCH).await?;
    for post in &posts {
        let tags = model::hashtags(&post.content);
        if !tags.is_empty() {
            store::set_hashtags(tx.conn(), post.post_id, &tags).await?;
        }
    }
    if let Some(last) = posts.last() {
        let next = NewJob {
            name: FILL_HASHTAGS,
            payload: json!({ "after": last.post_id }),
            run_at: None,
        };
        tx.enqueue(&next).await?;
    }
    Ok(())
}
