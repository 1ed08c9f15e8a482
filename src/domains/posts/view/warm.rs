//! What readers of a new post will ask for, read behind the answer to its author.

use crate::domains::posts::cache::{AUTHOR_POSTS, POST, POST_COUNTS};
use crate::domains::reactions::{self, Target, TargetKind};
use crate::kernel::ids::Id as _;
use crate::kernel::{PostId, Result, UserId};
use crate::platform::Ctx;

/// Loads the entries of a new post, and the first page of its author, which it has voided. Whoever
/// comes first meanwhile waits for the same load.
pub fn warm_behind(ctx: &Ctx, author_id: UserId, post_id: PostId) {
    if ctx.cache().epoch_to_read().is_none() {
        return;
    }
    let ctx = ctx.clone();
    ctx.tasks().clone().spawn(async move {
        if let Err(error) = Box::pin(warm(&ctx, author_id, post_id)).await {
            tracing::debug!(?error, "a new post could not be read ahead");
        }
    });
}

async fn warm(ctx: &Ctx, author_id: UserId, post_id: PostId) -> Result<()> {
    let (cache, posts) = (ctx.cache(), [post_id]);
    let targets = [Target {
        kind: TargetKind::Post,
        id: post_id.uuid(),
    }];
    let authors = [author_id];
    tokio::try_join!(
        cache.warm(&POST, &posts),
        cache.warm(&POST_COUNTS, &posts),
        cache.warm(&reactions::SUMMARY, &targets),
        cache.warm(&AUTHOR_POSTS, &authors),
    )?;
    Ok(())
}
