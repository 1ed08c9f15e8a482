//! The end of posts that were deleted long ago.

use crate::infra::db::Conn;
use crate::kernel::{PostId, Result, Timestamp};

/// Locks some posts that were deleted before `before`, have no comments left and are ranked nowhere: those
/// rows are other domains', whose own jobs delete them.
pub async fn lock_purgeable(conn: &mut Conn, before: Timestamp, limit: i64) -> Result<Vec<PostId>> {
    Ok(sqlx::query_scalar!(
        r#"select p.post_id as "post_id: _" from post p
           where p.deleted_at < $1
             and not exists (select from comment c where c.post_id = p.post_id)
             and not exists (select from trending_post t where t.post_id = p.post_id)
           order by p.deleted_at limit $2
           for update of p skip locked"#,
        before as _,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Deletes posts for good, with everything of theirs that this domain keeps.
pub async fn purge(conn: &mut Conn, ids: &[PostId]) -> Result<()> {
    sqlx::query!(
        "with audience as (delete from post_audience where post_id = any($1)),
              revision as (delete from post_revision where post_id = any($1)),
              counter as (delete from post_counter where post_id = any($1)),
              hashtag as (delete from post_hashtag where post_id = any($1)),
              saved as (delete from saved_post where post_id = any($1)),
              hidden as (delete from hidden_post where post_id = any($1)),
              muted as (delete from muted_post where post_id = any($1))
         delete from post where post_id = any($1)",
        ids as _
    )
    .execute(conn)
    .await?;
    Ok(())
}
