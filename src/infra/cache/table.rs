//! Spaces in words, for pages and tools.

use std::time::Duration;

use super::{Described, Kind};

impl Described {
    /// What [`Self::cells`] are.
    pub const HEADINGS: [&str; 9] = [
        "space",
        "version",
        "kind",
        "fresh",
        "keep",
        "in the process",
        "nothing",
        "tags",
        "tables",
    ];

    /// What there is to say of the space.
    pub fn cells(&self) -> [String; 9] {
        let policy = &self.policy;
        let kind = match self.kind {
            Kind::Exact if policy.decides => "exact, decides",
            Kind::Exact => "exact",
            Kind::Timed => "timed",
        };
        let fresh = words(policy.fresh);
        [
            self.name.to_owned(),
            self.version.to_string(),
            kind.to_owned(),
            if policy.popular {
                format!("{fresh}, to {} if popular", words(policy.fresh * 4))
            } else {
                fresh
            },
            words(policy.keep),
            words(policy.l1),
            if policy.negative.is_zero() {
                "not kept".to_owned()
            } else {
                words(policy.negative)
            },
            self.any.tags().join(", "),
            self.tables.join(", "),
        ]
    }
}

/// The spaces as a table in Markdown.
pub fn render_table(spaces: &[Described]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let headings = Described::HEADINGS.map(str::to_owned);
    let mut page = line(&headings);
    page.push_str(&line(&headings.map(|_| "---".to_owned())));
    for space in spaces {
        let [name, version, kind, fresh, keep, l1, negative, tags, tables] = space.cells();
        let quoted = |list: &str| {
            let words: Vec<String> = list.split(", ").map(|word| format!("`{word}`")).collect();
            words.join(", ")
        };
        let (name, tags, tables) = (quoted(&name), quoted(&tags), quoted(&tables));
        page.push_str(&line(&[
            name, version, kind, fresh, keep, l1, negative, tags, tables,
        ]));
    }
    page
}

/// `90 s`, `30 min`, `12 h`.
fn words(time: Duration) -> String {
    let millis = time.as_millis();
    let units = [(3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    let unit = units
        .iter()
        .find(|(unit, _)| millis >= *unit && millis.is_multiple_of(*unit));
    match unit {
        Some((unit, name)) => format!("{} {name}", millis / unit),
        None => format!("{millis} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_their_largest_whole_unit() {
        let told = [250, 90_000, 1_800_000, 7_200_000].map(|ms| words(Duration::from_millis(ms)));
        assert_eq!(told, ["250 ms", "90 s", "30 min", "2 h"]);
    }
}
