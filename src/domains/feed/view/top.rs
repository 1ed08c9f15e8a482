//! The home feed with what is talked about first.
//!
//! Counts change while somebody walks through it, so a ranking is made once, for its first page. The
//! cursor holds the ids that follow: no post comes twice or is left out, on any instance, however
//! long the walk takes, and nothing is stored.

use redis::Value;
use uuid::Uuid;

use super::choice::Choice;
use super::page::page;
use crate::domains::feed::model::{Ranking, score};
use crate::domains::posts::{self, Post};
use crate::domains::relations;
use crate::kernel::ids::Id as _;
use crate::kernel::page::{Direction, Page, Slice};
use crate::kernel::{PostId, Result};
use crate::platform::sessions::CurrentUser;
use crate::platform::{Ctx, Reads};

/// As many of the newest posts of a feed are ranked.
const RANKED: u16 = 100;

/// A page of the ranked feed of `me`. It only goes down: a fresh look makes another ranking.
pub async fn top(
    ctx: &Ctx,
    me: CurrentUser,
    slice: &Slice<Ranking>,
    ahead: Option<Vec<Value>>,
) -> Result<Page<Ranking, Post>> {
    let posts = match (slice.direction, &slice.from) {
        (Direction::Prev, _) => Vec::new(),
        (Direction::Next, Some(Ranking(ids))) => kept(ctx, me, ids).await?,
        (Direction::Next, None) => ranked(ctx, me, ahead).await?,
    };
    let ids: Vec<Uuid> = posts.iter().map(|post| post.id.uuid()).collect();
    let most = usize::from(slice.limit) + 1;
    let rows = posts.into_iter().zip(1..).take(most).map(|(post, place)| {
        let rest = ids.get(place..).unwrap_or_default();
        (Ranking(rest.to_vec()), post)
    });
    Ok(slice.page(rows.collect()))
}

/// The newest posts, best first.
async fn ranked(ctx: &Ctx, me: CurrentUser, ahead: Option<Vec<Value>>) -> Result<Vec<Post>> {
    let newest = page(ctx, me.id, &Slice::first(RANKED), ahead).await?;
    let ids: Vec<PostId> = newest.items.iter().map(|post| post.id).collect();
    let reads = &mut Reads::cached(ctx);
    let mut posts = posts::posts(ctx, reads, me.viewer(), &ids).await?;
    let now = ctx.now();
    posts.sort_by_cached_key(|post| std::cmp::Reverse((score(post, now), post.id)));
    Ok(posts)
}

/// What is left of a ranking: posts that have been deleted, hidden or closed to the reader are gone.
async fn kept(ctx: &Ctx, me: CurrentUser, ids: &[Uuid]) -> Result<Vec<Post>> {
    let ids: Vec<PostId> = ids.iter().copied().map(PostId::from_uuid).collect();
    let reads = &mut Reads::cached(ctx);
    let ties = relations::ties_of(reads, me.viewer()).await?;
    let choice = Choice::among(ctx, reads, me.id, &ties, &ids).await?;
    let mut posts = posts::posts(ctx, reads, me.viewer(), &ids).await?;
    posts.retain(|post| choice.holds(post.id, post.author.id));
    Ok(posts)
}
