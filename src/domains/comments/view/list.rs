//! Which comments a thread shows to a viewer.

use std::collections::HashMap;

use serde_json::Value;

use super::render::comments;
use super::shape::Comment;
use crate::domains::comments::cache::{COMMENTS, COMMENTS_NEWEST, REPLIES};
use crate::domains::comments::model::{CommentOrder, Thread};
use crate::domains::comments::store::{self, Place};
use crate::domains::{posts, relations};
use crate::kernel::page::{Page, Slice, TimeKey};
use crate::kernel::{CommentId, Error, PostId, Result};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// A page of a thread, of what the viewer may see where they may see its post.
pub async fn page(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    thread: Thread,
    order: CommentOrder,
    slice: Slice<TimeKey>,
) -> Result<Page<TimeKey, Comment>> {
    let slice = slice.from_oldest(order == CommentOrder::Oldest);
    let places = slice.page(places(reads, viewer, thread, order, &slice).await?);
    let shown = comments(reads, viewer, &places.items).await?;
    Ok(places.with_items(shown))
}

/// The page with a comment in its middle: `slices` are the stretches before and behind it. What is no
/// comment of this thread is 404.
pub async fn around(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    thread: Thread,
    order: CommentOrder,
    comment_id: CommentId,
    slices: impl Fn(&TimeKey) -> (Slice<TimeKey>, Slice<TimeKey>),
) -> Result<Page<TimeKey, Comment>> {
    let places = {
        let (conn, viewer) = (&mut *reads.conn().await?, viewer.id());
        let place = store::find_place(conn, viewer, thread, comment_id).await?;
        let place: Place = place.ok_or_else(Error::not_found)?;
        let (before, after) = slices(&place.0);
        let before = before.from_oldest(order == CommentOrder::Oldest);
        let after = after.from_oldest(order == CommentOrder::Oldest);
        let rows_before = store::list_places(conn, viewer, thread, order, &before).await?;
        let mut rows = vec![place];
        rows.extend(store::list_places(conn, viewer, thread, order, &after).await?);
        after.page(rows).preceded_by(before.page(rows_before))
    };
    let shown = comments(reads, viewer, &places.items).await?;
    Ok(places.with_items(shown))
}

/// A stretch of the comments of a thread that the viewer may see, where they may see its post. It
/// is read from the thread's entry as far as that goes.
pub async fn places(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    thread: Thread,
    order: CommentOrder,
    slice: &Slice<TimeKey>,
) -> Result<Vec<Place>> {
    let head = match (thread, order) {
        (Thread::Post(post_id), CommentOrder::Oldest) => {
            Some(reads.load(&COMMENTS, &post_id).await?)
        }
        (Thread::Post(post_id), CommentOrder::Newest) => {
            Some(reads.load(&COMMENTS_NEWEST, &post_id).await?)
        }
        (Thread::Comment(post_id, parent_id), CommentOrder::Oldest) => {
            Some(reads.load(&REPLIES, &(post_id, parent_id)).await?)
        }
        (Thread::Comment(..), CommentOrder::Newest) => None,
    };
    if let Some(candidates) = head.and_then(|head| head.candidates(slice)) {
        let ties = relations::ties_of(reads, viewer).await?;
        if let Some(rows) = candidates.filled(|(_, author)| !ties.is_hidden(*author)) {
            return Ok(rows.into_iter().map(|(key, (id, _))| (key, id)).collect());
        }
    }
    let conn = &mut *reads.conn().await?;
    store::list_places(conn, viewer.id(), thread, order, slice).await
}

/// Gives each comment its first replies, `limit` at most, with one read for all.
pub async fn add_replies(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    comments_shown: &mut [Comment],
    limit: u16,
) -> Result<()> {
    let key = |comment: &Comment| (comment.post_id, comment.id);
    let parents: Vec<(PostId, CommentId)> = comments_shown.iter().map(key).collect();
    let ids = first_replies(reads, viewer, &parents, limit).await?;
    let mut by_parent: HashMap<Option<CommentId>, Vec<Comment>> = HashMap::new();
    for reply in comments(reads, viewer, &ids).await? {
        by_parent.entry(reply.parent_id).or_default().push(reply);
    }
    for comment in comments_shown {
        comment.replies = Some(by_parent.remove(&Some(comment.id)).unwrap_or_default());
    }
    Ok(())
}

async fn first_replies(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    parents: &[(PostId, CommentId)],
    limit: u16,
) -> Result<Vec<CommentId>> {
    let heads = reads.get_many(&REPLIES, parents).await?;
    let ties = relations::ties_of(reads, viewer).await?;
    let (mut ids, mut unknown) = (Vec::new(), Vec::new());
    for parent in parents {
        let head = heads.get(parent);
        let candidates = head.and_then(|head| head.candidates(&Slice::first(limit)));
        let rows = candidates.and_then(|all| all.filled(|(_, author)| !ties.is_hidden(*author)));
        match rows {
            Some(rows) => {
                let first = rows.into_iter().take(usize::from(limit));
                ids.extend(first.map(|(_, (id, _))| id));
            }
            None => unknown.push(parent.1),
        }
    }
    if !unknown.is_empty() {
        let conn = &mut *reads.conn().await?;
        let found = store::list_first_replies(conn, viewer.id(), &unknown, limit.into()).await?;
        ids.extend(found.into_iter().map(|(_, reply)| reply));
    }
    Ok(ids)
}

/// Of how many comments the top ones are chosen, and how many those are.
const TOP: (i64, i64) = (50, 2);

/// The top comments of some posts, for `?expand=top_comments`.
pub fn top_comments<'a>(
    mut reads: Reads<'a>,
    viewer: Viewer,
    post_ids: &'a [PostId],
) -> posts::Loading<'a> {
    Box::pin(async move {
        let (newest, limit) = TOP;
        let ids = {
            let conn = &mut *reads.conn().await?;
            store::list_top(conn, viewer.id(), post_ids, newest, limit).await?
        };
        let mut by_post: HashMap<PostId, Vec<Value>> = HashMap::new();
        for comment in comments(&mut reads, viewer, &ids).await? {
            let shown = serde_json::to_value(&comment).map_err(Error::internal)?;
            by_post.entry(comment.post_id).or_default().push(shown);
        }
        Ok(by_post)
    })
}
