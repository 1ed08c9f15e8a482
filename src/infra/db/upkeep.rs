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
    sqlx::raw_sql("drop schema if exists public cascade; create schema public")
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

/// Whether the schema `public` has a table of that name.
pub async fn has_table(conn: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
               select from pg_tables where schemaname = 'public' and tablename = $1::text
           ) as "exists!""#,
        name
    )
    .fetch_one(conn)
    .await
}

/// The server's major version.
pub async fn server_major(conn: &mut PgConnection) -> Result<u32, sqlx::Error> {
    let number = sqlx::query_scalar!(
        r#"select current_setting('server_version_num')::int / 10000 as "major!""#
    )
    .fetch_one(conn)
    .await?;
    Ok(u32::try_from(number).unwrap_or_default())
}

/// The tables of the schema `public`, with how many rows each has.
pub async fn count_rows(conn: &mut PgConnection) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let tables = sqlx::query_scalar!(
        r#"select tablename::text as "name!" from pg_tables where schemaname = 'public' order by 1"#
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut counts = Vec::new();
    for table in tables {
        // A table's name can't be a parameter; this one is the catalogue's own.
        let quoted = table.replace('"', "\"\"");
        let sql = sqlx::AssertSqlSafe(format!("select count(*) from public.\"{quoted}\""));
        let count: i64 = sqlx::query_scalar(sql).fetch_one(&mut *conn).await?;
        counts.push((table, count));
    }
    Ok(counts)
}

/// What the database says of itself, for `kith doctor`.
#[derive(Debug)]
pub struct Condition {
    /// The version in words.
    pub version: String,
    /// Its clock.
    pub now: chrono::DateTime<chrono::Utc>,
    /// Whether fuzzy search is installed or can be.
    pub has_trigrams: bool,
    /// The encoding of texts.
    pub encoding: String,
    /// Most connections that it takes.
    pub max_connections: i32,
}

/// Asks the database how it is.
pub async fn condition(conn: &mut PgConnection) -> Result<Condition, sqlx::Error> {
    sqlx::query_as!(
        Condition,
        r#"select current_setting('server_version') as "version!",
                  clock_timestamp() as "now!",
                  exists (select from pg_available_extensions where name = 'pg_trgm') as "has_trigrams!",
                  current_setting('server_encoding') as "encoding!",
                  current_setting('max_connections')::int as "max_connections!""#
    )
    .fetch_one(conn)
    .await
}
