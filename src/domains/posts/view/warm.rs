//! What readers will ask for, read before they do.

use crate::domains::posts::cache::{AUTHOR_POSTS, POST, POST_COUNTS};
use crate::domains::reactions::{self, Target};
use crate::infra::cache::Warmed;
use crate::kernel::{PostId, Result, UserId};
use crate::platform::{Ctx, Reads};

/// Posts of an author's first page.
const PAGE: usize = 20;

/// Has the entries of a new post loaded, and where somebody has read it the list of its author's posts, which it
/// has voided. Whoever comes first meanwhile waits for the same load.
pub fn warm_behind(ctx: &Ctx, author_id: UserId, post_id: PostId) {
    let cache = ctx.cache();
    cache.warm_behind(&POST, post_id);
    cache.warm_behind(&POST_COUNTS, post_id);
    cache.warm_behind(&reactions::SUMMARY, Target::from(post_id));
    cache.rewarm_behind(&AUTHOR_POSTS, author_id);
}

/// Has the first pages of these authors at hand, as far as they do not depend on who looks, and says
/// what became of the lists of their posts.
pub async fn warm_pages(ctx: &Ctx, authors: &[UserId]) -> Result<Warmed> {
    let cache = ctx.cache();
    let lists = cache.warm(&AUTHOR_POSTS, authors).await?;
    let heads = Reads::cached(ctx).get_many(&AUTHOR_POSTS, authors).await?;
    let shown = heads
        .values()
        .flat_map(|head| head.rows().iter().take(PAGE));
    let ids: Vec<PostId> = shown.map(|(_, post_id)| *post_id).collect();
    let targets: Vec<Target> = ids.iter().copied().map(Target::from).collect();
    tokio::try_join!(
        cache.warm(&POST, &ids),
        cache.warm(&POST_COUNTS, &ids),
        cache.warm(&reactions::SUMMARY, &targets),
    )?;
    Ok(lists)
}
