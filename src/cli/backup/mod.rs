//! `kith backup` and `kith restore`: the database as one file, by Postgres' own programs.

mod program;
mod target;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use kith::infra::cache;
use kith::infra::db::{
    Standing, count_rows, drop_schema, is_empty, migrate, migration_steps, server_major,
};
use kith::infra::servers::{PostgresClient, find_postgres_client};
use kith::platform::config::Config;
use kith::platform::realtime;
use serde_json::{Map, Value, json};
use sqlx::{Connection as _, PgConnection};
use tokio::process::Command;

use self::program::run;
use self::target::Target;
use super::exit::{Exit, refused};
use super::tool::{Database, load_config, named_database, with_database};
use super::{out, schema};

/// Arguments of `kith backup`.
#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// The file; one that exists is replaced when the new one is whole
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Writes the database to a file that only its owner may read.
pub async fn backup(args: BackupArgs) -> anyhow::Result<Exit> {
    let config = load_config()?;
    with_database(&config, async |database| {
        let (client, server) = client("pg_dump", database).await?;
        if is_too_late(client.major, server) {
            tracing::warn!(
                "{} is of version {} and the server of version {server}: only a Postgres of version \
                 {SAYS_MORE} or later takes this backup back. The client programs of version {server} make \
                 one for this server.",
                client.program.display(),
                client.major
            );
        }
        refuse_nothing(database).await?;
        let folder = match args.file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        // Of mode 0600, and gone again unless the dump succeeds.
        let draft = tempfile::Builder::new()
            .prefix(".kith-backup-")
            .tempfile_in(folder)
            .with_context(|| format!("could not write in {}", folder.display()))?;
        let target = Target::parse(database.migrate_url());
        let mut command = target.command(&client.program);
        command
            .args(["--format=custom", "--no-owner", "--no-privileges"])
            .arg("--file")
            .arg(draft.path());
        run(command, "writing the backup").await?;
        draft.as_file().sync_all()?;
        let bytes = draft.as_file().metadata()?.len();
        draft
            .persist(&args.file)
            .with_context(|| format!("could not write {}", args.file.display()))?;
        if args.json {
            out::json(&json!({ "file": args.file, "bytes": bytes }))?;
        } else {
            out::line(format_args!("{}: {bytes} bytes", args.file.display()))?;
        }
        Ok(Exit::Well)
    })
    .await
}

/// Refuses a database that kith has never used: a file of it would be no backup.
async fn refuse_nothing(database: &Database) -> anyhow::Result<()> {
    let mut conn = database.connect_to_migrate().await?;
    let steps = migration_steps(&mut conn).await.map_err(schema::unread)?;
    conn.close().await?;
    if steps.iter().any(|step| step.standing != Standing::Pending) {
        return Ok(());
    }
    let (place, setting) = (
        schema::place(database.migrate_url()),
        database.migrate_setting(),
    );
    bail!(
        "there is nothing to back up: the database {place} ({setting}) has no schema of kith. If that is the \
         right one, `kith migrate` makes it."
    )
}

/// Arguments of `kith restore`.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// The file
    file: PathBuf,
    /// Delete what is in the database first
    #[arg(long, requires = "yes")]
    replace: bool,
    /// Yes, delete what is in the database
    #[arg(long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Reads a file into a database, brings the schema up to date and starts another series of epochs.
