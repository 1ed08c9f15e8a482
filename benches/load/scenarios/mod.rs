//! The scenarios: each makes one figure with one command.

mod fan_out;
mod feed_vs_livez;
mod live;
mod misses;
mod mix;
mod redis_killed;
mod triggers;
mod warm_timelines;

use std::fs::OpenOptions;

use anyhow::Context as _;

use super::args::{Cli, Scenario};
use super::report::Report;

pub use live::Live;

/// Runs the scenario, prints what it found and writes it where it was asked for.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    let common = &cli.common;
    if let Some(file) = &common.json {
        // Better told now than after the measurement.
        let opened = OpenOptions::new().create(true).append(true).open(file);
        opened.with_context(|| format!("could not write {}", file.display()))?;
    }
    let mut report: Report = match cli.scenario {
        Scenario::Mixes => {
            mix::list();
            return Ok(());
        }
        Scenario::Mix { name } => mix::run(common, name).await?,
        Scenario::FeedVsLivez => feed_vs_livez::run(common).await?,
        Scenario::FanOut => fan_out::run(common).await?,
        Scenario::WarmTimelines { few, many } => warm_timelines::run(common, few, many).await?,
        Scenario::Misses { reads, rounds } => misses::run(common, reads, rounds).await?,
        Scenario::RedisKilled => redis_killed::run(common).await?,
        Scenario::Triggers => triggers::run(common).await?,
        Scenario::Live(live) => live.run(common).await?,
    };
    report.options = common.told();
    report.print();
    if let Some(file) = &common.json {
        report.write(file)?;
    }
    let missed = report.missed();
    anyhow::ensure!(missed == 0, "bounds that were missed: {missed}");
    Ok(())
}
