//! Which comments a thread shows, and in what order.

use crate::domains::comments::model::{CommentOrder, Thread};
use crate::infra::db::Conn;
use crate::kernel::ids::Id as _;
use crate::kernel::page::{Slice, TimeKey};
use crate::kernel::{CommentId, PostId, Result, Timestamp, UserId};
use crate::keyset;

/// Where a comment stands in its list.
#[derive(Debug)]
pub struct PlaceRow {
    created_at: Timestamp,
    comment_id: CommentId,
}

/// A comment's id with its sort key.
pub type Place = (TimeKey, CommentId);

fn place(row: &PlaceRow) -> Place {
    let key = TimeKey(row.created_at, row.comment_id.uuid());
    (key, row.comment_id)
}

/// A stretch of the comments of a thread that the viewer may see.
pub async fn list_places(
    conn: &mut Conn,
    viewer: Option<UserId>,
    thread: Thread,
    order: CommentOrder,
    slice: &Slice<TimeKey>,
) -> Result<Vec<Place>> {
    let rows = match (thread, order) {
        (Thread::Post(post_id), CommentOrder::Oldest) => keyset!(
            conn, slice, oldest "c.created_at", "c.comment_id", PlaceRow,
            r#"select c.created_at as "created_at!: _", c.comment_id as "comment_id!: _"
               from visible_comment($4) c where c.post_id = $5 and c.parent_id is null"#,
            viewer as _, post_id as _
        ),
        (Thread::Post(post_id), CommentOrder::Newest) => keyset!(
            conn, slice, newest "c.created_at", "c.comment_id", PlaceRow,
            r#"select c.created_at as "created_at!: _", c.comment_id as "comment_id!: _"
               from visible_comment($4) c where c.post_id = $5 and c.parent_id is null"#,
            viewer as _, post_id as _
        ),
        (Thread::Comment(_, parent_id), CommentOrder::Oldest) => keyset!(
            conn, slice, oldest "c.created_at", "c.comment_id", PlaceRow,
            r#"select c.created_at as "created_at!: _", c.comment_id as "comment_id!: _"
               from visible_comment($4) c where c.parent_id = $5"#,
            viewer as _, parent_id as _
        ),
        (Thread::Comment(_, parent_id), CommentOrder::Newest) => keyset!(
            conn, slice, newest "c.created_at", "c.comment_id", PlaceRow,
            r#"select c.created_at as "created_at!: _", c.comment_id as "comment_id!: _"
               from visible_comment($4) c where c.parent_id = $5"#,
            viewer as _, parent_id as _
        ),
    }?;
    Ok(rows.iter().map(place).collect())
}

/// Where a comment that the viewer may see stands in a thread, if it belongs there.
pub async fn find_place(
    conn: &mut Conn,
    viewer: Option<UserId>,
    thread: Thread,
    comment_id: CommentId,
) -> Result<Option<Place>> {
    let (post_id, parent_id) = match thread {
        Thread::Post(post_id) => (Some(post_id), None),
        Thread::Comment(_, parent_id) => (None, Some(parent_id)),
    };
    let row = sqlx::query_as!(
        PlaceRow,
        r#"select c.created_at as "created_at!: _", c.comment_id as "comment_id!: _"
           from visible_comment($1) c
           where c.comment_id = $2
             and (c.post_id = $3 and c.parent_id is null or c.parent_id = $4)"#,
        viewer as _,
        comment_id as _,
        post_id as _,
        parent_id as _
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.as_ref().map(place))
}

/// The first replies to some comments, oldest first, at most `limit` each: pairs of parent and reply.
pub async fn list_first_replies(
    conn: &mut Conn,
    viewer: Option<UserId>,
    parent_ids: &[CommentId],
    limit: i64,
) -> Result<Vec<(CommentId, CommentId)>> {
    let rows = sqlx::query!(
        r#"select parent.id as "parent_id!: CommentId", first.comment_id as "comment_id!: CommentId"
           from unnest($2::uuid[]) as parent (id)
           cross join lateral (
               select c.comment_id, c.created_at
               from visible_comment($1) c
               where c.parent_id = parent.id
               order by c.created_at, c.comment_id
               limit $3
           ) first
           order by parent.id, first.created_at, first.comment_id"#,
        viewer as _,
        parent_ids as _,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.parent_id, row.comment_id))
        .collect())
}

/// Of each post's `newest` comments the `limit` that people reacted to most. Older ones are not
/// looked at, so that a post with many comments costs no more.
pub async fn list_top(
    conn: &mut Conn,
    viewer: Option<UserId>,
    post_ids: &[PostId],
    newest: i64,
    limit: i64,
) -> Result<Vec<CommentId>> {
    Ok(sqlx::query_scalar!(
        r#"select top.comment_id as "comment_id!: CommentId"
           from unnest($2::uuid[]) as post (id)
           cross join lateral (
               select late.comment_id, late.created_at, late.reactions
               from (
                   select c.comment_id, c.created_at, coalesce((
                              select sum(s.count) from reaction_summary s
                              where s.target_kind = 'comment' and s.target_id = c.comment_id
                          ), 0) as reactions
                   from visible_comment($1) c
                   where c.post_id = post.id and c.parent_id is null and c.deleted_at is null
                   order by c.created_at desc, c.comment_id desc
                   limit $3
               ) late
               order by late.reactions desc, late.created_at desc, late.comment_id desc
               limit $4
           ) top
           order by post.id, top.reactions desc, top.created_at desc, top.comment_id desc"#,
        viewer as _,
        post_ids as _,
        newest,
        limit
    )
    .fetch_all(conn)
    .await?)
}
