//! What commands work with: the settings, the database, the context.

use kith::app::{Injected, context};
use kith::infra::servers::{PostgresOptions, PrivatePostgres, PrivateRedis, RedisOptions};
use kith::platform::Ctx;
use kith::platform::config::{Config, DatabaseSource, SecretUrl, Sources};
use kith::platform::limits;
use sqlx::PgConnection;

use super::{log, schema, signals};

/// The settings of this process, or everything that is wrong with them and the files that they name.
pub fn load_config() -> anyhow::Result<Config> {
    Ok(Config::load_and(
        &Sources::from_process(),
        limits::problems,
    )?)
}

/// Which database the settings name, for people: where it is and which setting says so, and no password.
pub fn named_database(config: &Config) -> String {
    let by = |url: &SecretUrl, setting: &str| {
        format!("the database {} ({setting})", schema::place(url.expose()))
    };
    match (&config.database_migrate_url, &config.database) {
        (Some(url), _) => by(url, "DATABASE_MIGRATE_URL"),
        (None, DatabaseSource::Url(url)) => by(url, "DATABASE_URL"),
        (None, DatabaseSource::Embedded) => {
            format!("the embedded Postgres in {}", config.dir.display())
        }
    }
}

/// Lets a command use the private Redis that `kith dev` runs in this folder, as it uses its Postgres, unless
/// the settings name servers.
pub async fn with_redis<T>(
    mut config: Config,
    work: impl AsyncFnOnce(Config) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let adopted = adopt_redis(&mut config).await?;
    let outcome = work(config).await;
    if let Some(redis) = adopted {
        redis.stop().await?;
    }
    outcome
}

/// The share is to be stopped when the work is done.
async fn adopt_redis(config: &mut Config) -> anyhow::Result<Option<PrivateRedis>> {
    if config.redis_url.is_some() || !matches!(config.database, DatabaseSource::Embedded) {
        return Ok(None);
    }
    let found = PrivateRedis::adopt(RedisOptions::new(config.dir.join("redis"))).await?;
    if let Some(redis) = &found {
        let url = SecretUrl::parse(&redis.url(), &["redis"]);
        config.redis_url = Some(url.map_err(|fault| anyhow::anyhow!(fault.what))?);
    }
    Ok(found)
}

/// The database of the settings; the embedded one runs as long as this value is open.
pub struct Database {
    url: String,
    migrate_url: String,
    /// What names the two, for people.
    settings: [&'static str; 2],
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
        let setting = match &embedded {
            Some(_) => "the embedded Postgres",
            None => "DATABASE_URL",
        };
        Ok(Self {
            settings: [
                setting,
                migrate_url.map_or(setting, |_| "DATABASE_MIGRATE_URL"),
            ],
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

    /// The setting that names the address as a role that may change the schema.
    pub fn migrate_setting(&self) -> &'static str {
        let [_, setting] = self.settings;
        setting
    }

    /// A connection.
    pub async fn connect(&self) -> anyhow::Result<PgConnection> {
        let [setting, _] = self.settings;
        schema::connect(&self.url, setting).await
    }

    /// A connection as a role that may change the schema.
    pub async fn connect_to_migrate(&self) -> anyhow::Result<PgConnection> {
        schema::connect(&self.migrate_url, self.migrate_setting()).await
    }

    /// Whether the embedded Postgres ran already: another kith of this folder uses it, or left it behind.
    pub fn was_adopted(&self) -> bool {
        self.embedded
            .as_ref()
            .is_some_and(PrivatePostgres::was_adopted)
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
        schema::require(database).await?;
        with_redis(config, async move |config| {
            let addr = config.addr;
            let ctx = context(config, database.url(), Injected::default(), addr)?;
            let outcome = work(&ctx).await;
            ctx.tasks().close();
            ctx.tasks().wait().await;
            ctx.db().close().await;
            outcome
        })
        .await
    })
    .await
}
