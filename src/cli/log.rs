//! The log goes to standard error, so that standard output holds nothing but answers.

use std::io::{self, IsTerminal as _};

use anyhow::Context as _;
use kith::platform::config::{Config, LogFormat, Source};
use tracing_subscriber::EnvFilter;

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
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let started = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("could not start the log: {error}"))
}
