//! Many concurrent reads of one post that no cache holds, over two servers: how many of them ask Postgres.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::try_join_all;

use crate::args::Common;
use crate::draw::get;
use crate::report::{Bound, Finding, Report};
use crate::site::Site;
use crate::wire::{Answer, Connection, Request};

/// Idle connections hand their counts to Postgres's statistics after ten seconds at the latest.
const UNTIL_COUNTED: Duration = Duration::from_secs(11);
/// For so many of those the servers may warm.
const PATIENCE: u32 = 10;

/// Measures `rounds` times `reads` reads at once.
pub async fn run(common: &Common, reads: usize, rounds: usize) -> anyhow::Result<Report> {
    anyhow::ensure!(reads > 0 && rounds > 0, "at least one read and one round");
    let mut site = Site::open(common).await?;
    site.serve(common.instances.max(2), common.redis().as_deref())
        .await?;
    let posts = site.world.posts.len();
    anyhow::ensure!(posts > rounds, "there are {posts} public posts only");
    let mut connections: Vec<Connection> = (0..reads)
        .zip(site.targets.iter().cycle())
        .map(|(_, target)| Connection::new(target))
        .collect();
    // The one before the first opens the connections, to the servers and to Postgres.
    at_once(&mut connections, &request(&site, rounds)).await?;
    let before = settled(&site).await?;
    let (mut statements, mut told, mut broken) = (Vec::new(), true, 0_usize);
    for round in 0..rounds {
        let answers = at_once(&mut connections, &request(&site, round)).await?;
        broken += answers.iter().filter(|answer| answer.status != 200).count();
        told &= answers.iter().all(|answer| answer.sql.is_some());
        let sum: u32 = answers.iter().filter_map(|answer| answer.sql).sum();
        statements.push(f64::from(sum));
    }
    tokio::time::sleep(UNTIL_COUNTED).await;
    let scanned = (scans(&site).await? - before) as f64 / rounds as f64;
    let most = statements.iter().copied().fold(0.0, f64::max);
    let mut report = Report::new(format!("{reads} reads at once of one post"), &site.loaded);
    report.findings = vec![
        Finding::new("scans of the table of posts a round", scanned, "").wanted(Bound::AtMost(2.0)),
        Finding::new(
            "most SQL statements of a round, of all tables",
            Some(most).filter(|_| told),
            "",
        ),
        Finding::none("answers other than 200", broken as f64),
    ];
    report.cache = site.cache_figures().await;
    site.stop().await?;
    Ok(report)
}

/// Nobody is signed in: the only thing to load is the post and what it shows.
fn request(site: &Site, round: usize) -> Request {
    let (post, _) = site.world.hot_post(round);
    get(format!("/v1/posts/{post}"), None)
}

async fn at_once(connections: &mut [Connection], request: &Request) -> anyhow::Result<Vec<Answer>> {
    let asked = connections
        .iter_mut()
        .map(|connection| connection.ask(request));
    try_join_all(asked).await.context("a read had no answer")
}

/// How often the table was scanned once nothing else scans it any more: servers that have just started
/// warm.
async fn settled(site: &Site) -> anyhow::Result<i64> {
    let mut before = scans(site).await?;
    for _ in 0..PATIENCE {
        tokio::time::sleep(UNTIL_COUNTED).await;
        let now = scans(site).await?;
        if now == before {
            return Ok(now);
        }
        before = now;
    }
    anyhow::bail!("the servers read posts all the time, though nobody asks")
}

async fn scans(site: &Site) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar(
        "select coalesce(seq_scan, 0) + coalesce(idx_scan, 0)
         from pg_stat_user_tables where relname = 'post'",
    )
    .fetch_one(site.ctx.db())
    .await?)
}
