//! One event to many sockets: comments under a post that thousands of people look at.

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::crowd::{self, Board};
use crate::args::Common;
use crate::draw::write;
use crate::report::{Bound, Finding, Report};
use crate::wire::Connection;

/// Comments.
const EVENTS: usize = 20;
/// Between two of them.
const PAUSE: Duration = Duration::from_secs(1);
/// Bytes of a comment's text.
const LENGTH: usize = 100;
/// After so many people have come: their arrival is told too.
const SETTLED: Duration = Duration::from_secs(5);

/// What can be chosen.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Sockets that listen, of as many people
    #[arg(long, default_value_t = 5_000)]
    sockets: usize,
}

/// Measures it.
pub async fn run(common: &Common, options: &Options) -> anyhow::Result<Report> {
    let graph = crowd::cliques(options.sockets.div_ceil(2).max(1), 2)?;
    let mut site = crowd::gather(common, &graph).await?;
    site.serve(common.instances, common.redis().as_deref())
        .await?;
    let places = site.world.places()?;
    let (author, target) = (*places.first().context("people")?, site.targets.first());
    let target = target.context("a server")?.clone();
    let body = json!({ "content": "Look at this.", "audience": "public" });
    let token = site.world.token(author);
    let post = crowd::make(&target, token.clone(), "/v1/posts", &body).await?;
    eprintln!("opening {} sockets", options.sockets);
    let count = options.sockets;
    let listeners = places.iter().take(count);
    let listeners = listeners.zip((0..site.targets.len()).cycle());
    let listeners = listeners.map(|(place, server)| (server, *place, vec![format!("post:{post}")]));
    let board = Board::default();
    crowd::attend(&site, listeners, &board).await?;
    tokio::time::sleep(SETTLED).await;
    let mut connection = Connection::new(&target);
    let mut acked = Vec::new();
    for number in 0..EVENTS {
        let body = json!({ "content": crowd::text(number, LENGTH) });
        let path = format!("/v1/posts/{post}/comments");
        let answer = connection
            .ask(&write("POST", path, token.clone(), &body))
            .await?;
        anyhow::ensure!(
            answer.status == 201,
            "a comment was answered {}",
            answer.status
        );
        acked.push(site.ctx.now().micros());
        tokio::time::sleep(PAUSE).await;
    }
    crowd::wait_for(&board, count * EVENTS).await;
    let events = crowd::on(&board, |all| std::mem::take(&mut all.events));
    let closes = crowd::on(&board, |all| all.closes.values().sum::<usize>());
    // For each comment, when the last socket had it.
    let mut last = [(0_i64, 0_i64); EVENTS];
    for event in &events {
        if let (Some(last), Some(acked)) = (last.get_mut(event.number), acked.get(event.number)) {
            last.0 = last.0.max(event.at - event.written);
            last.1 = last.1.max(event.at - acked);
        }
    }
    last.sort_unstable();
    let millis = |place: usize| last.get(place).map(|(written, _)| *written as f64 / 1e3);
    let acked = last.iter().map(|(_, acked)| *acked).max();
    let mut report = Report::new(format!("one event to {count} sockets"), &site.loaded);
    report.findings = vec![
        Finding::none(
            "deliveries missing",
            (count * EVENTS) as f64 - events.len() as f64,
        ),
        Finding::none("sockets that were closed", closes as f64),
        Finding::new(
            "from the write's begin to the last socket, p50 of the events",
            millis(EVENTS / 2),
            "ms",
        ),
        Finding::new("the same, longest", millis(EVENTS - 1), "ms").wanted(Bound::AtMost(250.0)),
        Finding::new(
            "from the acknowledgement to the last socket, longest",
            acked.map(|acked| acked as f64 / 1e3),
            "ms",
        ),
    ];
    site.stop().await?;
    Ok(report)
}
