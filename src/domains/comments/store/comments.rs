//! The comments themselves.

use crate::domains::comments::events::CommentRef;
use crate::domains::comments::model::CommentEntry;
use crate::infra::db::Conn;
use crate::kernel::{CommentId, PostId, Result, Timestamp, UserId};

/// Comments by id, in no order, whatever their state.
pub async fn list_entries(conn: &mut Conn, ids: &[CommentId]) -> Result<Vec<CommentEntry>> {
    Ok(sqlx::query_as!(
        CommentEntry,
        r#"select c.comment_id as "comment_id: _", c.post_id as "post_id: _",
                  c.parent_id as "parent_id: _", c.depth, c.author_id as "author_id: _", c.content,
                  c.op_id, c.version, c.created_at as "created_at: _",
                  c.edited_at as "edited_at: _", c.deleted_at is not null as "deleted!"
           from comment c where c.comment_id = any(array(select unnest($1::uuid[])))"#,
        ids as _
    )
    .fetch_all(conn)
    .await?)
}

/// Those of the comments that are there for anybody.
pub async fn list_standing(conn: &mut Conn, ids: &[CommentId]) -> Result<Vec<CommentId>> {
    Ok(sqlx::query_scalar!(
        r#"select c.comment_id as "comment_id!: _" from standing_comment() c
           where c.comment_id = any(array(select unnest($1::uuid[])))"#,
        ids as _
    )
    .fetch_all(conn)
    .await?)
}

/// Ids of all comments, in their order.
pub async fn walk_comments(
    conn: &mut Conn,
    after: Option<CommentId>,
    limit: i64,
) -> Result<Vec<CommentId>> {
    Ok(sqlx::query_scalar!(
        r#"select comment_id as "comment_id: _" from comment
           where $1::uuid is null or comment_id > $1
           order by comment_id limit $2"#,
        after as _,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// The same with their posts.
pub async fn walk_threads(
    conn: &mut Conn,
    after: Option<(PostId, CommentId)>,
    limit: i64,
) -> Result<Vec<(PostId, CommentId)>> {
    let rows = sqlx::query!(
        r#"select post_id as "post_id: PostId", comment_id as "comment_id: CommentId" from comment
           where $1::uuid is null or comment_id > $1
           order by comment_id limit $2"#,
        after.map(|(_, comment_id)| comment_id) as _,
        limit
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter();
    Ok(rows.map(|row| (row.post_id, row.comment_id)).collect())
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

impl Facts {
    /// The comment as events name it.
    pub fn reference(&self, comment_id: CommentId) -> CommentRef {
        CommentRef {
            comment_id,
            post_id: self.post_id,
            parent_id: self.parent_id,
            author_id: self.author_id,
        }
    }
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
pub async fn insert_comment(
    conn: &mut Conn,
    row: &NewRow<'_>,
    now: Timestamp,
) -> Result<CommentEntry> {
    Ok(sqlx::query_as!(
        CommentEntry,
        r#"with counter as (insert into comment_counter (comment_id) values ($1))
         insert into comment
                (comment_id, post_id, parent_id, depth, author_id, content, op_id, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         returning comment_id as "comment_id: _", post_id as "post_id: _",
                   parent_id as "parent_id: _", depth, author_id as "author_id: _", content,
                   op_id, version, created_at as "created_at: _", edited_at as "edited_at: _",
                   deleted_at is not null as "deleted!""#,
        row.comment_id as _,
        row.post_id as _,
        row.parent_id as _,
        row.depth,
        row.author_id as _,
        row.content,
        row.op_id,
        now as _
    )
    .fetch_one(conn)
    .await?)
}

/// Writes a comment's new words; says whether they are other ones.
pub async fn update_content(
    conn: &mut Conn,
    comment_id: CommentId,
    content: &str,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "update comment set content = $2, edited_at = $3, version = version + 1
         where comment_id = $1 and content <> $2",
        comment_id as _,
        content,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
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
