//! `kith reset`: an empty schema.

use kith::infra::db::{drop_schema, migrate};

use super::exit::{Exit, refused};
use super::tool::{load_config, with_database};
use super::{out, schema};

/// Arguments of `kith reset`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Yes, delete everything
    #[arg(long)]
    yes: bool,
}

/// Drops the schema and makes it anew. Production has no way to do this.
pub async fn run(args: Args) -> anyhow::Result<Exit> {
    let config = load_config()?;
    if config.is_production() {
        return Err(refused(
            "`kith reset` deletes everything and is not for production.",
        ));
    }
    if !args.yes {
        return Err(refused(
            "`kith reset` deletes everything in the database. Add --yes if you mean it.",
        ));
    }
    with_database(&config, async |database| {
        let mut conn = database.connect_to_migrate().await?;
        drop_schema(&mut conn).await?;
        migrate(database.migrate_url())
            .await
            .map_err(schema::in_words)?;
        out::line("The database is empty, with a new schema.")?;
        Ok(Exit::Well)
    })
    .await
}
