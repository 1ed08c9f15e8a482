//! Reading `kith.toml` and `.env`. No message quotes a line of them, since it may hold a secret.

use std::collections::BTreeMap;
use std::path::Path;

use super::problem::{Fault, Problem, nearest};
use super::sources::is_known;

/// The values of a `kith.toml` by their names in upper case.
pub(super) fn read_toml(path: &Path) -> Result<BTreeMap<String, String>, Vec<Problem>> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        let what = format!("can't be read ({error})");
        let fix = "Make it readable, or let KITH_CONFIG name another file.";
        vec![Fault::new(what, fix).of(&name)]
    })?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = text
            .bytes()
            .take(start)
            .filter(|byte| *byte == b'\n')
            .count()
            + 1;
        let what = format!("is not valid TOML at line {line}");
        vec![Fault::new(what, "Write settings as `kith_addr = \"127.0.0.1:8080\"`.").of(&name)]
    })?;
    let mut values = BTreeMap::new();
    let mut problems = Vec::new();
    for (key, value) in table {
        match entry(&key, &value) {
            Ok(text) => {
                values.insert(key.to_uppercase(), text);
            }
            Err(fault) => problems.push(fault.of(&name)),
        }
    }
    if problems.is_empty() {
        Ok(values)
    } else {
        Err(problems)
    }
}

fn entry(key: &str, value: &toml::Value) -> Result<String, Fault> {
    let upper = key.to_uppercase();
    if upper == "KITH_CONFIG" {
        let what = format!("has `{key}`, which has no meaning in this file");
        return Err(Fault::new(what, "Set it in the environment."));
    }
    if key != key.to_lowercase() || !is_known(&upper) {
        let what = format!("has `{key}`, which is no setting of kith");
        let fix = match nearest(key) {
            Some(known) => format!("Did you mean `{}`?", known.to_lowercase()),
            None => "Remove it; `kith config` lists the settings.".to_owned(),
        };
        return Err(Fault::new(what, fix));
    }
    plain(value).ok_or_else(|| {
        let what = format!("gives `{key}` a value of the wrong kind");
        Fault::new(
            what,
            "Give a text, a number, true or false, or a list of texts.",
        )
    })
}

fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(true) => Some("on".to_owned()),
        toml::Value::Boolean(false) => Some("off".to_owned()),
        toml::Value::Array(parts) => {
            let parts: Option<Vec<String>> = parts.iter().map(plain).collect();
            parts.map(|parts| parts.join(","))
        }
        _ => None,
    }
}

/// The values of a `.env`. Two settings say how files are read, and are refused in one.
pub(super) fn read_dotenv(path: &Path) -> Result<BTreeMap<String, String>, Problem> {
    let name = path.display().to_string();
    let unreadable = || {
        let fix = "Write one NAME=value on a line, with quotes around values that have spaces.";
        Fault::new("can't be read", fix).of(&name)
    };
    let file = dotenvy::from_path_iter(path).map_err(|_io| unreadable())?;
    let mut values = BTreeMap::new();
    for pair in file {
        let (key, value) = pair.map_err(|_may_hold_a_secret| unreadable())?;
        // A file that only dev reads can't ask for another profile; to ignore that would be to
        // run in dev what was meant to be production.
        let misplaced = key == "KITH_CONFIG" || (key == "KITH_ENV" && value.trim() != "dev");
        if misplaced && !value.trim().is_empty() {
            let what = format!("sets {key}, which is not read from this file");
            return Err(Fault::new(what, "Set it in the environment.").of(&name));
        }
        // As in the usual reading of such files, the first of two equal names counts.
        values.entry(key).or_insert(value);
    }
    Ok(values)
}
