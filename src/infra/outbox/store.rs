//! The SQL of the table `outbox`.

use serde_json::Value;

use crate::infra::db::Conn;
use crate::kernel::{Result, Timestamp};

/// Adds an event.
pub async fn insert(conn: &mut Conn, event: &str, payload: &Value, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "insert into outbox (event, payload, created_at) values ($1, $2, $3)",
        event,
        payload,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An event that waits.
#[derive(Debug)]
pub struct Waiting {
    /// Its row.
    pub outbox_id: i64,
    /// Its name.
    pub event: String,
    /// What it says.
    pub payload: Value,
}

/// Locks the oldest events of these names that are not delivered and that nobody else delivers.
pub async fn lock_waiting(conn: &mut Conn, names: &[String], limit: usize) -> Result<Vec<Waiting>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Ok(sqlx::query_as!(
        Waiting,
        "select outbox_id, event, payload from outbox
         where delivered_at is null and event = any($1)
         order by outbox_id limit $2
         for update skip locked",
        names,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Says that these events are delivered.
pub async fn set_delivered(conn: &mut Conn, ids: &[i64], now: Timestamp) -> Result<()> {
    sqlx::query!(
        "update outbox set delivered_at = $2 where outbox_id = any(array(select unnest($1::bigint[])))",
        ids,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes some events that were delivered before `before`, and says how many.
pub async fn forget_delivered(conn: &mut Conn, before: Timestamp, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "delete from outbox where outbox_id in (
             select outbox_id from outbox where delivered_at < $1 order by delivered_at limit $2)",
        before as _,
        limit
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// When the oldest event was made that is not delivered yet.
pub async fn oldest_undelivered(conn: &mut Conn) -> Result<Option<Timestamp>> {
    Ok(sqlx::query_scalar!(
        r#"select created_at as "created_at: _" from outbox
           where delivered_at is null order by outbox_id limit 1"#
    )
    .fetch_optional(conn)
    .await?)
}
