//! What operators do to the whole database.

use sqlx::{Connection as _, PgConnection};

/// Lets the statements of this transaction take as long as they need.
pub async fn lift_timeouts(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("set local statement_timeout = 0; set local lock_timeout = 0")
        .execute(conn)
        .await?;
    Ok(())
}

/// Drops everything in the schema `public`, migrations included.
pub async fn drop_schema(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut transaction = conn.begin().await?;
    sqlx::raw_sql("drop schema public cascade; create schema public")
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

/// Whether the schema `public` has no table.
pub async fn is_empty(conn: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select not exists (select from pg_tables where schemaname = 'public') as "empty!""#
    )
    .fetch_one(conn)
    .await
}

/// Starts another series of cache epochs and positions, above all that the database may have given
/// out after the backup was made: no cache entry of that lost time is ever taken for a present one.
/// Microseconds since 1970 grow faster than either can be counted up.
pub async fn start_new_series(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from cache_epoch")
        .execute(&mut *conn)
        .await?;
    for (table, column) in [("cache_epoch", "epoch"), ("cache_void", "cache_void_id")] {
        sqlx::query!(
            "with sequence as (select pg_get_serial_sequence($1, $2)::regclass as name)
             select setval(name, greatest(nextval(name),
                                          (extract(epoch from clock_timestamp()) * 1000000)::bigint))
             from sequence",
            table,
            column
        )
        .fetch_one(&mut *conn)
        .await?;
    }
    Ok(())
}
