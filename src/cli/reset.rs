//! `kith reset`: an empty schema.

use kith::admin::accounts;
use kith::infra::db::{drop_schema, has_table, migrate};
use kith::seeds::has_demo_password;
use sqlx::PgConnection;

use super::exit::{Exit, refused};
use super::tool::{load_config, named_database, with_database};
use super::{out, schema};

/// Arguments of `kith reset`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Yes, delete everything
    #[arg(long)]
    yes: bool,
    /// Even where there are people and none of them was seeded
    #[arg(long, requires = "yes")]
    people: bool,
}

/// Drops the schema and makes it anew. Production has no way to do this.
pub async fn run(args: Args) -> anyhow::Result<Exit> {
    let config = load_config()?;
    let name = named_database(&config);
    if config.is_production() {
        return Err(refused(
            "`kith reset` deletes everything and is not for production.",
        ));
    }
    if !args.yes {
        return Err(refused(format!(
            "`kith reset` deletes everything in {name}. Add --yes if you mean it.",
        )));
    }
    with_database(&config, async |database| {
        let mut conn = database.connect_to_migrate().await?;
        if !args.people && holds_people(&mut conn).await? {
            return Err(refused(format!(
                "there are people in {name}, and none of them was seeded. Add --people if they are to be deleted \
                 too.",
            )));
        }
        drop_schema(&mut conn).await?;
        migrate(database.migrate_url())
            .await
            .map_err(schema::in_words)?;
        out::line(format_args!("{name} is empty, with a new schema."))?;
        Ok(Exit::Well)
    })
    .await
}

/// Whether there are people, and nobody who was seeded beside them: they can't be had again.
async fn holds_people(conn: &mut PgConnection) -> anyhow::Result<bool> {
    // The schema may be any, or none.
    let has_both = has_table(conn, "account").await? && has_table(conn, "credential").await?;
    Ok(has_both && accounts::any(conn).await? && !has_demo_password(conn).await?)
}
