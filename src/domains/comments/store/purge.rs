//! The end of comments whose posts were deleted long ago.

use crate::infra::db::Conn;
use crate::kernel::{CommentId, Result, Timestamp};

/// Locks some comments that nothing answers, of posts that were deleted before `before`.
pub async fn lock_purgeable(
    conn: &mut Conn,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<CommentId>> {
    Ok(sqlx::query_scalar!(
        r#"select c.comment_id as "comment_id: _"
           from post p join comment c on c.post_id = p.post_id
           where p.deleted_at < $1
             and not exists (select from comment r where r.parent_id = c.comment_id)
           order by p.deleted_at limit $2
           for update of c skip locked"#,
        before as _,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Deletes comments for good, with their counters.
pub async fn purge(conn: &mut Conn, ids: &[CommentId]) -> Result<()> {
    sqlx::query!(
        "with counter as (delete from comment_counter where comment_id = any($1))
         delete from comment where comment_id = any($1)",
        ids as _
    )
    .execute(conn)
    .await?;
    Ok(())
}
