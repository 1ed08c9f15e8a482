//! Redis killed and restarted empty in the middle of `dsb`, at half of the rate that the same run sustains
//! without Redis; and killed under more load than fits.

use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::args::Common;
use crate::measure;
use crate::mix::Mix;
use crate::probe::Probe;
use crate::report::{Bound, Finding, Report};
use crate::server::Redis;
use crate::site::Site;
use crate::tally::Second;

/// How long Redis stays away.
const AWAY: Duration = Duration::from_secs(5);
/// So many seconds in a row have to reach the hit rate.
const STEADY: usize = 3;
/// Connections that carry more than fits: a server sees no more requests at once than there are.
const CROWD: usize = 1_000;
/// The hit rate that is wanted back.
const HITS: f64 = 0.95;

/// Measures it.
pub async fn run(common: &Common) -> anyhow::Result<Report> {
    anyhow::ensure!(
        common.url.is_empty(),
        "this scenario kills a Redis of its own: leave out --url"
    );
    anyhow::ensure!(
        common.seconds >= 20,
        "this scenario needs 20 seconds at least: --seconds 60"
    );
    let dsb = Mix::named("dsb").context("the mix dsb")?;
    let mut redis = Redis::start().await?;
    let mut site = Site::open(common).await?;
    let mut report = Report::new("Redis killed", &site.loaded);

    site.serve(common.instances, None).await?;
    measure::warm(&site, common, dsb).await?;
    let without = measure::closed(&site, common, dsb, "without Redis").await?;
    let rate = without.rate() / 2.0;
    report.runs.push(without);

    site.serve(common.instances, Some(&redis.url())).await?;
    measure::warm(&site, common, dsb).await?;
    let probe = Probe::start(&site.world, &site.targets, common.seed);
    let began = Instant::now();
    let (run, back) = tokio::join!(
        measure::open(&site, common, dsb, "Redis killed", rate),
        kill_and_restart(&mut redis, began, Duration::from_secs(common.seconds / 3)),
    );
    let (run, back) = (run?, back?);
    let seen = probe.finish().await?;
    let after = recovery(&run.tally.seconds, back);
    let errors = run.tally.all.server_errors() + run.tally.all.failed.values().sum::<u64>();
    report.findings = vec![
        Finding::none("answers of 500 and more, or none", errors as f64),
        Finding::none(
            "requests that were due and not answered",
            run.unfinished as f64,
        ),
        Finding::none(
            "reads that were stale 2 s after the write",
            seen.stale_after_grace as f64,
        ),
        Finding::new("from the restart back to a hit rate of 95 %", after, "s")
            .wanted(Bound::AtMost(30.0)),
    ];
    report.runs.push(run);
    report.staleness = Some(seen);

    redis.kill().await?;
    let crowd = Common {
        connections: CROWD,
        ..common.clone()
    };
    let over = measure::open(
        &site,
        &crowd,
        dsb,
        "twice as much as fits, no Redis",
        rate * 4.0,
    )
    .await?;
    let refused = &over.tally.all;
    let other = refused.server_errors() - refused.statuses.get(&503).copied().unwrap_or_default();
    report.findings.extend([
        Finding::new(
            "too much: 503",
            refused.statuses.get(&503).copied().unwrap_or_default() as f64,
            "",
        ),
        Finding::none(
            "too much: 503 without Retry-After",
            refused.without_retry_after as f64,
        ),
        Finding::none("too much: other answers of 500 and more", other as f64),
    ]);
    report.runs.push(over);
    site.stop().await?;
    Ok(report)
}

/// Gives the second of the run in which Redis was back.
async fn kill_and_restart(
    redis: &mut Redis,
    began: Instant,
    at: Duration,
) -> anyhow::Result<usize> {
    tokio::time::sleep(at).await;
    redis.kill().await?;
    tokio::time::sleep(AWAY).await;
    redis.restart().await?;
    Ok(usize::try_from(began.elapsed().as_secs())?)
}

/// Seconds from the restart to the first of some seconds in a row that reach the hit rate; nothing if none
/// does, or if no answer told of the cache.
fn recovery(seconds: &[Second], back: usize) -> Option<f64> {
    let reaches =
        |second: &Second| second.told > 0 && second.hits as f64 / second.told as f64 >= HITS;
    let after = seconds.get(back..)?;
    let place = after
        .windows(STEADY)
        .position(|window| window.iter().all(reaches))?;
    Some(place as f64)
}
