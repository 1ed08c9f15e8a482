//! The schema's migrations, compiled into the program.

use sqlx::migrate::{Migrate, MigrateError, Migration, Migrator};
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
    /// Migrations (by version) that ran with another text than the one that this program has.
    Changed(Vec<i64>),
}

/// Runs what is missing, under sqlx's advisory lock, so that two starters do not collide.
pub async fn migrate(url: &str) -> Result<(), MigrateError> {
    let mut conn = PgConnection::connect(url).await?;
    // That what is there already is left alone is no news at each start.
    sqlx::raw_sql("set client_min_messages = warning")
        .execute(&mut conn)
        .await?;
    MIGRATOR.run(&mut conn).await?;
    conn.close().await?;
    Ok(())
}

/// Where one migration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has run.
    Applied,
    /// It has yet to run.
    Pending,
    /// It has run, but this program does not know it.
    Unknown,
    /// It has run, with another text than the one that this program has.
    Changed,
}

/// A migration of the program or of the database.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its number.
    pub version: i64,
    /// What it is about; empty where only the database knows it.
    pub description: String,
    /// Where it stands.
    pub standing: Standing,
}

/// Every migration that the program or the database knows, in order.
pub async fn migration_steps(conn: &mut PgConnection) -> Result<Vec<Step>, MigrateError> {
    // Asked first, because the application's role may not create the table.
    let exists: Option<bool> = sqlx::query_scalar("select to_regclass($1) is not null")
        .bind(MIGRATOR.table_name.as_ref())
        .fetch_one(&mut *conn)
        .await?;
    let mut applied = Vec::new();
    if exists == Some(true) {
        applied = conn.list_applied_migrations(&MIGRATOR.table_name).await?;
    }
    let standing = |migration: &Migration| {
        let ran = applied.iter().find(|ran| ran.version == migration.version);
        match ran {
            None => Standing::Pending,
            Some(ran) if ran.checksum == migration.checksum => Standing::Applied,
            Some(_other_text) => Standing::Changed,
        }
    };
    let mut steps: Vec<Step> = MIGRATOR
        .iter()
        .map(|migration| Step {
            version: migration.version,
            description: migration.description.to_string(),
            standing: standing(migration),
        })
        .collect();
    let unknown = applied
        .iter()
        .map(|ran| ran.version)
        .filter(|version| !MIGRATOR.version_exists(*version));
    steps.extend(unknown.map(|version| Step {
        version,
        description: String::new(),
        standing: Standing::Unknown,
    }));
    steps.sort_by_key(|step| step.version);
    Ok(steps)
}

/// Compares the database's migrations with the program's.
pub async fn schema_drift(conn: &mut PgConnection) -> Result<Drift, MigrateError> {
    let steps = migration_steps(conn).await?;
    let of = |standing| steps.iter().filter(move |step| step.standing == standing);
    let versions = |standing| of(standing).map(|step| step.version).collect::<Vec<i64>>();
    let unknown = versions(Standing::Unknown);
    if !unknown.is_empty() {
        return Ok(Drift::TooNew(unknown));
    }
    let changed = versions(Standing::Changed);
    if !changed.is_empty() {
        return Ok(Drift::Changed(changed));
    }
    let missing: Vec<String> = of(Standing::Pending)
        .map(|step| step.description.clone())
        .collect();
    Ok(if missing.is_empty() {
        Drift::None
    } else {
        Drift::TooOld(missing)
    })
}
