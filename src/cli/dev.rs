//! `kith dev`: everything that trying kith out needs, on private servers.

use std::ffi::OsString;

use kith::infra::servers::{PrivateServers, run_with};
use kith::platform::config::{Config, DatabaseSource, SecretUrl};
use tokio_util::sync::CancellationToken;

use super::exit::{Exit, refused};
use super::tool::load_config;
use super::{demo, log, open_files, out, schema, serve, signals};

/// Arguments of `kith dev`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A command to run with `DATABASE_URL` and `REDIS_URL` of throwaway servers, instead of serving;
    /// kith exits with its code
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Serves beside private servers, or runs a command beside throwaway ones.
pub async fn run(args: Args) -> anyhow::Result<Exit> {
    if !args.command.is_empty() {
        return Ok(Exit::Other(run_with(&args.command).await?));
    }
    let config = load_config()?;
    if config.is_production() {
        return Err(refused(
            "`kith dev` serves demo data and is not for production. Run `kith serve`.",
        ));
    }
    log::for_server(&config)?;
    if let Some(left) = left_aside(&config) {
        tracing::warn!("{left}");
    }
    let stop = signals::stop_on_signal()?;
    let servers = tokio::select! {
        servers = PrivateServers::start(&config.dir, false) => servers?,
        () = stop.cancelled() => return Ok(Exit::Well),
    };
    let served = serve_on(&servers, config, &stop).await;
    servers.stop().await?;
    served?;
    tracing::info!("stopped");
    Ok(Exit::Well)
}

async fn serve_on(
    servers: &PrivateServers,
    mut config: Config,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let url = servers.postgres.url();
    config.database = DatabaseSource::Url(secret(&url, "postgres")?);
    config.redis_url = Some(secret(&servers.redis.url(), "redis")?);
    schema::wait_and_migrate(&url, "the private Postgres").await?;
    open_files::raise(&config);
    let is_shared = servers.postgres.was_adopted();
    let application = serve::build(config, &url, is_shared).await?;
    if demo::load_once(application.ctx()).await? {
        tracing::info!("loaded the demo data");
    }
    let people = demo::present(application.ctx()).await?;
    let banner = banner(application.ctx().public_url(), &people);
    serve::run_until_stopped(application, stop, || out::line(banner)).await
}

/// What is to be said of servers that the settings name and `kith dev` doesn't use.
fn left_aside(config: &Config) -> Option<String> {
    let database = matches!(config.database, DatabaseSource::Url(_)).then_some("DATABASE_URL");
    let migrate = config.database_migrate_url.as_ref();
    let migrate = migrate.map(|_| "DATABASE_MIGRATE_URL");
    let redis = config.redis_url.as_ref().map(|_| "REDIS_URL");
    let named: Vec<_> = [database, migrate, redis].into_iter().flatten().collect();
    (!named.is_empty()).then(|| {
        format!(
            "{}: set, and not used. `kith dev` serves from its private servers in {}; other commands with these \
             settings, `kith reset` too, use what is set, and not what is served here",
            named.join(", "),
            config.dir.display()
        )
    })
}

fn secret(url: &str, scheme: &str) -> anyhow::Result<SecretUrl> {
    SecretUrl::parse(url, &[scheme])
        .map_err(|fault| anyhow::anyhow!("the address of a private server {}", fault.what))
}

fn banner(url: &str, people: &[demo::Account]) -> String {
    let people = people.first().map_or_else(String::new, |first| {
        let (name, password) = (first.username, first.password);
        let list: Vec<String> = people
            .iter()
            .map(|account| format!("    {:<12} {}", account.username, account.what))
            .collect();
        format!(
            "\n  Demo accounts (password of all: {password})\n{}\n\n  Sign one in:\n    \
             curl -s {url}/v1/auth/login -H 'Content-Type: application/json' \
             -d '{{\"login\":\"{name}\",\"password\":\"{password}\"}}'\n",
            list.join("\n")
        )
    });
    format!(
        "\nkith is listening on {url}\n\n  API documentation  {url}/docs\n{people}\n\
         Ctrl-C stops everything."
    )
}

#[cfg(test)]
mod tests {
    use kith::platform::config::Sources;

    use super::*;

    #[test]
    fn servers_that_are_set_and_not_used_are_named() {
        let said = |settings: &[(&str, &str)]| {
            let config = Config::load(&Sources::of(settings.iter().copied()));
            left_aside(&config.expect("the settings are valid"))
        };
        assert_eq!(said(&[]), None);
        let both = [
            ("DATABASE_URL", "postgres://kith:hunter2@db/kith"),
            ("REDIS_URL", "redis://redis"),
        ];
        let said = said(&both).unwrap_or_default();
        assert!(said.starts_with("DATABASE_URL, REDIS_URL: "), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
