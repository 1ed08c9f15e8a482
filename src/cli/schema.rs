//! Bringing the database's schema and the program together before anything else is done.

use std::time::Duration;

use anyhow::{Context as _, bail};
use kith::infra::db::{Drift, migrate, schema_drift};
use kith::seeds::has_demo_password;
use sqlx::migrate::MigrateError;
use sqlx::{Connection as _, PgConnection};

/// Between two tries to reach the database.
const PAUSE: Duration = Duration::from_millis(500);
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Migrates as soon as the database can be reached, however long that takes.
pub async fn wait_and_migrate(url: &str) -> anyhow::Result<()> {
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
            Err(error) => return Err(in_words(error)),
        }
    }
}

/// Refuses a schema that doesn't fit. A database that can't be reached is no refusal.
pub async fn refuse_drift(url: &str) -> anyhow::Result<()> {
    match drift(url).await {
        Ok(drift) => check(&drift),
        Err(error) if error.downcast_ref().is_some_and(is_away) => {
            tracing::warn!(%error, "Postgres can't be reached: not ready until it can");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Refuses to serve people whose password is public. A database that can't be reached is no refusal.
pub async fn refuse_demo(url: &str) -> anyhow::Result<()> {
    let Ok(mut conn) = connect(url).await else {
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
pub async fn require(url: &str) -> anyhow::Result<()> {
    let drift = drift(url)
        .await
        .context("the database can't be used (DATABASE_URL)")?;
    check(&drift)
}

fn check(drift: &Drift) -> anyhow::Result<()> {
    match drift {
        Drift::None => Ok(()),
        Drift::TooOld(missing) => bail!(
            "the database's schema is older than this program: {} pending ({}). Run `kith migrate`.",
            if missing.len() == 1 {
                "1 migration is".to_owned()
            } else {
                format!("{} migrations are", missing.len())
            },
            missing.join(", ")
        ),
        Drift::TooNew(unknown) => bail!(
            "the database's schema is newer than this program, which does not know the migrations \
             {unknown:?}. Run the version of kith that made it, or a later one; \
             `kith migrate --status` lists what is there."
        ),
    }
}

async fn drift(url: &str) -> anyhow::Result<Drift> {
    let mut conn = connect(url).await?;
    let drift = schema_drift(&mut conn).await?;
    conn.close().await?;
    Ok(drift)
}

/// A connection, or an error after a few seconds.
pub async fn connect(url: &str) -> Result<PgConnection, sqlx::Error> {
    tokio::time::timeout(PATIENCE, PgConnection::connect(url))
        .await
        .unwrap_or_else(|_late| {
            let late = "no answer within five seconds";
            Err(std::io::Error::new(std::io::ErrorKind::TimedOut, late).into())
        })
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

/// What a failed migration means.
pub fn in_words(error: MigrateError) -> anyhow::Error {
    match error {
        MigrateError::VersionMissing(version) => anyhow::anyhow!(
            "the database has the migration {version}, which this program does not know: it is \
             older than the database. Run the version of kith that made it, or a later one."
        ),
        MigrateError::VersionMismatch(version) => anyhow::anyhow!(
            "the migration {version} was changed after it had run on this database. In \
             development, `kith reset --yes` makes the schema anew."
        ),
        error => anyhow::Error::new(error).context("could not migrate the database"),
    }
}
