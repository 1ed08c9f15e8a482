//! `KITH_LIMITS_FILE`: other figures than the defaults.

use std::path::Path;

use toml::{Table, Value};

use super::policies;
use crate::infra::ratelimit::{Figures, Policy};
use crate::platform::config::{Config, ConfigErrors, Fault, Problem, duration};

const SETTING: &str = "KITH_LIMITS_FILE";
const SHAPE: &str = "Write it as `[post]` with `quota = 30` and `window = \"5m\"` below it.";
/// More would be no limit.
const MOST: u32 = 1_000_000;

/// The figures of every policy: those of the file, if there is one, and the defaults for the rest.
pub fn figures(file: Option<&Path>) -> Result<Vec<(&'static Policy, Figures)>, ConfigErrors> {
    let mut figures: Vec<_> = policies::ALL
        .iter()
        .map(|policy| (*policy, policy.figures))
        .collect();
    let Some(path) = file else {
        return Ok(figures);
    };
    let text = std::fs::read_to_string(path).map_err(|error| {
        let what = format!("names {}, which can't be read ({error})", path.display());
        alone(Fault::new(
            what,
            "Give the path of a file, or leave the setting out.",
        ))
    })?;
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let (path, why) = (path.display(), error.message());
        let what = format!("names {path}, which is not TOML ({why})");
        alone(Fault::new(what, SHAPE))
    })?;
    let mut problems = Vec::new();
    for (name, value) in &table {
        match changed(&figures, name, value) {
            Ok((place, changed)) => {
                if let Some((_, figures)) = figures.get_mut(place) {
                    *figures = changed;
                }
            }
            Err(fault) => problems.push(fault.of(format!("{SETTING}, [{name}],"))),
        }
    }
    if problems.is_empty() {
        return Ok(figures);
    }
    Err(ConfigErrors { problems })
}

/// What is wrong with the file that the settings name, if they name one.
pub fn problems(config: &Config) -> Vec<Problem> {
    let figures = figures(config.limits_file.as_deref());
    figures
        .err()
        .map_or_else(Vec::new, |errors| errors.problems)
}

fn alone(fault: Fault) -> ConfigErrors {
    let problem: Problem = fault.of(SETTING);
    ConfigErrors {
        problems: vec![problem],
    }
}

/// Which policy the file means, and its figures then.
fn changed(
    known: &[(&'static Policy, Figures)],
    name: &str,
    value: &Value,
) -> Result<(usize, Figures), Fault> {
    let place = known.iter().position(|(policy, _)| policy.name == name);
    let place = place
        .ok_or_else(|| Fault::new("is no limit", format!("These are: {}.", policies::names())))?;
    let (_, mut figures) = known
        .get(place)
        .copied()
        .ok_or_else(|| Fault::new("is no limit", SHAPE))?;
    let members = value
        .as_table()
        .ok_or_else(|| Fault::new("is not a table", SHAPE))?;
    for (member, value) in members {
        match (member.as_str(), value) {
            ("quota", Value::Integer(quota)) => figures.quota = read_quota(*quota)?,
            ("window", Value::String(text)) => figures.window = read_window(text)?,
            ("quota" | "window", _) => {
                return Err(Fault::new(
                    format!("has a `{member}` of the wrong sort"),
                    SHAPE,
                ));
            }
            _ => return Err(Fault::new(format!("has an unknown `{member}`"), SHAPE)),
        }
    }
    Ok((place, figures))
}

fn read_quota(quota: i64) -> Result<u32, Fault> {
    u32::try_from(quota)
        .ok()
        .filter(|quota| (1..=MOST).contains(quota))
        .ok_or_else(|| Fault::new("has a `quota` out of range", format!("Give 1 to {MOST}.")))
}

/// Headers tell it in seconds.
fn read_window(text: &str) -> Result<std::time::Duration, Fault> {
    let window = duration(text)
        .map_err(|fault| Fault::new(format!("has a `window` that {}", fault.what), fault.fix))?;
    if window.subsec_nanos() != 0 || window.is_zero() {
        return Err(Fault::new(
            "has a `window` of no whole seconds",
            "Give `1s` or more.",
        ));
    }
    Ok(window)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(&'static Policy, Figures)>, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("writes");
        figures(Some(file.path())).map_err(|errors| errors.to_string())
    }

    #[test]
    fn the_file_changes_what_it_names_and_nothing_else() {
        let read = read("[post]\nquota = 7\n[search]\nwindow = \"2s\"").expect("reads");
        for (policy, figures) in read {
            let seconds = figures.window.as_secs();
            match policy.name {
                "post" => assert_eq!((figures.quota, seconds), (7, 300)),
                "search" => assert_eq!((figures.quota, seconds), (60, 2)),
                _ => assert_eq!(figures, policy.figures),
            }
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_with_what_to_do() {
        let told = read("[pots]\nquota = 1\n[post]\nquota = 0\n[search]\nwindow = \"1500ms\"\n[circle]\nwindow = \"soon\"\n[comment]\nspeed = 1\n[reaction]\nquota = \"1\"\n[message]\nquota = 2000000")
            .expect_err("refused");
        for words in [
            "[pots], is no limit. These are: general, ",
            "[post], has a `quota` out of range. Give 1 to 1000000.",
            "[search], has a `window` of no whole seconds. Give `1s` or more.",
            "[circle], has a `window` that is not a time. Write it as",
            "[comment], has an unknown `speed`.",
            "[reaction], has a `quota` of the wrong sort.",
            "[message], has a `quota` out of range.",
        ] {
            assert!(told.contains(words), "{words}: {told}");
        }
        assert!(
            read("quota =")
                .expect_err("refused")
                .contains("is not TOML")
        );
        assert!(
            read("post = 3")
                .expect_err("refused")
                .contains("is not a table")
        );
        let missing = figures(Some(Path::new("/nowhere/at/all"))).expect_err("refused");
        assert!(
            missing
                .to_string()
                .contains("KITH_LIMITS_FILE names /nowhere/at/all, which can't be read")
        );
    }
}
