//! Bringing the database's schema and the program together before anything else is done.

use std::str::FromStr as _;
use std::time::Duration;

use anyhow::bail;
use kith::infra::db::{Drift, migrate, schema_drift};
use kith::seeds::has_demo_password;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};

use super::causes;
use super::tool::Database;

/// Between two tries to reach the database.
const PAUSE: Duration = Duration::from_millis(500);
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Migrates as soon as the database at `url` can be reached, however long that takes. `setting` names it.
pub async fn wait_and_migrate(url: &str, setting: &str) -> anyhow::Result<()> {
    let mut said = false;
    loop {
        match migrate(url).await {
            Ok(()) => return Ok(()),
            Err(MigrateError::Execute(error)) if is_away(&error) => {
                if !said {
                    tracing::warn!(%error, "Postgres can't be reached: trying again until it can");
                }
                said = true;
                tokio::time::sleep(PAUSE).await;
            }
            Err(MigrateError::Execute(error)) => return Err(unusable(error, url, setting)),
            Err(error) => return Err(in_words(error)),
        }
    }
}

/// Refuses a schema that doesn't fit. A database that can't be reached is no refusal.
pub async fn refuse_drift(database: &Database) -> anyhow::Result<()> {
    match drift(database).await {
        Ok(drift) => check(&drift),
        Err(error) if error.downcast_ref().is_some_and(is_away) => {
            let error = causes::told(&error);
            tracing::warn!(error, "Postgres can't be reached: not ready until it can");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Refuses to serve people whose password is public. A database that can't be reached is no refusal.
pub async fn refuse_demo(database: &Database) -> anyhow::Result<()> {
    let Ok(mut conn) = database.connect().await else {
        return Ok(());
    };
    let found = has_demo_password(&mut conn).await?;
    conn.close().await?;
    if found {
        bail!(
            "this database holds demo data: people who sign in with a password that is public. The \
             production profile does not serve it. Use another database, or KITH_ENV=dev."
        );
    }
    Ok(())
}

/// Refuses a schema that doesn't fit, or a database that can't be reached.
pub async fn require(database: &Database) -> anyhow::Result<()> {
    check(&drift(database).await?)
}

fn check(drift: &Drift) -> anyhow::Result<()> {
    match drift {
        Drift::None => Ok(()),
        Drift::TooOld(missing) => bail!(
            "the database's schema is older than this program: {}. Run `kith migrate`; \
             `kith migrate --check` lists them.",
            pending(missing.len())
        ),
        Drift::TooNew(unknown) => bail!(
            "the database's schema is newer than this program, which does not know the migrations \
             {unknown:?}. Run the version of kith that made it, or a later one; \
             `kith migrate --status` lists what is there."
        ),
        Drift::Changed(changed) => bail!(changed_in_words(changed)),
    }
}

/// How many migrations have yet to run.
pub fn pending(count: usize) -> String {
    if count == 1 {
        "1 migration is pending".to_owned()
    } else {
        format!("{count} migrations are pending")
    }
}

/// What it means that migrations ran with another text, and what to do about it.
pub fn changed_in_words(versions: &[i64]) -> String {
    format!(
        "the migrations {versions:?} ran on this database with another text than this program has. {CHANGED_FIX}"
    )
}

/// What to do about migrations that were changed after they had run.
pub const CHANGED_FIX: &str = "Run the release of kith that ran them, or build this one with their files as they \
                               were then. In development, `kith reset --yes` makes the schema anew and deletes \
                               everything.";

async fn drift(database: &Database) -> anyhow::Result<Drift> {
    let mut conn = database.connect().await?;
    let drift = schema_drift(&mut conn).await.map_err(unread)?;
    conn.close().await?;
    Ok(drift)
}

/// A connection, or an error after a few seconds, which tells the place and the setting that names it.
pub async fn connect(url: &str, setting: &str) -> anyhow::Result<PgConnection> {
    let connected = tokio::time::timeout(PATIENCE, PgConnection::connect(url))
        .await
        .unwrap_or_else(|_late| {
            let late = "no answer within five seconds";
            Err(std::io::Error::new(std::io::ErrorKind::TimedOut, late).into())
        });
    connected.map_err(|error| unusable(error, url, setting))
}

fn unusable(error: sqlx::Error, url: &str, setting: &str) -> anyhow::Error {
    let place = place(url);
    anyhow::Error::new(error).context(format!("the database {place} can't be used ({setting})"))
}

/// Host, port and name of the database; nothing of who signs in.
pub fn place(url: &str) -> String {
    let Ok(options) = PgConnectOptions::from_str(url) else {
        return String::new();
    };
    let host = match options.get_socket() {
        Some(folder) => folder.display().to_string(),
        None => options.get_host().to_owned(),
    };
    let name = options.get_database().unwrap_or_default();
    format!("{host}:{}/{name}", options.get_port())
}

/// Whether the database may answer later: it can't be reached, is starting, or is full.
fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => error
            .code()
            .is_some_and(|code| matches!(&*code, "57P01" | "57P02" | "57P03" | "53300")),
        _ => false,
    }
}

/// The migrations that ran could not be looked up: nothing was run.
pub fn unread(error: MigrateError) -> anyhow::Error {
    let error = match error {
        MigrateError::Execute(error) => anyhow::Error::new(error),
        other => anyhow::Error::new(other),
    };
    error.context("the migrations that have run can't be read")
}

/// What a failed migration means.
pub fn in_words(error: MigrateError) -> anyhow::Error {
    match error {
        MigrateError::VersionMissing(version) => anyhow::anyhow!(
            "the database has the migration {version}, which this program does not know: it is \
             older than the database. Run the version of kith that made it, or a later one."
        ),
        MigrateError::VersionMismatch(version) => {
            anyhow::anyhow!(changed_in_words(&[version]))
        }
        error => anyhow::Error::new(error).context("could not migrate the database"),
    }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_place_says_nothing_of_who_signs_in() {
        for (url, said) in [
            (
                "postgres://me:hunter2@db.example.org/kith",
                "db.example.org:5432/kith",
            ),
            (
                "postgres://me@localhost:6543/kith?host=/run/pg",
                "/run/pg:6543/kith",
            ),
        ] {
            assert_eq!(place(url), said);
        }
    }
}
