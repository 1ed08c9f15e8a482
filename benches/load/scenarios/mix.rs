//! One mix: its saturation, and its times at half of that.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

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
            report.staleness = Some(probe.finish().await?);
        }
    }
    report.cache = site.cache_figures().await;
    site.stop().await?;
    Ok(report)
}
