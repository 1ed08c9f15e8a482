//! Pages of posts.

use super::post::Post;
use super::render::render;
use super::seen::Seen;
use crate::domains::posts::cache::AUTHOR_POSTS;
use crate::domains::posts::model::RESTORABLE;
use crate::domains::posts::store::{hashtags, lists as store};
use crate::kernel::page::{Page, Slice, TimeKey};
use crate::kernel::{Code, Error, PostId, Result, UserId};
use crate::platform::sessions::Viewer;
use crate::platform::{Ctx, Reads};

/// A page of what a person has posted and the viewer may see, newest first.
pub async fn timeline(
    ctx: &Ctx,
    reads: &mut Reads<'_>,
    viewer: Viewer,
    author_id: UserId,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, Post>> {
    if let Some((seen, rows)) = kept(reads, viewer, author_id, slice).await? {
        let page = slice.page(rows);
        let posts = render(ctx, reads, seen, &page.items).await?;
        return Ok(page.with_items(posts));
    }
    let rows = {
        let conn = &mut *reads.conn().await?;
        store::list_by_author(conn, viewer.id(), author_id, slice).await?
    };
    let page = slice.page(rows);
    let posts = super::posts(ctx, reads, viewer, &page.items).await?;
    Ok(page.with_items(posts))
}

/// The rows of a page as far as the author's entry holds them, with the posts that were looked at.
async fn kept(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    author_id: UserId,
    slice: &Slice<TimeKey>,
) -> Result<Option<(Seen, Vec<(TimeKey, PostId)>)>> {
    let head = reads.load(&AUTHOR_POSTS, &author_id).await?;
    let Some(candidates) = head.candidates(slice) else {
        return Ok(None);
    };
    let seen = Seen::load(reads, viewer, &candidates.items()).await?;
    let rows = candidates.filled(|post_id| seen.posts.contains_key(post_id));
    Ok(rows.map(|rows| (seen, rows)))
}

/// A page of the posts that a person has deleted and may still restore, last deleted first. It is for
/// that person alone.
pub async fn deleted(
    ctx: &Ctx,
    reads: &mut Reads<'_>,
    viewer: Viewer,
    author_id: UserId,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, Post>> {
    check_own(viewer, author_id)?;
    let since = ctx.now() - RESTORABLE;
    let rows = {
        let conn = &mut *reads.conn().await?;
        store::list_deleted(conn, author_id, since, slice).await?
    };
    let page = slice.page(rows);
    let seen = Seen::own_deleted(reads, author_id, &page.items).await?;
    let posts = render(ctx, reads, seen, &page.items).await?;
    Ok(page.with_items(posts))
}

fn check_own(viewer: Viewer, author_id: UserId) -> Result<()> {
    match viewer.id() {
        Some(user_id) if user_id == author_id => Ok(()),
        Some(_) => Err(Error::new(
            Code::Forbidden,
            "Only their author may list deleted posts.",
        )),
        None => Err(Error::new(
            Code::Unauthenticated,
            "Sign in to list your deleted posts.",
        )),
    }
}

/// A page of the posts that a person has saved and may still see, last saved first.
pub async fn saved(
    ctx: &Ctx,
    reads: &mut Reads<'_>,
    user_id: UserId,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, Post>> {
    let rows = store::list_saved(&mut *reads.conn().await?, user_id, slice).await?;
    let page = slice.page(rows);
    let posts = super::posts(ctx, reads, Viewer::from(user_id), &page.items).await?;
    Ok(page.with_items(posts))
}

/// A page of the posts with a hashtag that the viewer may see, newest first.
pub async fn with_hashtag(
    ctx: &Ctx,
    reads: &mut Reads<'_>,
    viewer: Viewer,
    tag: &str,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, Post>> {
    let rows = {
        let conn = &mut *reads.conn().await?;
        hashtags::list_by_hashtag(conn, viewer.id(), tag, slice).await?
    };
    let page = slice.page(rows);
    let posts = super::posts(ctx, reads, viewer, &page.items).await?;
    Ok(page.with_items(posts))
}
