//! The SQL of announcements.

use uuid::Uuid;

use super::Announcement;
use crate::infra::db::Conn;
use crate::kernel::{Result, Timestamp, UserId};

/// Adds one.
pub(super) async fn insert(
    conn: &mut Conn,
    announcement: &Announcement,
    by: Option<UserId>,
) -> Result<()> {
    sqlx::query!(
        "insert into announcement (announcement_id, content, created_by, created_at)
         values ($1, $2, $3, $4)",
        announcement.id,
        announcement.content,
        by as _,
        announcement.created_at as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Those with these ids.
pub(super) async fn list(conn: &mut Conn, ids: &[Uuid]) -> Result<Vec<Announcement>> {
    Ok(sqlx::query_as!(
        Announcement,
        r#"select announcement_id as id, content, created_at as "created_at: Timestamp"
           from announcement where announcement_id = any($1)"#,
        ids
    )
    .fetch_all(conn)
    .await?)
}
