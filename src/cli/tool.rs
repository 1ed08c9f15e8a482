//! What commands work with: the settings, the database, the context.

use kith::app::{Injected, context};
use kith::infra::servers::{PostgresOptions, PrivatePostgres};
use kith::platform::Ctx;
use kith::platform::config::{Config, DatabaseSource, Sources};

use super::{log, schema, signals};

/// The settings of this process, or everything that is wrong with them.
pub fn load_config() -> anyhow::Result<Config> {
    Ok(Config::load(&Sources::from_process())?)
}

/// The database of the settings; the embedded one runs as long as this value is open.
pub struct Database {
    url: String,
    migrate_url: String,
    embedded: Option<PrivatePostgres>,
}

impl Database {
    /// Starts the embedded Postgres, unless the settings name a database.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let (url, embedded) = match &config.database {
            DatabaseSource::Url(url) => (url.expose().to_owned(), None),
            DatabaseSource::Embedded => {
                let options = PostgresOptions::new(config.dir.join("postgres"));
                let postgres = PrivatePostgres::start(options).await?;
                (postgres.url(), Some(postgres))
            }
        };
        let migrate_url = config.database_migrate_url.as_ref();
        Ok(Self {
            migrate_url: migrate_url.map_or_else(|| url.clone(), |url| url.expose().to_owned()),
            url,
            embedded,
        })
    }

    /// The address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address as a role that may change the schema.
    pub fn migrate_url(&self) -> &str {
        &self.migrate_url
    }

    /// Stops the embedded Postgres, unless another run of kith uses it.
    pub async fn close(self) -> anyhow::Result<()> {
        match self.embedded {
            Some(postgres) => postgres.stop().await,
            None => Ok(()),
        }
    }
}

/// Runs `work` on the database of the settings, which may have any schema or none. A signal ends it.
pub async fn with_database<T>(
    config: &Config,
    work: impl AsyncFnOnce(&Database) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    log::for_tool(config)?;
    let stop = signals::stop_on_signal()?;
    let work = async {
        let database = Database::open(config).await?;
        let outcome = work(&database).await;
        database.close().await?;
        outcome
    };
    tokio::select! {
        outcome = work => outcome,
        () = stop.cancelled() => anyhow::bail!("stopped before it was done"),
    }
}

/// Runs `work` with a context like the application's, on a database whose schema fits.
pub async fn with_ctx<T>(
    config: Config,
    work: impl AsyncFnOnce(&Ctx) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    with_database(&config.clone(), async move |database| {
        schema::require(database.url()).await?;
        let addr = config.addr;
        let ctx = context(config, database.url(), Injected::default(), addr)?;
        let outcome = work(&ctx).await;
        ctx.tasks().close();
        ctx.tasks().wait().await;
        ctx.db().close().await;
        outcome
    })
    .await
}
