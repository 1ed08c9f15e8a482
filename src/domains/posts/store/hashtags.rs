//! Which posts say which hashtag.

use super::lists::{ListRow, keyed};
use crate::infra::db::Conn;
use crate::kernel::page::{Slice, TimeKey};
use crate::kernel::{PostId, Result, UserId};
use crate::keyset;

/// Makes these the hashtags of a post, and takes away all others.
pub async fn set_hashtags(conn: &mut Conn, post_id: PostId, tags: &[String]) -> Result<()> {
    sqlx::query!(
        "with gone as (
             delete from post_hashtag where post_id = $1 and tag <> all($2)
         )
         insert into post_hashtag (tag, post_id, created_at)
         select t.tag, p.post_id, p.created_at
         from post p, unnest($2::text[]) as t (tag)
         where p.post_id = $1
         on conflict do nothing",
        post_id as _,
        tags
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The posts with a hashtag that the viewer may see, newest first.
pub async fn list_by_hashtag(
    conn: &mut Conn,
    viewer: Option<UserId>,
    tag: &str,
    slice: &Slice<TimeKey>,
) -> Result<Vec<(TimeKey, PostId)>> {
    let rows = keyset!(
        conn,
        slice,
        newest "h.created_at",
        "h.post_id",
        ListRow,
        r#"select h.post_id as "post_id: _", h.created_at as "at: _"
           from post_hashtag h join visible_post($4) p on p.post_id = h.post_id
           where h.tag = $5"#,
        viewer as _,
        tag
    )?;
    Ok(keyed(rows))
}

/// A post whose hashtags are to be read.
#[derive(Debug)]
pub struct Unread {
    /// The post.
    pub post_id: PostId,
    /// Its text.
    pub content: String,
}

/// The next posts after this one, in order of id, which nobody edits or deletes until the
/// transaction ends.
pub async fn lock_after(conn: &mut Conn, after: PostId, limit: i64) -> Result<Vec<Unread>> {
    Ok(sqlx::query_as!(
        Unread,
        r#"select post_id as "post_id: _", content from post
           where post_id > $1 and deleted_at is null order by post_id limit $2
           for no key update"#,
        after as _,
        limit
    )
    .fetch_all(conn)
    .await?)
}
