//! What a post costs beside few and beside many warm timelines: a ring of people with ten friends each,
//! of whom few, many, and few again read their feed.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::args::Common;
use crate::draw::write;
use crate::measure;
use crate::report::{Bound, Finding, Report};
use crate::server::Redis;
use crate::site::Site;
use crate::wire::Connection;

/// Half of everybody's friends.
const NEIGHBOURS: u64 = 5;
/// Posts for each figure, after as many that are not counted.
const POSTS: usize = 500;
/// People who write. They and their friends read their feed each time.
const AUTHORS: usize = 100;
/// Between two posts, so that their fan-out is no part of the next one's time.
const PAUSE: Duration = Duration::from_millis(10);
/// After the reading: what reads leave to be written behind, and what Postgres tidies, is no part of it.
const SETTLING: Duration = Duration::from_secs(20);

/// Measures all three.
pub async fn run(common: &Common, few: u64, many: u64) -> anyhow::Result<Report> {
    anyhow::ensure!(
        common.url.is_empty() && common.graph.is_none(),
        "this scenario makes people of its own: leave out --url and --graph"
    );
    anyhow::ensure!(!common.no_redis, "timelines live in Redis");
    anyhow::ensure!(few < many, "--few has to be less than --many");
    let (least, few) = (
        AUTHORS + 2 * usize::try_from(NEIGHBOURS)?,
        usize::try_from(few)?,
    );
    anyhow::ensure!(few >= least, "--few has to be {least} at least");
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), ring(many)?)?;
    let mut site = Site::make(common, file.path().to_owned(), 1).await?;
    let mut report = Report::new("warm timelines", &site.loaded);
    let mut medians = Vec::new();
    // Few twice, so that what else changes with time is seen.
    for (name, count) in [
        ("few, before", few),
        ("many", usize::try_from(many)?),
        ("few, after", few),
    ] {
        eprintln!("warming {count} timelines");
        let (times, figures) = beside(&mut site, common, count).await?;
        let millis = |quantile| times.value_at_quantile(quantile) as f64 / 1e3;
        medians.push(millis(0.5));
        for (word, quantile) in [("p50", 0.5), ("p99", 0.99)] {
            let what = format!("{word} of a post beside {count} timelines ({name})");
            let finding = Finding::new(what, millis(quantile), "ms");
            report.findings.push(finding);
        }
        // Timelines that Redis has thrown away are warm no more.
        let evicted =
            (figures.as_ref()).and_then(|figures| figures.pointer("/redis/evicted_keys")?.as_f64());
        let what = format!("keys that Redis threw away ({name})");
        (report.findings).push(Finding::none(what, evicted));
        if name == "many" {
            report.cache = figures;
        }
    }
    let &[before, beside_many, after] = medians.as_slice() else {
        anyhow::bail!("three were measured");
    };
    let beside_few = f64::midpoint(before, after);
    let share = beside_many / beside_few;
    let finding = Finding::new("p50 beside many over p50 beside few", share, "");
    report.findings.push(finding.wanted(Bound::AtMost(1.2)));
    Ok(report)
}

/// The times of posts beside so many warm timelines, those of the first people of the ring, with a Redis
/// and a server that know nothing of those before; and nobody is left who has read.
async fn beside(
    site: &mut Site,
    common: &Common,
    count: usize,
) -> anyhow::Result<(Histogram<u64>, Option<Value>)> {
    sqlx::query("delete from feed_reader")
        .execute(site.ctx.db())
        .await?;
    let redis = Redis::start().await?;
    site.serve(common.instances, Some(&redis.url())).await?;
    let ring = site.world.places()?;
    let readers: Vec<usize> = ring.iter().copied().take(count).collect();
    measure::read_pages_of(site, readers, false).await?;
    tokio::time::sleep(SETTLING).await;
    let inner = ring.iter().copied().skip(usize::try_from(NEIGHBOURS)?);
    let authors: Vec<usize> = inner.take(AUTHORS).collect();
    posts(site, &authors).await?;
    let times = posts(site, &authors).await?;
    let figures = site.cache_figures().await;
    site.stop().await?;
    Ok((times, figures))
}

fn ring(people: u64) -> anyhow::Result<String> {
    let mut edges = String::new();
    for person in 0..people {
        for step in 1..=NEIGHBOURS {
            writeln!(edges, "{person} {}", (person + step) % people)?;
        }
    }
    Ok(edges)
}

async fn posts(site: &Site, authors: &[usize]) -> anyhow::Result<Histogram<u64>> {
    let mut connection = Connection::new(site.targets.first().context("a server")?);
    let mut times = Histogram::new_with_bounds(1, 600_000_000, 3)?;
    for author in authors.iter().copied().cycle().take(POSTS) {
        let body =
            json!({ "content": "What the river brought this morning", "audience": "friends" });
        let token = site.world.token(author);
        let request = write("POST", "/v1/posts".to_owned(), token, &body);
        let began = Instant::now();
        let answer = connection.ask(&request).await?;
        let took = began.elapsed();
        anyhow::ensure!(
            answer.status == 201,
            "a post was answered {}",
            answer.status
        );
        times.saturating_record(u64::try_from(took.as_micros())?);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(times)
}
