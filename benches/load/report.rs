//! What a scenario found, for people and as JSON.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::drive::{Outcome, Pace};
use super::probe::Staleness;
use super::tally::{Figures, Spread, mean};

/// A figure that the scenario is about.
pub struct Finding {
    /// What was measured.
    pub what: String,
    /// The figure; nothing if the answers did not tell.
    pub value: Option<f64>,
    /// What it is counted in.
    pub unit: &'static str,
    /// The bound, if there is one.
    pub wanted: Option<Bound>,
}

/// A bound.
#[derive(Debug, Clone, Copy)]
pub enum Bound {
    /// This much or less.
    AtMost(f64),
    /// This much or more.
    AtLeast(f64),
}

impl Finding {
    /// A figure without a bound.
    pub fn new(what: impl Into<String>, value: impl Into<Option<f64>>, unit: &'static str) -> Self {
        Self {
            what: what.into(),
            value: value.into(),
            unit,
            wanted: None,
        }
    }

    /// A count of what there may be none of.
    pub fn none(what: impl Into<String>, count: impl Into<Option<f64>>) -> Self {
        Self::new(what, count, "").wanted(Bound::AtMost(0.0))
    }

    /// The same with a bound.
    pub fn wanted(mut self, bound: Bound) -> Self {
        self.wanted = Some(bound);
        self
    }

    fn met(&self) -> Option<bool> {
        let value = self.value?;
        self.wanted.map(|wanted| match wanted {
            Bound::AtMost(bound) => value <= bound,
            Bound::AtLeast(bound) => value >= bound,
        })
    }

    fn line(&self) -> String {
        let value = self.value.map_or_else(
            || "not told".to_owned(),
            |value| format!("{value:.3} {}", self.unit),
        );
        let wanted = match self.wanted {
            Some(Bound::AtMost(bound)) => format!(" (wanted: at most {bound})"),
            Some(Bound::AtLeast(bound)) => format!(" (wanted: at least {bound})"),
            None => String::new(),
        };
        let met = match self.met() {
            Some(true) => ": met",
            Some(false) => ": MISSED",
            None => "",
        };
        format!("{}: {}{wanted}{met}", self.what, value.trim_end())
    }
}

/// Everything that a scenario found.
#[derive(Default)]
pub struct Report {
    /// The scenario.
    pub scenario: String,
    /// What was in the database.
    pub loaded: String,
    /// The options that it ran with.
    pub options: Value,
    /// Its runs, in their order.
    pub runs: Vec<Outcome>,
    /// What the probe saw.
    pub staleness: Option<Staleness>,
    /// The figures that it is about.
    pub findings: Vec<Finding>,
    /// What `GET /v1/admin/cache` said at the end.
    pub cache: Option<Value>,
}

impl Report {
    /// An empty report.
    pub fn new(scenario: impl Into<String>, loaded: &str) -> Self {
        Self {
            scenario: scenario.into(),
            loaded: loaded.to_owned(),
            ..Self::default()
        }
    }

    /// How many bounds were not kept, or not told of.
    pub fn missed(&self) -> usize {
        let bounds = (self.findings.iter()).filter(|finding| finding.wanted.is_some());
        bounds.filter(|finding| finding.met() != Some(true)).count()
    }

    /// Prints all of it.
    pub fn print(&self) {
        println!("\n{}\n{}", self.scenario, self.loaded);
        if cfg!(debug_assertions) {
            println!("This is a debug build: its times say nothing.");
        }
        for run in &self.runs {
            print_run(run);
        }
        if let Some(seen) = &self.staleness {
            println!(
                "\nstaleness: {} writes, {} reads after them; {} stale, {} of them after 2 s, {} never \
                 showed; the last stale read {:.1} ms after its write; {} writes and {} reads without \
                 an answer",
                seen.writes,
                seen.reads,
                seen.stale,
                seen.stale_after_grace,
                seen.never,
                seen.longest.as_secs_f64() * 1_000.0,
                seen.refused,
                seen.unanswered
            );
        }
        println!();
        for finding in &self.findings {
            println!("{}", finding.line());
        }
    }

    /// Writes all of it to a file.
    pub fn write(&self, file: &Path) -> anyhow::Result<()> {
        let report = json!({
            "scenario": self.scenario,
            "loaded": self.loaded,
            "options": self.options,
            "runs": self.runs.iter().map(run_json).collect::<Vec<_>>(),
            "staleness": self.staleness.map(|seen| json!({
                "writes": seen.writes,
                "refused_writes": seen.refused,
                "reads": seen.reads,
                "unanswered_reads": seen.unanswered,
                "stale_reads": seen.stale,
                "stale_reads_after_2_s": seen.stale_after_grace,
                "never_shown": seen.never,
                "longest_ms": seen.longest.as_secs_f64() * 1_000.0,
            })),
            "findings": self.findings.iter().map(|finding| json!({
                "what": finding.what,
                "value": finding.value,
                "unit": finding.unit,
                "met": finding.met(),
            })).collect::<Vec<_>>(),
            "cache": self.cache,
        });
        let text = serde_json::to_string_pretty(&report)?;
        std::fs::write(file, text + "\n")
            .with_context(|| format!("could not write {}", file.display()))
    }
}

