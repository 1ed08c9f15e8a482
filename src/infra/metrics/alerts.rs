//! Holds `docs/alerts.yml` against the declarations.

use std::collections::BTreeSet;

use serde_yaml_ng::Value;

use super::{Kind, Metric, declared};

/// Labels that Prometheus adds by itself.
const PROMETHEUS: [&str; 2] = ["instance", "job"];

/// The rules as Prometheus reads them: a name, an expression and a summary each.
fn rules() -> Vec<(String, String, String)> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/alerts.yml");
    let text = std::fs::read_to_string(path).expect("the rules");
    let file: Value = serde_yaml_ng::from_str(&text).expect("YAML");
    let groups = file["groups"].as_sequence().expect("groups");
    let rules = groups
        .iter()
        .flat_map(|group| group["rules"].as_sequence().expect("rules"));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let read = |rule: &Value| {
        let summary = &rule["annotations"]["summary"];
        assert!(rule["labels"]["severity"].is_string(), "{rule:?}");
        (text(&rule["alert"]), text(&rule["expr"]), text(summary))
    };
    rules.map(read).collect()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn named(name: &str) -> Option<&'static Metric> {
    let parts = ["_bucket", "_sum", "_count"];
    let base = parts.iter().find_map(|part| name.strip_suffix(part));
    declared::all().find(|metric| match metric.kind {
        Kind::Histogram => base == Some(metric.name),
        _ => name == metric.name,
    })
}

/// Metrics of an expression, each with what stands in the braces behind it.
fn metrics_of(expression: &str) -> Vec<(&str, &str)> {
    let starts = expression.match_indices("kith_").map(|(at, _)| at);
    let read = |at: usize| {
        let rest = expression.get(at..).unwrap_or_default();
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        let braces = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        (name, braces.map_or("", |(inside, _)| inside))
    };
    starts.map(read).collect()
}

/// The names in the parentheses behind `word`.
fn listed<'a>(expression: &'a str, word: &str) -> Vec<&'a str> {
    let lists = expression.match_indices(word).filter_map(|(at, _)| {
        let rest = expression.get(at + word.len()..)?.trim_start();
        rest.strip_prefix('(')?.split_once(')')
    });
    lists
        .flat_map(|(names, _)| names.split(',').map(str::trim))
        .collect()
}

/// What the series that an alert fires for can be told apart by.
fn kept<'a>(expression: &'a str, all: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    if expression.contains("sum") {
        return listed(expression, " by ").into_iter().collect();
    }
    all.iter().copied().chain(PROMETHEUS).collect()
}

#[test]
fn alerts_speak_of_metrics_and_labels_that_there_are() {
    let rules = rules();
    assert!(rules.len() >= 10, "{}", rules.len());
    for (alert, expression, summary) in &rules {
        let metrics = metrics_of(expression);
        assert!(!metrics.is_empty(), "{alert} asks for nothing of ours");
        let mut labels = BTreeSet::new();
        for (name, selector) in metrics {
            let metric = named(name).unwrap_or_else(|| panic!("{alert}: {name} is not declared"));
            let mut own: Vec<&str> = metric.labels.to_vec();
            if name.ends_with("_bucket") {
                own.push("le");
            }
            for matcher in selector.split(',').filter(|matcher| !matcher.is_empty()) {
                let label = matcher.trim().split(|c| !is_word(c)).next();
                let label = label.expect("a label");
                assert!(own.contains(&label), "{alert}: {name} has no label {label}");
            }
            labels.extend(own);
        }
        for word in [" by ", "ignoring", "without"] {
            for label in listed(expression, word) {
                assert!(labels.contains(label), "{alert}: {word} {label}");
            }
        }
        let told = summary.match_indices("$labels.").map(|(at, found)| {
            let rest = summary.get(at + found.len()..).unwrap_or_default();
            rest.split(|c| !is_word(c)).next().expect("a label")
        });
        let kept = kept(expression, &labels);
        for label in told {
            assert!(kept.contains(label), "{alert}: its summary tells {label}");
        }
    }
}

#[test]
fn no_metric_has_a_label_that_prometheus_gives_by_itself() {
    for metric in declared::all() {
        for label in metric.labels {
            assert!(!PROMETHEUS.contains(label), "{}: {label}", metric.name);
        }
    }
}

#[test]
fn an_inconsistent_cache_is_told_by_what_was_wrong_and_not_by_how_little_was_checked() {
    let rules = rules();
    let nines = declared::CACHE_NINES.name;
    assert!(rules.iter().all(|(_, rule, _)| !rule.contains(nines)));
    let rule = rules
        .iter()
        .find(|(name, ..)| name == "KithCacheInconsistent");
    let (_, rule, _) = rule.expect("the rule");
    let wrong = (declared::CACHE_CHECKED.name, "outcome=\"inconsistent\"");
    assert_eq!(metrics_of(rule), [wrong]);
}
