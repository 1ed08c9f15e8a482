//! What a socket costs that says nothing and is told nothing.

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use super::crowd::{self, Board};
use crate::args::Common;
use crate::cpu::{self, Cpu};
use crate::report::{Bound, Finding, Report};
use crate::site::Site;

/// Sockets that are opened before anything is counted: what is needed once is there then.
const FIRST: usize = 200;
/// Until what was needed to open sockets is given back.
const SETTLED: Duration = Duration::from_secs(5);

/// What can be chosen.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Idle sockets, of as many people
    #[arg(long, default_value_t = 10_000)]
    sockets: usize,
}

/// Measures it.
pub async fn run(common: &Common, options: &Options) -> anyhow::Result<Report> {
    let graph = crowd::cliques((options.sockets + FIRST).div_ceil(2), 2)?;
    let mut site = crowd::gather(common, &graph).await?;
    site.serve(1, common.redis().as_deref()).await?;
    let places = site.world.places()?;
    let board = Board::default();
    let (first, rest) = places.split_at(FIRST);
    let rest = rest.get(..options.sockets).context("people")?;
    open(&site, first, &board).await?;
    tokio::time::sleep(SETTLED).await;
    let pid = *site.pids().first().context("a process")?;
    let before = cpu::resident(pid).context("its memory")?;
    eprintln!("opening {} sockets", rest.len());
    open(&site, rest, &board).await?;
    let at_once = cpu::resident(pid).context("its memory")?;
    tokio::time::sleep(SETTLED).await;
    let used = Cpu::now(&[pid]);
    let idle = Duration::from_secs(common.seconds);
    tokio::time::sleep(idle).await;
    let used = Cpu::now(&[pid]).since(&used).servers;
    let after = cpu::resident(pid).context("its memory")?;
    let closes = crowd::on(&board, |all| all.closes.values().sum::<usize>());
    let count = rest.len() as f64;
    let each = |bytes: u64| bytes.saturating_sub(before) as f64 / 1_024.0 / count;
    let mut report = Report::new(format!("{} idle sockets", rest.len()), &site.loaded);
    report.findings = vec![
        Finding::none("sockets that were closed", closes as f64),
        Finding::new("resident before them", before as f64 / 1_048_576.0, "MiB"),
        Finding::new("resident with them", after as f64 / 1_048_576.0, "MiB"),
        Finding::new("of it for each when all had come", each(at_once), "KiB"),
        Finding::new(
            format!("of it for each after {} s of idling", idle.as_secs()),
            each(after),
            "KiB",
        )
        .wanted(Bound::AtMost(20.0)),
        Finding::new(
            "CPU of the server for each",
            used.map(|micros| micros as f64 / count / idle.as_secs_f64()),
            "µs a second",
        ),
    ];
    site.stop().await?;
    Ok(report)
}

async fn open(site: &Site, places: &[usize], board: &Board) -> anyhow::Result<()> {
    let listeners = places.iter().map(|place| (0, *place, Vec::new()));
    crowd::attend(site, listeners, board).await
}
