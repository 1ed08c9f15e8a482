//! Posts themselves.

use uuid::Uuid;

use crate::domains::posts::events::PostRef;
use crate::domains::posts::model::{AudienceKind, Facts, Member, PostEntry};
use crate::infra::db::Conn;
use crate::kernel::{PostId, Result, Timestamp, UserId};

/// Posts with the lists of their audiences, in no order, whatever their state. It is one statement,
/// so that a post never comes with the lists of another version of it.
pub async fn list_entries(conn: &mut Conn, ids: &[PostId]) -> Result<Vec<PostEntry>> {
    let rows = sqlx::query!(
        r#"select p.post_id as "post_id: PostId", p.author_id as "author_id: UserId", p.content,
                  p.audience as "audience: AudienceKind", p.allow_all_friends,
                  p.shared_post_id as "shared_post_id: PostId",
                  p.op_id, p.version, p.created_at as "created_at: Timestamp",
                  p.edited_at as "edited_at: Timestamp", p.deleted_at is not null as "deleted!",
                  listed.ids as "ids!: Vec<Uuid>", listed.denied as "denied!: Vec<bool>",
                  listed.circles as "circles!: Vec<bool>"
           from post p
           cross join lateral (
               select coalesce(array_agg(m.id order by m.id, m.deny), '{}') as ids,
                      coalesce(array_agg(m.deny order by m.id, m.deny), '{}') as denied,
                      coalesce(array_agg(m.is_circle order by m.id, m.deny), '{}') as circles
               from (
                   select coalesce(a.user_id, a.circle_id) as id, a.deny,
                          a.circle_id is not null as is_circle
                   from post_audience a where a.post_id = p.post_id
               ) m
           ) listed
           where p.post_id = any(array(select unnest($1::uuid[])))"#,
        ids as _
    )
    .fetch_all(conn)
    .await?;
    let entries = rows.into_iter().map(|row| PostEntry {
        members: members(&row.ids, &row.denied, &row.circles),
        post_id: row.post_id,
        author_id: row.author_id,
        content: row.content,
        audience: row.audience,
        allow_all_friends: row.allow_all_friends,
        shared_post_id: row.shared_post_id,
        op_id: row.op_id,
        version: row.version,
        created_at: row.created_at,
        edited_at: row.edited_at,
        deleted: row.deleted,
    });
    Ok(entries.collect())
}

fn members(ids: &[Uuid], denied: &[bool], circles: &[bool]) -> Vec<Member> {
    let rows = ids.iter().zip(denied).zip(circles);
    rows.map(|((id, deny), is_circle)| Member {
        id: *id,
        deny: *deny,
        is_circle: *is_circle,
    })
    .collect()
}

/// Ids of all posts, in their order.
pub async fn walk_posts(conn: &mut Conn, after: Option<PostId>, limit: i64) -> Result<Vec<PostId>> {
    Ok(sqlx::query_scalar!(
        r#"select post_id as "post_id: _" from post
           where $1::uuid is null or post_id > $1
           order by post_id limit $2"#,
        after as _,
        limit
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
        r#"select p.author_id as "author_id!: UserId", p.audience as "audience!: AudienceKind",
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
        audience: row.audience,
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
    /// The sort of its audience.
    pub audience: AudienceKind,
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
        r#"select content, audience as "audience: _", allow_all_friends,
                  shared_post_id as "shared_post_id: _", version, created_at as "created_at: _", deleted_at as "deleted_at: _"
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

impl InsertPost<'_> {
    /// What [`list_entries`] says of it once it is added, with these entries in its lists.
    pub fn made(&self, members: Vec<Member>, now: Timestamp) -> PostEntry {
        PostEntry {
            post_id: self.post_id,
            author_id: self.author_id,
            content: self.content.to_owned(),
            audience: self.audience,
            allow_all_friends: self.allow_all_friends,
            members,
            shared_post_id: self.shared_post_id,
            op_id: self.op_id.map(str::to_owned),
            version: 1,
            created_at: now,
            edited_at: None,
            deleted: false,
        }
    }
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