pub async fn restore(args: RestoreArgs) -> anyhow::Result<Exit> {
    let config: Config = load_config()?;
    let name = named_database(&config);
    if !args.file.is_file() {
        return Err(refused(format!("there is no file {}", args.file.display())));
    }
    with_database(&config, async |database| {
        let (client, server) = client("pg_restore", database).await?;
        refuse_too_late(&client, server)?;
        let program = client.program;
        let target = Target::parse(database.migrate_url());
        check_readable(&program, &args.file).await?;
        let mut conn = database.connect_to_migrate().await?;
        if !is_empty(&mut conn).await? {
            if !args.replace {
                return Err(refused(format!(
                    "{name} is not empty. Restore into an empty database, or add --replace --yes to delete \
                     what is there.",
                )));
            }
            drop_schema(&mut conn).await?;
        }
        let mut command = target.command(&program);
        command
            .args(["--no-owner", "--no-privileges", "--no-comments"])
            // All of it or nothing.
            .args(["--single-transaction", "--exit-on-error"])
            .arg(&args.file);
        run(command, "reading the backup")
            .await
            .with_context(|| format!("nothing was restored: {name} is empty"))?;
        migrate(database.migrate_url())
            .await
            .map_err(schema::in_words)?;
        cache::store::start_new_series(&mut conn).await?;
        realtime::start_new_series(&mut conn).await?;
        report(&mut conn, &name, args.json).await?;
        conn.close().await?;
        Ok(Exit::Well)
    })
    .await
}

/// Refuses a file that is no backup, or not all of one, before anything is deleted for it.
async fn check_readable(program: &Path, file: &Path) -> anyhow::Result<()> {
    let broken = || format!("{} is not a whole backup", file.display());
    let mut listing = Command::new(program);
    listing.arg("--list").arg(file);
    let listed = run(listing, "looking at the backup")
        .await
        .with_context(broken)?;
    if !listed.contains("TABLE DATA public _sqlx_migrations") {
        bail!("{} is not a backup of kith", file.display());
    }
    // A list is read from the head of the file; only what is decoded to its end is known to be there.
    let mut decoding = Command::new(program);
    decoding.arg("--file=/dev/null").arg(file);
    run(decoding, "checking the backup")
        .await
        .with_context(broken)?;
    Ok(())
}

async fn report(conn: &mut PgConnection, name: &str, as_json: bool) -> anyhow::Result<()> {
    let counts = count_rows(conn).await?;
    if as_json {
        let rows: Map<String, Value> = counts
            .into_iter()
            .map(|(table, count)| (table, json!(count)))
            .collect();
        return out::json(&json!({ "rows": rows }));
    }
    out::line(format_args!("Restored into {name}."))?;
    let rows: Vec<_> = counts
        .into_iter()
        .map(|(table, count)| [table, count.to_string()])
        .collect();
    out::table(["TABLE", "ROWS"], &rows)
}

/// From this version on, `pg_restore` begins with a setting that no older server knows, and what `pg_dump` writes
/// is read by no older `pg_restore`.
const SAYS_MORE: u32 = 17;

/// Whether a client program says what this server doesn't take.
fn is_too_late(client: u32, server: u32) -> bool {
    client >= SAYS_MORE && server < SAYS_MORE
}

/// Refuses a program whose first word the server refuses, before anything is deleted for it.
fn refuse_too_late(client: &PostgresClient, server: u32) -> anyhow::Result<()> {
    if !is_too_late(client.major, server) {
        return Ok(());
    }
    bail!(
        "{} is of version {} and can't restore into a Postgres of version {server}. Nothing was changed. Install \
         the client programs of version {server} (Debian, Ubuntu: postgresql-client-{server}).",
        client.program.display(),
        client.major
    )
}

/// The program of that name that suits the database's version, and that version.
async fn client(name: &str, database: &Database) -> anyhow::Result<(PostgresClient, u32)> {
    let mut conn = database.connect_to_migrate().await?;
    let major = server_major(&mut conn).await?;
    conn.close().await?;
    Ok((find_postgres_client(name, major)?, major))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_says_more_than_the_server_takes_is_refused() {
        for (major, server, refused) in [
            (15, 15, false),
            (16, 15, false),
            (17, 15, true),
            (18, 16, true),
            (18, 17, false),
        ] {
            let program = PathBuf::from("/bin/pg_restore");
            let outcome = refuse_too_late(&PostgresClient { major, program }, server);
            assert_eq!(outcome.is_err(), refused, "{major} on {server}");
        }
    }
}
