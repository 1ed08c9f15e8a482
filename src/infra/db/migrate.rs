//! The schema's migrations, compiled into the program.

use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::{Connection, PgConnection};

/// Every migration of this version.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// How the database's schema differs from the one that this program was built for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// They are the same.
    None,
    /// Migrations (by description) that have not run yet.
    TooOld(Vec<String>),
    /// Migrations (by version) that this program does not know: it is older than the database.
    TooNew(Vec<i64>),
}

/// Runs what is missing, under sqlx's advisory lock, so that two starters do not collide.
pub async fn migrate(url: &str) -> Result<(), MigrateError> {
    let mut conn = PgConnection::connect(url).await?;
    MIGRATOR.run(&mut conn).await?;
    conn.close().await?;
    Ok(())
}

/// Compares the database's migrations with the program's.
pub async fn schema_drift(conn: &mut PgConnection) -> Result<Drift, MigrateError> {
    // Asked first, because the application's role may not create the table.
    let exists: Option<bool> = sqlx::query_scalar("select to_regclass($1) is not null")
        .bind(MIGRATOR.table_name.as_ref())
        .fetch_one(&mut *conn)
        .await?;
    let applied = if exists == Some(true) {
        conn.list_applied_migrations(&MIGRATOR.table_name).await?
    } else {
        Vec::new()
    };
    let unknown: Vec<i64> = applied
        .iter()
        .map(|migration| migration.version)
        .filter(|version| !MIGRATOR.version_exists(*version))
        .collect();
    if !unknown.is_empty() {
        return Ok(Drift::TooNew(unknown));
    }
    let missing: Vec<String> = MIGRATOR
        .iter()
        .filter(|migration| !applied.iter().any(|done| done.version == migration.version))
        .map(|migration| migration.description.to_string())
        .collect();
    Ok(if missing.is_empty() {
        Drift::None
    } else {
        Drift::TooOld(missing)
    })
}
