//! The newest post that a person has seen.

use crate::infra::db::Conn;
use crate::kernel::{PostId, Result, Timestamp, UserId};

/// How far somebody has read.
#[derive(Debug)]
pub struct MarkerRow {
    /// The newest post that they have seen.
    pub post_id: PostId,
    /// When that was made.
    pub created_at: Timestamp,
}

/// How far a person has read.
pub async fn find_marker(conn: &mut Conn, user_id: UserId) -> Result<Option<MarkerRow>> {
    Ok(sqlx::query_as!(
        MarkerRow,
        r#"select post_id as "post_id: _", created_at as "created_at: _"
           from feed_marker where user_id = $1"#,
        user_id as _
    )
    .fetch_optional(conn)
    .await?)
}

/// Moves a person's marker to a post, unless it stands at a newer one.
pub async fn advance_marker(
    conn: &mut Conn,
    user_id: UserId,
    post_id: PostId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into feed_marker as m (user_id, post_id, created_at, updated_at)
         select $1, p.post_id, p.created_at, $3 from post p where p.post_id = $2
         on conflict (user_id) do update
         set post_id = excluded.post_id, created_at = excluded.created_at,
             updated_at = excluded.updated_at
         where (m.created_at, m.post_id) < (excluded.created_at, excluded.post_id)",
        user_id as _,
        post_id as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}
