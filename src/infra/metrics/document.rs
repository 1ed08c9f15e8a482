//! The page `docs/metrics.md`.

use super::GROUPS;

const INTRODUCTION: &str = "\
# Metrics

This page is printed by `kith metrics`, from the declarations in `src/infra/metrics/declared.rs`.

`GET /metrics` on `KITH_OPS_ADDR` gives these to Prometheus, in its text format, and nothing on the public
address does. They are there from the start, at 0, with every value of their labels, but for four sorts: requests
show from the first to a route with a status; `kith_feed_fanout_lag_seconds` from the first post that was pushed;
`kith_cache_checked_entries_total` and `kith_cache_nines` from the first entry that was checked; and those under Redis
only with `REDIS_URL`. Labels are words of the program and never hold ids. Histograms have
bounds from 0.1 ms to 10 s, and add `_bucket`, `_sum` and `_count` to their names.

[alerts.yml](alerts.yml) has rules to begin with.
";

/// The page, from the declarations.
pub fn render_markdown() -> String {
    let mut page = String::from(INTRODUCTION);
    for (heading, metrics) in GROUPS {
        page.extend(["\n## ", heading, "\n\n"]);
        page.push_str(
            "| name | kind | labels | unit | meaning |\n| --- | --- | --- | --- | --- |\n",
        );
        for metric in *metrics {
            let labels: Vec<String> = metric.labels.iter().map(|l| format!("`{l}`")).collect();
            let cells = [
                &format!("`{}`", metric.name),
                metric.kind.as_str(),
                &labels.join(", "),
                metric.unit,
                metric.meaning,
            ];
            page.extend(["| ", &cells.join(" | "), " |\n"]);
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infra::committed::held_equal;
    use crate::infra::metrics::{Kind, declared};

    #[test]
    fn the_committed_page_is_the_one_made_from_the_declarations() {
        held_equal("docs/metrics.md", |_| render_markdown());
    }

    #[test]
    fn names_are_unique_and_end_as_their_kind_does() {
        let mut names: Vec<&str> = declared::all().map(|metric| metric.name).collect();
        for metric in declared::all() {
            let is_total = metric.name.ends_with("_total");
            assert_eq!(is_total, metric.kind == Kind::Counter, "{}", metric.name);
            // The bounds are for seconds.
            let is_time = metric.name.ends_with("_seconds");
            assert!(is_time || metric.kind != Kind::Histogram, "{}", metric.name);
        }
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
