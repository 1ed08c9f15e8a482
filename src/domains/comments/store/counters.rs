//! Counters of replies. One that has drifted down stops at nought.

use sqlx::Connection as _;

use crate::infra::db::Conn;
use crate::kernel::{CommentId, Result};

/// How many replies some comments have that are not deleted.
pub async fn list_counters(conn: &mut Conn, ids: &[CommentId]) -> Result<Vec<(CommentId, i32)>> {
    let rows = sqlx::query!(
        r#"select comment_id as "comment_id: CommentId", replies
           from comment_counter where comment_id = any(array(select unnest($1::uuid[])))"#,
        ids as _
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.comment_id, row.replies))
        .collect())
}

/// Adds to the number of a comment's replies. Call it last, before the post's counter.
pub async fn bump_replies(conn: &mut Conn, comment_id: CommentId, change: i32) -> Result<()> {
    sqlx::query!(
        "update comment_counter set replies = greatest(replies + $2, 0) where comment_id = $1",
        comment_id as _,
        change
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts all replies anew; says how many comments' counters had drifted. Under a deleted post they are
/// left as they are: its comments go one after the other.
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
         join post p on p.post_id = c.post_id and p.deleted_at is null
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
