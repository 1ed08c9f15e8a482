//! What is asked of a private Postgres itself.

use anyhow::Context;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};

/// The folder that the server behind `options` keeps its data in. Ends the connection.
pub(super) async fn data_directory(options: &PgConnectOptions) -> sqlx::Result<String> {
    let mut conn = options.connect().await?;
    let dir = sqlx::query_scalar!(r#"select current_setting('data_directory') as "dir!""#)
        .fetch_one(&mut conn)
        .await?;
    conn.close().await?;
    Ok(dir)
}

/// Makes the database `kith` unless it is there.
pub(super) async fn create_database(options: &PgConnectOptions) -> anyhow::Result<()> {
    let mut conn = options.connect().await?;
    if !database_exists(&mut conn).await? {
        sqlx::raw_sql("create database kith")
            .execute(&mut conn)
            .await
            .context("could not create the database kith")?;
    }
    conn.close().await?;
    Ok(())
}

async fn database_exists(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from pg_database where datname = 'kith') as "exists!""#
    )
    .fetch_one(conn)
    .await
}
