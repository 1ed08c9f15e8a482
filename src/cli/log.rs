//! The log goes to standard error, so that standard output holds nothing but answers.

use std::io::{self, IsTerminal as _};

use anyhow::Context as _;
use kith::infra::meter::Statements;
use kith::platform::config::{Config, LogFormat, Source};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// The log of a server, as the settings say.
pub fn for_server(config: &Config) -> anyhow::Result<()> {
    start(&config.log, config.log_format)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    Ok(())
}

/// The log of a command that somebody runs by hand: warnings only, unless `KITH_LOG` is set.
pub fn for_tool(config: &Config) -> anyhow::Result<()> {
    let is_set = config
        .rows()
        .iter()
        .any(|row| row.name == "KITH_LOG" && row.source != Source::Default);
    let filter = if is_set { &config.log } else { "warn" };
    start(filter, LogFormat::Text)
}

fn start(filter: &str, format: LogFormat) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter).context("KITH_LOG can't be read")?;
    let log = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let log = match format {
        LogFormat::Text => log.boxed(),
        LogFormat::Json => log.json().flatten_event(true).boxed(),
    };
    let started = tracing_subscriber::registry()
        .with(log.with_filter(filter))
        .with(Statements::layer())
        .try_init();
    started.map_err(|error| anyhow::anyhow!("could not start the log: {error}"))
}
