//! The beginnings of threads, without a viewer, for the cache.

use std::hash::Hash;

use crate::infra::db::Conn;
use crate::kernel::ids::Id as _;
use crate::kernel::kept::Head;
use crate::kernel::page::TimeKey;
use crate::kernel::{CommentId, PostId, Result, Timestamp, UserId, gathered};

/// A comment in a thread and who wrote it, which decides who is not shown it.
pub type Listed = (CommentId, UserId);

/// A row of a head, with the key of the thread that it belongs to.
struct HeadRow<K> {
    thread: K,
    comment_id: CommentId,
    author_id: UserId,
    created_at: Timestamp,
}

fn heads<K: Copy + Eq + Hash>(threads: &[K], rows: Vec<HeadRow<K>>) -> Vec<(K, Head<Listed>)> {
    let found = rows.into_iter().map(|row| {
        let key = TimeKey(row.created_at, row.comment_id.uuid());
        (row.thread, (key, (row.comment_id, row.author_id)))
    });
    let heads = gathered(threads, found).into_iter();
    heads
        .map(|(thread, rows)| (thread, Head::new(rows)))
        .collect()
}

/// The first comments on some posts, oldest first.
pub async fn list_oldest(
    conn: &mut Conn,
    post_ids: &[PostId],
) -> Result<Vec<(PostId, Head<Listed>)>> {
    let rows = sqlx::query_as!(
        HeadRow::<PostId>,
        r#"select post.id as "thread!: _", c.comment_id as "comment_id!: _",
                  c.author_id as "author_id!: _", c.created_at as "created_at!: _"
           from unnest($1::uuid[]) as post (id)
           cross join lateral (
               select * from standing_comment() c
               where c.post_id = post.id and c.parent_id is null
               order by c.created_at, c.comment_id limit $2
           ) c
           order by post.id, c.created_at, c.comment_id"#,
        post_ids as _,
        Head::<Listed>::FETCH
    )
    .fetch_all(conn)
    .await?;
    Ok(heads(post_ids, rows))
}

/// The last comments on some posts, newest first.
pub async fn list_newest(
    conn: &mut Conn,
    post_ids: &[PostId],
) -> Result<Vec<(PostId, Head<Listed>)>> {
    let rows = sqlx::query_as!(
        HeadRow::<PostId>,
        r#"select post.id as "thread!: _", c.comment_id as "comment_id!: _",
                  c.author_id as "author_id!: _", c.created_at as "created_at!: _"
           from unnest($1::uuid[]) as post (id)
           cross join lateral (
               select * from standing_comment() c
               where c.post_id = post.id and c.parent_id is null
               order by c.created_at desc, c.comment_id desc limit $2
           ) c
           order by post.id, c.created_at desc, c.comment_id desc"#,
        post_ids as _,
        Head::<Listed>::FETCH
    )
    .fetch_all(conn)
    .await?;
    Ok(heads(post_ids, rows))
}

/// The first replies to some comments, oldest first.
pub async fn list_replies(
    conn: &mut Conn,
    keys: &[(PostId, CommentId)],
) -> Result<Vec<((PostId, CommentId), Head<Listed>)>> {
    let parents: Vec<CommentId> = keys.iter().map(|(_, parent)| *parent).collect();
    let rows = sqlx::query_as!(
        HeadRow::<CommentId>,
        r#"select parent.id as "thread!: _", c.comment_id as "comment_id!: _",
                  c.author_id as "author_id!: _", c.created_at as "created_at!: _"
           from unnest($1::uuid[]) as parent (id)
           cross join lateral (
               select * from standing_comment() c where c.parent_id = parent.id
               order by c.created_at, c.comment_id limit $2
           ) c
           order by parent.id, c.created_at, c.comment_id"#,
        &parents as _,
        Head::<Listed>::FETCH
    )
    .fetch_all(conn)
    .await?;
    let heads = heads(&parents, rows).into_iter();
    Ok(keys
        .iter()
        .zip(heads)
        .map(|(key, (_, head))| (*key, head))
        .collect())
}
