//! Posts themselves.

use crate::domains::posts::events::PostRef;
use crate::domains::posts::model::{AudienceKind, Facts};
use crate::infra::db::Conn;
use crate::kernel::{PostId, Result, Timestamp, UserId};

/// A post with everything that is shown of it and kept beside it.
#[derive(Debug)]
pub struct PostRow {
    /// Its id.
    pub post_id: PostId,
    /// Who wrote it.
    pub author_id: UserId,
    /// Its text.
    pub content: String,
    /// The word of its audience.
    pub audience: String,
    /// Whether a custom audience is all friends less those denied.
    pub allow_all_friends: bool,
    /// The post that it shares.
    pub shared_post_id: Option<PostId>,
    /// The idempotency key that it was made with.
    pub op_id: Option<String>,
    /// Counts edits.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub edited_at: Option<Timestamp>,
    /// Whether its author has deleted it.
    pub deleted: bool,
    /// Comments that are not deleted.
    pub comments: i32,
    /// Shares that are not deleted.
    pub shares: i32,
    /// Views.
    pub views: i64,
    /// Whether the viewer has saved it.
    pub saved: bool,
}

/// Those of the posts that the viewer may see, in no order.
pub async fn list_visible(
    conn: &mut Conn,
    viewer: Option<UserId>,
    ids: &[PostId],
) -> Result<Vec<PostRow>> {
    Ok(sqlx::query_as!(
        PostRow,
        r#"select p.post_id as "post_id!: _", p.author_id as "author_id!: _",
                  p.content as "content!", p.audience as "audience!",
                  p.allow_all_friends as "allow_all_friends!",
                  p.shared_post_id as "shared_post_id: _", p.op_id, p.version as "version!",
                  p.created_at as "created_at!: _", p.edited_at as "edited_at: _",
                  false as "deleted!", coalesce(c.comments, 0) as "comments!",
                  coalesce(c.shares, 0) as "shares!", coalesce(c.views, 0) as "views!",
                  exists (
                      select from saved_post s where s.user_id = $1 and s.post_id = p.post_id
                  ) as "saved!"
           from visible_post($1) p left join post_counter c on c.post_id = p.post_id
           where p.post_id = any($2)"#,
        viewer as _,
        ids as _
    )
    .fetch_all(conn)
    .await?)
}

/// Those of the posts that a person has deleted, in no order.
pub async fn list_own_deleted(
    conn: &mut Conn,
    author_id: UserId,
    ids: &[PostId],
) -> Result<Vec<PostRow>> {
    Ok(sqlx::query_as!(
        PostRow,
        r#"select p.post_id as "post_id: _", p.author_id as "author_id: _", p.content, p.audience,
                  p.allow_all_friends, p.shared_post_id as "shared_post_id: _", p.op_id, p.version,
                  p.created_at as "created_at: _", p.edited_at as "edited_at: _",
                  true as "deleted!", coalesce(c.comments, 0) as "comments!",
                  coalesce(c.shares, 0) as "shares!", coalesce(c.views, 0) as "views!",
                  exists (
                      select from saved_post s where s.user_id = $1 and s.post_id = p.post_id
                  ) as "saved!"
           from post p left join post_counter c on c.post_id = p.post_id
           where p.author_id = $1 and p.post_id = any($2) and p.deleted_at is not null"#,
        author_id as _,
        ids as _
    )
    .fetch_all(conn)
    .await?)
}

/// What a post is, if the viewer may see it.
pub async fn find_facts(
    conn: &mut Conn,
    viewer: Option<UserId>,
    post_id: PostId,
) -> Result<Option<Facts>> {
    let row = sqlx::query!(
        r#"select p.author_id as "author_id!: UserId", p.audience as "audience!",
                  p.version as "version!", p.shared_post_id as "shared_post_id: PostId"
           from visible_post($1) p where p.post_id = $2"#,
        viewer as _,
        post_id as _
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Facts {
        post_id,
        author_id: row.author_id,
        audience: AudienceKind::from_word(&row.audience),
        version: row.version,
        shared_post_id: row.shared_post_id,
    }))
}

/// Keeps a post from being changed until the transaction ends.
pub async fn lock_for_share(conn: &mut Conn, post_id: PostId) -> Result<()> {
    sqlx::query_scalar!(
        "select 1 from post where post_id = $1 for share",
        post_id as _
    )
    .fetch_optional(conn)
    .await?;
    Ok(())
}

/// One's own post, deleted or not, as an edit finds it.
#[derive(Debug)]
pub struct OwnRow {
    /// Its text.
    pub content: String,
    /// The word of its audience.
    pub audience: String,
    /// Whether a custom audience is all friends less those denied.
    pub allow_all_friends: bool,
    /// The post that it shares.
    pub shared_post_id: Option<PostId>,
    /// Counts edits.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}

impl OwnRow {
    /// The post as events name it.
    pub fn reference(&self, post_id: PostId, author_id: UserId) -> PostRef {
        PostRef {
            post_id,
            author_id,
            created_at: self.created_at,
        }
    }
}

/// A person's own post, locked until the transaction ends.
pub async fn lock_own(
    conn: &mut Conn,
    author_id: UserId,
    post_id: PostId,
) -> Result<Option<OwnRow>> {
    Ok(sqlx::query_as!(
        OwnRow,
        r#"select content, audience, allow_all_friends, shared_post_id as "shared_post_id: _",
                  version, created_at as "created_at: _", deleted_at as "deleted_at: _"
           from post where post_id = $1 and author_id = $2 for no key update"#,
        post_id as _,
        author_id as _
    )
    .fetch_optional(conn)
    .await?)
}

/// A post to add.
#[derive(Debug)]
pub struct InsertPost<'a> {
    /// Its id.
    pub post_id: PostId,
    /// Who wrote it.
    pub author_id: UserId,
    /// Its text.
    pub content: &'a str,
    /// The sort of its audience.
    pub audience: AudienceKind,
    /// Whether a custom audience is all friends less those denied.
    pub allow_all_friends: bool,
    /// The post that it shares.
    pub shared_post_id: Option<PostId>,
    /// The idempotency key that it is made with.
    pub op_id: Option<&'a str>,
}

/// Adds a post with its counters at nought.
pub async fn insert_post(conn: &mut Conn, post: &InsertPost<'_>, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "with made as (
             insert into post (post_id, author_id, content, audience, allow_all_friends,
                               shared_post_id, op_id, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8) returning post_id
         )
         insert into post_counter (post_id) select post_id from made",
        post.post_id as _,
        post.author_id as _,
        post.content,
        post.audience.as_str(),
        post.allow_all_friends,
        post.shared_post_id as _,
        post.op_id,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the new text and audience of a post as its next version.
pub async fn update_post(
    conn: &mut Conn,
    post_id: PostId,
    content: &str,
    audience: AudienceKind,
    all_friends: bool,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update post
         set content = $2, audience = $3, allow_all_friends = $4, version = version + 1,
             edited_at = $5
         where post_id = $1",
        post_id as _,
        content,
        audience.as_str(),
        all_friends,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a post from `at` on, or restores it.
pub async fn set_deleted(conn: &mut Conn, post_id: PostId, at: Option<Timestamp>) -> Result<()> {
    sqlx::query!(
        "update post set deleted_at = $2 where post_id = $1",
        post_id as _,
        at as _
    )
    .execute(conn)
    .await?;
    Ok(())
}
