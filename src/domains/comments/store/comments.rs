//! The comments themselves.

use crate::infra::db::Conn;
use crate::kernel::{CommentId, PostId, Result, Timestamp, UserId};

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
