//! All SQL of comments.

use sqlx::Connection as _;

use crate::infra::db::Conn;
use crate::kernel::ids::Id as _;
use crate::kernel::page::{Slice, TimeKey};
use crate::kernel::{CommentId, PostId, Result, Timestamp, UserId};
use crate::keyset;

/// A comment as it is stored, with what its rendering needs of others.
#[derive(Debug, Clone)]
pub struct CommentRow {
    /// Its id.
    pub comment_id: CommentId,
    /// The post it is on.
    pub post_id: PostId,
    /// Who wrote the post.
    pub post_author_id: UserId,
    /// The comment it answers.
    pub parent_id: Option<CommentId>,
    /// How far below the post it stands.
    pub depth: i16,
    /// Who wrote it.
    pub author_id: UserId,
    /// What it says.
    pub content: String,
    /// The idempotency key that made it.
    pub op_id: Option<String>,
    /// Counts edits.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub edited_at: Option<Timestamp>,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Replies to it that are not deleted.
    pub replies: i32,
}

/// Comments that the viewer may see, by id, in no order.
pub async fn list_comments(
    conn: &mut Conn,
    viewer: Option<UserId>,
    ids: &[CommentId],
) -> Result<Vec<CommentRow>> {
    Ok(sqlx::query_as!(
        CommentRow,
        r#"select c.comment_id as "comment_id!: _", c.post_id as "post_id!: _",
                  p.author_id as "post_author_id!: _", c.parent_id as "parent_id?: _",
                  c.depth as "depth!", c.author_id as "author_id!: _", c.content as "content!",
                  c.op_id as "op_id?", c.version as "version!", c.created_at as "created_at!: _",
                  c.edited_at as "edited_at?: _", c.deleted_at is not null as "deleted!",
                  n.replies as "replies!"
           from visible_comment($1) c
           join post p on p.post_id = c.post_id
           join comment_counter n on n.comment_id = c.comment_id
           where c.comment_id = any($2)"#,
        viewer as _,
        ids as _
    )
    .fetch_all(conn)
    .await?)
}

/// What a write must know of a comment.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// The post it is on.
    pub post_id: PostId,
    /// The comment it answers.
    pub parent_id: Option<CommentId>,
    /// How far below the post it stands.
    pub depth: i16,
    /// Who wrote it.
    pub author_id: UserId,
    /// Counts edits.
    pub version: i64,
}

/// A comment that is not deleted and that the viewer may see.
pub async fn find_facts(
    conn: &mut Conn,
    viewer: Option<UserId>,
    comment_id: CommentId,
) -> Result<Option<Facts>> {
    Ok(sqlx::query_as!(
        Facts,
        r#"select c.post_id as "post_id!: _", c.parent_id as "parent_id?: _", c.depth as "depth!",
                  c.author_id as "author_id!: _", c.version as "version!"
           from visible_comment($1) c
           where c.comment_id = $2 and c.deleted_at is null"#,
        viewer as _,
        comment_id as _
    )
    .fetch_optional(conn)
    .await?)
}

/// Holds a comment as it is until the transaction ends.
pub async fn share_comment(conn: &mut Conn, comment_id: CommentId) -> Result<()> {
    sqlx::query_scalar!(
        "select 1 from comment where comment_id = $1 for share",
        comment_id as _
    )
    .fetch_optional(conn)
    .await?;
    Ok(())
}

/// Locks a comment for a change until the transaction ends.
pub async fn lock_comment(conn: &mut Conn, comment_id: CommentId) -> Result<()> {
    sqlx::query_scalar!(
        "select 1 from comment where comment_id = $1 for no key update",
        comment_id as _
    )
    .fetch_optional(conn)
    .await?;
    Ok(())
}

/// A comment to be added.
#[derive(Debug)]
pub struct NewRow<'a> {
    /// Its id.
    pub comment_id: CommentId,
    /// The post it is on.
    pub post_id: PostId,
    /// The comment it answers.
    pub parent_id: Option<CommentId>,
    /// How far below the post it stands.
    pub depth: i16,
    /// Who writes it.
    pub author_id: UserId,
    /// What it says.
    pub content: &'a str,
    /// The idempotency key of the request.
    pub op_id: Option<&'a str>,
}