fn pace_of(run: &Outcome) -> String {
    match run.pace {
        Pace::Open { rate, connections } => {
            format!("open, {rate:.0}/s due, {connections} connections")
        }
        Pace::Closed { connections } => format!("closed, {connections} connections"),
    }
}

fn print_run(run: &Outcome) {
    println!(
        "\n{}: {} ({}), {:.1} s",
        run.label,
        run.mix,
        pace_of(run),
        run.took.as_secs_f64()
    );
    println!(
        "{:<10} {:>9} {:>9} {:>8} {:>8} {:>8} {:>9} {:>7} {:>9} {:>9}  statuses",
        "", "answers", "good/s", "p50 ms", "p99", "p99.9", "max", "hits", "sql", "redis"
    );
    let seconds = run.took.as_secs_f64();
    if run.tally.by_op.len() != 1 {
        print_line("all", &run.tally.all, seconds);
    }
    for (op, figures) in &run.tally.by_op {
        print_line(op.name(), figures, seconds);
    }
    let (server, generator) = cpu_each(run);
    println!(
        "CPU a request: server {}, generator {generator:.0} µs; unfinished: {}; refused without \
         Retry-After: {}",
        server.map_or_else(|| "not known".to_owned(), |each| format!("{each:.0} µs")),
        run.unfinished,
        run.tally.all.without_retry_after
    );
}

fn print_line(name: &str, figures: &Figures, seconds: f64) {
    let statuses = figures
        .statuses
        .iter()
        .map(|(status, count)| format!("{status}:{count}"));
    let failed = figures
        .failed
        .iter()
        .map(|(why, count)| format!("{why}:{count}"));
    let all: Vec<String> = statuses.chain(failed).collect();
    let hits = figures
        .hit_rate()
        .map_or_else(|| "-".to_owned(), |rate| format!("{:.1}%", rate * 100.0));
    println!(
        "{name:<10} {:>9} {:>9.0} {:>8.2} {:>8.2} {:>8.2} {:>9.2} {hits:>7} {:>9} {:>9}  {}",
        figures.answers(),
        figures.good() as f64 / seconds,
        figures.millis(0.5),
        figures.millis(0.99),
        figures.millis(0.999),
        figures.longest_millis(),
        spread_text(&figures.sql),
        spread_text(&figures.redis),
        all.join(" ")
    );
}

/// Mean and most.
fn spread_text(spread: &Spread) -> String {
    match (mean(spread), spread.keys().next_back()) {
        (Some(mean), Some(most)) => format!("{mean:.2}<={most}"),
        _ => "-".to_owned(),
    }
}

/// CPU microseconds of an answer: the servers' and the generator's.
pub fn cpu_each(run: &Outcome) -> (Option<f64>, f64) {
    let answers = run.tally.all.answers().max(1) as f64;
    let servers = run.cpu.servers.map(|used| used as f64 / answers);
    (servers, run.cpu.generator as f64 / answers)
}

fn run_json(run: &Outcome) -> Value {
    let seconds = run.took.as_secs_f64();
    let (server, generator) = cpu_each(run);
    let by_op: serde_json::Map<String, Value> = run
        .tally
        .by_op
        .iter()
        .map(|(op, figures)| (op.name().to_owned(), figures_json(figures, seconds)))
        .collect();
    let by_second: Vec<Value> = run
        .tally
        .seconds
        .iter()
        .map(|second| json!([second.answers, second.broken, second.hits, second.told]))
        .collect();
    json!({
        "label": run.label,
        "mix": run.mix,
        "pace": match run.pace {
            Pace::Open { rate, connections } => json!({ "open": rate, "connections": connections }),
            Pace::Closed { connections } => json!({ "closed": true, "connections": connections }),
        },
        "seconds": seconds,
        "unfinished": run.unfinished,
        "server_cpu_us_per_request": server,
        "generator_cpu_us_per_request": generator,
        "all": figures_json(&run.tally.all, seconds),
        "by_operation": by_op,
        "by_second": { "columns": ["answers", "broken", "hits", "told"], "rows": by_second },
    })
}

fn figures_json(figures: &Figures, seconds: f64) -> Value {
    json!({
        "count": figures.answers(),
        "rate": figures.good() as f64 / seconds,
        "p50_ms": figures.millis(0.5),
        "p99_ms": figures.millis(0.99),
        "p999_ms": figures.millis(0.999),
        "max_ms": figures.longest_millis(),
        "statuses": figures.statuses,
        "failed": figures.failed,
        "hit_rate": figures.hit_rate(),
        "hits": figures.hits,
        "misses": figures.misses,
        "entry_hit_rate": figures.entry_hit_rate(),
        "entries": figures.entries,
        "sql_per_request": mean(&figures.sql),
        "sql": figures.sql,
        "redis_per_request": mean(&figures.redis),
        "redis": figures.redis,
        "refused_without_retry_after": figures.without_retry_after,
        "slowest": figures.slowest.iter().rev().map(|(micros, told)| json!([micros, told])).collect::<Vec<_>>(),
    })
}
