//! What timelines are built from, and to whom posts fan out.

use std::collections::HashMap;

use sqlx::Connection as _;

use super::super::model::{FanOutPost, Position};
use super::{EntryRow, PLANNING};
use crate::domains::posts::AudienceKind;
use crate::infra::db::Conn;
use crate::kernel::ids::Id as _;
use crate::kernel::{PostId, Result, Timestamp, UserId};

fn position(row: &EntryRow) -> Position {
    (row.created_at.micros(), row.post_id.uuid())
}

/// The newest posts that the timeline of `viewer` has to hold.
pub async fn list_candidates(conn: &mut Conn, viewer: UserId, most: i64) -> Result<Vec<Position>> {
    let mut transaction = conn.begin_with(PLANNING).await?;
    let rows = sqlx::query_file_as!(
        EntryRow,
        "src/domains/feed/store/candidates.sql",
        viewer as _,
        most
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(rows.iter().map(position).collect())
}

/// The newest posts of an author that others may see.
pub async fn list_by_author(conn: &mut Conn, author: UserId, most: i64) -> Result<Vec<Position>> {
    let rows = sqlx::query_as!(
        EntryRow,
        r#"select created_at as "created_at: _", post_id as "post_id: _" from post
           where author_id = $1 and deleted_at is null and audience <> 'only_me'
           order by created_at desc, post_id desc limit $2"#,
        author as _,
        most
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.iter().map(position).collect())
}

/// Notes that somebody looks at their feed.
pub async fn note_reader(conn: &mut Conn, user_id: UserId, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "insert into feed_reader (user_id, read_at) values ($1, $2)
         on conflict (user_id) do update set read_at = excluded.read_at
         where feed_reader.read_at < excluded.read_at",
        user_id as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What decides of posts to whom they fan out, without those that are deleted.
pub async fn list_fan_out_posts(
    conn: &mut Conn,
    ids: &[PostId],
) -> Result<HashMap<PostId, FanOutPost>> {
    let rows = sqlx::query!(
        r#"select p.post_id as "post_id: PostId", p.audience as "audience: AudienceKind",
                  (c.friends + c.followers)::bigint as "readers!",
                  exists (select from feed_pulled f where f.author_id = p.author_id) as "pulled!"
           from post p
           join user_counter c on c.user_id = p.author_id
           where p.post_id = any(array(select unnest($1::uuid[]))) and p.deleted_at is null"#,
        ids as _
    )
    .fetch_all(conn)
    .await?;
    let found = rows.into_iter().map(|row| {
        let post = FanOutPost {
            audience: row.audience,
            readers: row.readers,
            pulled: row.pulled,
        };
        (row.post_id, post)
    });
    Ok(found.collect())
}

/// Those whom a post goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Readership {
    /// The post.
    pub post_id: PostId,
    /// Its author, whose friends they are.
    pub author_id: UserId,
    /// Whether the author's followers are among them.
    pub followers: bool,
}

/// Those whom posts go to who have looked at their feed since `active_since`, in no order: at most `most` of
/// a post.
pub async fn list_readers(
    conn: &mut Conn,
    readerships: &[Readership],
    active_since: Timestamp,
    most: i64,
) -> Result<HashMap<PostId, Vec<UserId>>> {
    if readerships.is_empty() {
        return Ok(HashMap::new());
    }
    let posts: Vec<PostId> = readerships
        .iter()
        .map(|readership| readership.post_id)
        .collect();
    let authors: Vec<UserId> = readerships
        .iter()
        .map(|readership| readership.author_id)
        .collect();
    let followers: Vec<bool> = readerships
        .iter()
        .map(|readership| readership.followers)
        .collect();
    let rows = sqlx::query_file!(
        "src/domains/feed/store/readers.sql",
        &posts as _,
        &authors as _,
        &followers,
        active_since as _,
        most
    )
    .fetch_all(conn)
    .await?;
    let mut readers: HashMap<PostId, Vec<UserId>> = HashMap::new();
    for row in rows {
        readers.entry(row.post_id).or_default().push(row.user_id);
    }
    Ok(readers)
}

/// The friends of an author, and with `followers` those too, who have looked at their feed since
/// `active_since`, or all of them: some, in order of id, after `after`.
pub async fn list_recipients(
    conn: &mut Conn,
    author: UserId,
    followers: bool,
    active_since: Option<Timestamp>,
    after: UserId,
    limit: i64,
) -> Result<Vec<UserId>> {
    let found = sqlx::query_file_scalar!(
        "src/domains/feed/store/recipients.sql",
        author as _,
        followers,
        active_since as _,
        after as _,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// Those of `people` who may see a post.
pub async fn list_who_see(
    conn: &mut Conn,
    post_id: PostId,
    people: &[UserId],
) -> Result<Vec<UserId>> {
    Ok(sqlx::query_scalar!(
        r#"select s.user_id as "user_id!: _" from unnest($1::uuid[]) s (user_id)
           where exists (select from visible_post(s.user_id) p where p.post_id = $2)"#,
        people as _,
        post_id as _
    )
    .fetch_all(conn)
    .await?)
}

/// Authors whose posts are pulled, in order of id.
pub async fn list_pulled(conn: &mut Conn) -> Result<Vec<UserId>> {
    Ok(sqlx::query_scalar!(
        r#"select author_id as "author_id: _" from feed_pulled order by author_id"#
    )
    .fetch_all(conn)
    .await?)
}

/// From now on the author's posts are pulled; or have been before.
pub async fn insert_pulled(conn: &mut Conn, author: UserId) -> Result<()> {
    sqlx::query!(
        "insert into feed_pulled (author_id) values ($1) on conflict do nothing",
        author as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets readers who have not looked since `before`: their timelines are long gone.
pub async fn forget_readers(conn: &mut Conn, before: Timestamp) -> Result<()> {
    sqlx::query!("delete from feed_reader where read_at < $1", before as _)
        .execute(conn)
        .await?;
    Ok(())
}