/// Adds a comment with its counter at nought.
pub async fn insert_comment(conn: &mut Conn, row: &NewRow<'_>, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "with made as (
             insert into comment
                    (comment_id, post_id, parent_id, depth, author_id, content, op_id, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8) returning comment_id
         )
         insert into comment_counter (comment_id) select comment_id from made",
        row.comment_id as _,
        row.post_id as _,
        row.parent_id as _,
        row.depth,
        row.author_id as _,
        row.content,
        row.op_id,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes a comment's new words.
pub async fn update_content(
    conn: &mut Conn,
    comment_id: CommentId,
    content: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update comment set content = $2, edited_at = $3, version = version + 1
         where comment_id = $1 and content <> $2",
        comment_id as _,
        content,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks a comment as deleted and forgets what it said.
pub async fn mark_deleted(conn: &mut Conn, comment_id: CommentId, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "update comment set content = '', deleted_at = $2, version = version + 1
         where comment_id = $1",
        comment_id as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds to the number of a comment's replies. Call it last, before the post's counter.
pub async fn bump_replies(conn: &mut Conn, comment_id: CommentId, change: i32) -> Result<()> {
    sqlx::query!(
        "update comment_counter set replies = replies + $2 where comment_id = $1",
        comment_id as _,
        change
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts all replies anew; says how many comments' counters had drifted.
pub async fn recount(conn: &mut Conn) -> Result<u64> {
    let mut transaction = conn.begin().await?;
    // Whoever replies meanwhile waits at the counter, and adds to what is written here.
    sqlx::query!("lock table comment_counter in share row exclusive mode")
        .execute(&mut *transaction)
        .await?;
    let done = sqlx::query!(
        "insert into comment_counter as n (comment_id, replies)
         select c.comment_id, count(r.comment_id)::int
         from comment c
         left join comment r on r.parent_id = c.comment_id and r.deleted_at is null
         group by c.comment_id
         on conflict (comment_id) do update set replies = excluded.replies
         where n.replies <> excluded.replies"
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(done.rows_affected())
}

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

/// Which comments a list holds.
#[derive(Debug, Clone, Copy)]
pub enum Thread {
    /// Comments on the post itself.
    Post(PostId),
    /// Replies to a comment.
    Comment(CommentId),
}

/// A stretch of the comments of a thread that the viewer may see.
pub async fn list_places(
    conn: &mut Conn,
    viewer: Option<UserId>,
    thread: Thread,
    newest_first: bool,
    slice: &Slice<TimeKey>,
) -> Result<Vec<Place>> {
    let rows = match (thread, newest_first) {
        (Thread::Post(post_id), false) => keyset!(
            conn, slice, oldest "c.created_at", "c.comment_id", PlaceRow,
            r#"select c.created_at as "created_at!: _", c.comment_id as "comment_id!: _"
               from visible_comment($4) c where c.post_id = $5 and c.parent_id is null"#,
            viewer as _, post_id as _
        ),
        (Thread::Post(post_id), true) => keyset!(
            conn, slice, newest "c.created_at", "c.comment_id", PlaceRow,
            r#"select c.created_at as "created_at!: _", c.comment_id as "comment_id!: _"
               from visible_comment($4) c where c.post_id = $5 and c.parent_id is null"#,
            viewer as _, post_id as _
        ),
        (Thread::Comment(parent_id), false) => keyset!(
            conn, slice, oldest "c.created_at", "c.comment_id", PlaceRow,
            r#"select c.created_at as "created_at!: _", c.comment_id as "comment_id!: _"
               from visible_comment($4) c where c.parent_id = $5"#,
            viewer as _, parent_id as _
        ),
        (Thread::Comment(parent_id), true) => keyset!(
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
        Thread::Comment(parent_id) => (None, Some(parent_id)),
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
