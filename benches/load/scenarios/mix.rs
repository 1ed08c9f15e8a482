//! One mix: its saturation, and its times at half of that.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use serde_json::Value;

use crate::args::Common;
use crate::measure;
use crate::mix::{MIXES, Mix, Skew};
use crate::probe::Probe;
use crate::report::{Bound, Finding, Report};
use crate::site::Site;

/// Prints the mixes.
pub fn list() {
    for mix in MIXES {
        println!("{:<10} {}", mix.name, mix.about);
        for part in mix.parts {
            let skew = match part.skew {
                Skew::Uniform => "uniform".to_owned(),
                Skew::Zipf(shape) => format!("Zipf {shape}"),
                Skew::Ranges(weights) => format!("{} key ranges", weights.len()),
            };
            println!("{:>20.4} {}, {skew}", part.weight, part.op.name());
        }
    }
}

/// What the checkers found: the one that runs in a server, in its own answers, and the one that walks
/// through all keys, in Redis.
fn consistency(verified: Option<(f64, f64)>, cache: Option<&Value>) -> Vec<Finding> {
    let Some((checked, wrong)) = verified else {
        return Vec::new();
    };
    let told = |at: &str| cache.and_then(|told| told.pointer(at)?.as_u64());
    vec![
        Finding::new(
            "answers that the server has checked",
            told("/checker/entries").map(|n| n as f64),
            "",
        ),
        Finding::none(
            "of them wrong 2 s later",
            told("/checker/wrong").map(|n| n as f64),
        ),
        Finding::new("entries in Redis that verify has checked", checked, ""),
        Finding::none("of them wrong 2 s later", wrong),
    ]
}

/// Measures `mix`.
pub async fn run(common: &Common, mix: &'static Mix) -> anyhow::Result<Report> {
    let mut site = Site::open(common).await?;
    site.serve(common.instances, common.redis().as_deref())
        .await?;
    measure::warm(&site, common, mix).await?;
    let mut report = Report::new(format!("mix {}", mix.name), &site.loaded);
    let mut rate = common.rate;
    if rate.is_none() {
        let saturated = measure::closed(&site, common, mix, "saturation").await?;
        rate = Some(saturated.rate() / 2.0).filter(|_| common.closed.is_none());
        report.runs.push(saturated);
    }
    if let Some(rate) = rate {
        let probe = (!common.no_probe && mix.name != "livez")
            .then(|| Probe::start(&site.world, &site.targets, common.seed));
        let label = if common.rate.is_some() {
            "rate"
        } else {
            "half"
        };
        let half = measure::open(&site, common, mix, label, rate).await?;
        let all = &half.tally.all;
        report.findings = vec![
            Finding::new(
                "p99 at half of saturation, or at the rate",
                all.millis(0.99),
                "ms",
            ),
            Finding::new("hit rate by reads", all.hit_rate(), ""),
            Finding::new("hit rate by entries", all.entry_hit_rate(), ""),
        ];
        if mix.name == "dsb" {
            let bounds = [Bound::AtMost(10.0), Bound::AtLeast(0.95)];
            for (finding, bound) in report.findings.iter_mut().zip(bounds) {
                finding.wanted = Some(bound);
            }
        }
        report.runs.push(half);
        if let Some(probe) = probe {
            let seen = probe.finish().await?;
            let stale = seen.stale_after_grace + seen.never;
            report.findings.push(Finding::none(
                "stale reads 2 s after their write",
                stale as f64,
            ));
            report.staleness = Some(seen);
        }
    }
    let verified = site.verify(common.redis().as_deref()).await?;
    report.cache = site.cache_figures().await;
    report
        .findings
        .extend(consistency(verified, report.cache.as_ref()));
    site.stop().await?;
    Ok(report)
}
