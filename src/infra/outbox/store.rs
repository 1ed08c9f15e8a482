//! The SQL of the table `outbox`, and that of how its events become rows of `job`. Those get their ids from
//! Postgres, at random: when they are due says their order.

use sqlx::PgPool;

use crate::infra::db::Conn;
use crate::kernel::{Result, Timestamp};

/// Makes of the oldest events that are not delivered, and that nobody else delivers, a job for each
/// pair of event and handler; says how many events that were. The jobs are due in the order of their
/// events.
pub async fn deliver(
    pool: &PgPool,
    known: &[String],
    pairs: &[(String, String)],
    limit: usize,
    now: Timestamp,
) -> Result<usize> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let (events, handlers): (Vec<String>, Vec<String>) = pairs.iter().cloned().unzip();
    let delivered = sqlx::query_scalar!(
        r#"with waiting as materialized (
               select outbox_id, event, payload from outbox
               where delivered_at is null and event = any($1)
               order by outbox_id limit $2
               for update skip locked
           ), marked as (
               update outbox set delivered_at = $3
               where outbox_id = any(array(select outbox_id from waiting))
           ), queued as (
               insert into job (job_id, name, payload, run_at, created_at)
               select gen_random_uuid(), handler, payload,
                      $3 - (count(*) over () - row_number() over (order by outbox_id, place))
                           * interval '1 microsecond',
                      $3
               from waiting
               join unnest((select $4::text[]), (select $5::text[]))
                    with ordinality as pair (event, handler, place) using (event)
           )
           select count(*) as "delivered!" from waiting"#,
        known,
        limit,
        now as _,
        &events,
        &handlers
    )
    .fetch_one(pool)
    .await?;
    Ok(usize::try_from(delivered).unwrap_or_default())
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
