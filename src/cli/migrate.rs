//! `kith migrate`: the schema's migrations.

use kith::infra::db::{Standing, Step, migrate, migration_steps};
use serde_json::json;
use sqlx::Connection as _;

use super::exit::Exit;
use super::tool::{Database, load_config, with_database};
use super::{out, schema};

/// Arguments of `kith migrate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// List all migrations and change nothing
    #[arg(long, conflicts_with = "check")]
    status: bool,
    /// Change nothing, and exit with 3 unless the schema is the one that this program needs
    #[arg(long)]
    check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs or lists migrations.
pub async fn run(args: Args) -> anyhow::Result<Exit> {
    let config = load_config()?;
    with_database(&config, async move |database| {
        let before = steps(database).await?;
        let drifted = before.iter().any(|step| step.standing != Standing::Applied);
        if args.status || args.check {
            show(&before, args.json)?;
            tell_changed(&before);
            let found = args.check && drifted;
            return Ok(if found { Exit::Found } else { Exit::Well });
        }
        migrate(database.migrate_url())
            .await
            .map_err(schema::in_words)?;
        let ran = |step: &&Step| step.standing == Standing::Pending;
        let done: Vec<&Step> = before.iter().filter(ran).collect();
        if args.json {
            out::json(&json!({ "applied": rendered(&done) }))?;
        } else if done.is_empty() {
            out::line("The schema is up to date.")?;
        } else {
            for step in done {
                out::line(format_args!(
                    "applied {} {}",
                    step.version, step.description
                ))?;
            }
        }
        Ok(Exit::Well)
    })
    .await
}

async fn steps(database: &Database) -> anyhow::Result<Vec<Step>> {
    let mut conn = database.connect_to_migrate().await?;
    let steps = migration_steps(&mut conn).await.map_err(schema::unread)?;
    conn.close().await?;
    Ok(steps)
}

fn show(steps: &[Step], json: bool) -> anyhow::Result<()> {
    if json {
        let all: Vec<&Step> = steps.iter().collect();
        return out::json(&json!({ "migrations": rendered(&all) }));
    }
    let rows: Vec<_> = steps
        .iter()
        .map(|step| {
            [
                step.version.to_string(),
                word(step.standing).to_owned(),
                step.description.clone(),
            ]
        })
        .collect();
    out::table(["VERSION", "STATE", "DESCRIPTION"], &rows)
}

fn tell_changed(steps: &[Step]) {
    let changed = |step: &&Step| step.standing == Standing::Changed;
    let changed: Vec<i64> = steps
        .iter()
        .filter(changed)
        .map(|step| step.version)
        .collect();
    if !changed.is_empty() {
        eprintln!("{}", schema::changed_in_words(&changed));
    }
}

fn rendered(steps: &[&Step]) -> Vec<serde_json::Value> {
    let render = |step: &&Step| {
        json!({
            "version": step.version,
            "description": step.description,
            "state": word(step.standing),
        })
    };
    steps.iter().map(render).collect()
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Applied => "applied",
        Standing::Pending => "pending",
        Standing::Unknown => "unknown",
        Standing::Changed => "changed",
    }
}
