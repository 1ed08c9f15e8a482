//! What kith counts while it runs, for Prometheus.
//!
//! Every metric is declared once, as data ([`declared`]): the page `docs/metrics.md` is made from
//! that, and a test holds what a server shows against it. Labels are words of the program (a route's
//! pattern, a space, a job) and never ids: each value is a series that is kept for good.
//!
//! Counting has to cost next to nothing. What the parts count for themselves anyway is taken over at
//! a scrape (`app::ops`); elsewhere whoever counts takes a handle once and keeps it, such as
//! [`redis()`]. A handle taken before [`install`] counts nowhere.

#[cfg(test)]
mod alerts;
pub mod declared;
mod document;
mod groups;
mod http;
mod live;

use std::sync::OnceLock;

use metrics::{Counter, Gauge, Histogram, Label};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::words;

pub use declared::GROUPS;
pub use document::render_markdown;
pub use groups::{Breaker, RedisMetrics, redis};
pub use http::answered;

words! {
    /// What a metric is to Prometheus.
    pub enum Kind {
        /// Only grows, until the process ends.
        Counter = "counter",
        /// Goes up and down.
        Gauge = "gauge",
        /// How many values fell below each of some bounds, with their count and sum.
        Histogram = "histogram",
    }
}

/// A metric as it is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name, which ends in its unit.
    pub name: &'static str,
    /// What it is to Prometheus.
    pub kind: Kind,
    /// The labels that each of its series has.
    pub labels: &'static [&'static str],
    /// What is counted.
    pub unit: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

impl Metric {
    /// A handle to count with; `values` are those of the labels, in their order.
    pub fn counter(&self, values: &[&str]) -> Counter {
        metrics::counter!(self.name, self.labelled(Kind::Counter, values))
    }

    /// A handle to set; `values` are those of the labels, in their order.
    pub fn gauge(&self, values: &[&str]) -> Gauge {
        metrics::gauge!(self.name, self.labelled(Kind::Gauge, values))
    }

    /// A handle to record with; `values` are those of the labels, in their order.
    pub fn histogram(&self, values: &[&str]) -> Histogram {
        metrics::histogram!(self.name, self.labelled(Kind::Histogram, values))
    }

    fn labelled(&self, kind: Kind, values: &[&str]) -> Vec<Label> {
        debug_assert_eq!(self.kind, kind, "{}", self.name);
        debug_assert_eq!(self.labels.len(), values.len(), "{}", self.name);
        let pairs = self.labels.iter().zip(values);
        pairs
            .map(|(name, value)| Label::new(*name, (*value).to_owned()))
            .collect()
    }
}

/// Bounds of all histograms, in seconds: from an answer out of the process's memory to a timeout.
const BOUNDS: [f64; 16] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Begins to count in this process; again, it does nothing. Applications in one process share what
/// they count.
pub fn install() -> anyhow::Result<()> {
    if RECORDER.get().is_some() {
        return Ok(());
    }
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &BOUNDS)?;
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    // Of two threads that come here at once, one is refused, and the other has installed.
    if metrics::set_global_recorder(recorder).is_ok() {
        describe();
        declared::BUILD_INFO
            .gauge(&[env!("CARGO_PKG_VERSION")])
            .set(1.0);
        RECORDER.set(handle).unwrap_or_default();
    }
    Ok(())
}

/// Folds what the histograms have gathered. Without this, once in a while, they grow for good.
pub fn upkeep() {
    if let Some(recorder) = RECORDER.get() {
        recorder.run_upkeep();
    }
}

/// Everything as Prometheus reads it.
pub fn render() -> String {
    upkeep();
    RECORDER
        .get()
        .map(PrometheusHandle::render)
        .unwrap_or_default()
}

fn describe() {
    for metric in declared::all() {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.meaning),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.meaning),
            Kind::Histogram => metrics::describe_histogram!(metric.name, metric.meaning),
        }
    }
}
