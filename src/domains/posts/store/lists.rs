//! Lists of posts: ids with the keys that they are walked by.

use crate::infra::db::Conn;
use crate::kernel::ids::Id as _;
use crate::kernel::kept::Head;
use crate::kernel::page::{Slice, TimeKey};
use crate::kernel::{PostId, Result, Timestamp, UserId, gathered};
use crate::keyset;

/// A post in a list.
#[derive(Debug)]
pub struct ListRow {
    /// The post.
    pub post_id: PostId,
    /// The time that the list goes by.
    pub at: Timestamp,
}

/// Rows with the keys that they are walked by.
pub fn keyed(rows: Vec<ListRow>) -> Vec<(TimeKey, PostId)> {
    rows.into_iter()
        .map(|row| (TimeKey(row.at, row.post_id.uuid()), row.post_id))
        .collect()
}

/// The newest posts of some people that are not deleted, whomever they are for.
pub async fn list_heads(
    conn: &mut Conn,
    author_ids: &[UserId],
) -> Result<Vec<(UserId, Head<PostId>)>> {
    let rows = sqlx::query!(
        r#"select author.id as "author_id!: UserId", p.post_id as "post_id: PostId",
                  p.created_at as "at: Timestamp"
           from unnest($1::uuid[]) as author (id)
           cross join lateral (
               select p.post_id, p.created_at from post p
               where p.author_id = author.id and p.deleted_at is null
               order by p.created_at desc, p.post_id desc limit $2
           ) p
           order by author.id, p.created_at desc, p.post_id desc"#,
        author_ids as _,
        Head::<PostId>::FETCH
    )
    .fetch_all(conn)
    .await?;
    let found = rows.into_iter().map(|row| {
        let (post_id, at) = (row.post_id, row.at);
        (row.author_id, ListRow { post_id, at })
    });
    let heads = gathered(author_ids, found).into_iter();
    Ok(heads
        .map(|(author_id, rows)| (author_id, Head::new(keyed(rows))))
        .collect())
}

/// A person's posts that the viewer may see, newest first.
pub async fn list_by_author(
    conn: &mut Conn,
    viewer: Option<UserId>,
    author_id: UserId,
    slice: &Slice<TimeKey>,
) -> Result<Vec<(TimeKey, PostId)>> {
    let rows = keyset!(
        conn,
        slice,
        newest "p.created_at",
        "p.post_id",
        ListRow,
        r#"select p.post_id as "post_id!: _", p.created_at as "at!: _"
           from visible_post($4) p where p.author_id = $5"#,
        viewer as _,
        author_id as _
    )?;
    Ok(keyed(rows))
}

/// The posts that a person deleted after `since`, last deleted first.
pub async fn list_deleted(
    conn: &mut Conn,
    author_id: UserId,
    since: Timestamp,
    slice: &Slice<TimeKey>,
) -> Result<Vec<(TimeKey, PostId)>> {
    let rows = keyset!(
        conn,
        slice,
        newest "p.deleted_at",
        "p.post_id",
        ListRow,
        r#"select p.post_id as "post_id!: _", p.deleted_at as "at!: _"
           from post p where p.author_id = $4 and p.deleted_at > $5"#,
        author_id as _,
        since as _
    )?;
    Ok(keyed(rows))
}

/// The posts that a person has saved and may still see, last saved first.
pub async fn list_saved(
    conn: &mut Conn,
    user_id: UserId,
    slice: &Slice<TimeKey>,
) -> Result<Vec<(TimeKey, PostId)>> {
    let rows = keyset!(
        conn,
        slice,
        newest "s.created_at",
        "s.post_id",
        ListRow,
        r#"select s.post_id as "post_id!: _", s.created_at as "at!: _"
           from saved_post s join visible_post($4) p on p.post_id = s.post_id
           where s.user_id = $4"#,
        user_id as _
    )?;
    Ok(keyed(rows))
}
