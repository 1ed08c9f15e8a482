//! What is in effect, and the documents that are made from the table of settings.

use super::settings::{Fallback, GROUPS, Setting};
use super::sources::Source;

const WIDTH: usize = 98;

/// A setting in effect, fit to be printed.
#[derive(Debug, Clone)]
pub struct Row {
    /// The setting.
    pub name: &'static str,
    /// Its value without secrets; in brackets, what holds when there is none.
    pub value: String,
    /// Where the value came from.
    pub source: Source,
    /// What the setting does.
    pub doc: &'static str,
}

/// The file `.env.example`: every setting, explained and commented out.
pub fn render_env_example() -> String {
    let mut out = String::from(
        "# Settings of kith. Copy this file to .env, which is read in the dev profile only, and\n\
         # uncomment what you want to change. Everything here is optional in dev.\n",
    );
    for (heading, settings) in GROUPS {
        out.extend(["\n# ---- ", heading, " ----\n"]);
        for setting in *settings {
            out.push('\n');
            let mut text = format!(
                "{} Default: {}.{}",
                setting.doc,
                default(setting),
                refusals(setting)
            );
            if setting.may_be_in_a_file() {
                text.extend([" Or let ", setting.name, "_FILE name a file that holds it."]);
            }
            for line in wrapped(&text) {
                out.extend(["# ", &line, "\n"]);
            }
            out.extend(["#", setting.name, "=", &quoted(example(setting)), "\n"]);
        }
    }
    out
}

/// The page `docs/configuration.md`.
pub fn render_markdown() -> String {
    let mut out = String::from(INTRODUCTION);
    for (heading, settings) in GROUPS {
        out.extend([
            "\n## ",
            heading,
            "\n\n| name | default | meaning |\n| --- | --- | --- |\n",
        ]);
        for setting in *settings {
            let cells = [
                "| `",
                setting.name,
                "` | ",
                &default(setting),
                " | ",
                setting.doc,
            ];
            out.extend(cells);
            let mark = if setting.may_be_in_a_file() {
                " (*file*)"
            } else {
                ""
            };
            out.extend([refusals(setting).as_str(), mark, " |\n"]);
        }
    }
    out
}

const INTRODUCTION: &str = "\
# Configuration

This page is generated from the table of settings in `src/platform/config/settings.rs`.

Each setting is looked for in these places, and the first that has a value counts; an empty value is
no value:

1. the environment;
2. for settings marked *file*, the file that the variable `NAME_FILE` names, for instance
   `KITH_SECRET_KEY_FILE=/run/secrets/kith`;
3. `kith.toml` in the working directory, or the file that `KITH_CONFIG` names, with the names in lower
   case: `kith_addr = \"0.0.0.0:8080\"`. A name that is no setting is an error;
4. in the dev profile, `.env` in the working directory;
5. the default.

Steps 3 and 4 accept `NAME_FILE` too. Relative paths are relative to the working directory. kith reads
all settings at its start, tells everything that is wrong with them at once, and then doesn't start.
`kith config` prints what is in effect and where it came from, without the secrets.

Lists are separated by commas.

Some settings are read and checked and have no effect yet, because what they are for doesn't exist yet:
`DATABASE_LISTEN_URL` and `OTEL_EXPORTER_OTLP_ENDPOINT`. Of
`KITH_ROLES`, `worker` alone makes a difference.
`KITH_REGISTRATION=invite` is the same as `closed`: there are no invitations.
";

fn default(setting: &Setting) -> String {
    match setting.default {
        Fallback::Words(words) => words.to_owned(),
        Fallback::Value(value) => format!("`{value}`"),
        Fallback::PerProfile { dev, production } => {
            format!("`{dev}` in dev, `{production}` in production")
        }
    }
}

fn refusals(setting: &Setting) -> String {
    let refused = setting.refused.iter();
    refused
        .map(|value| [" Production refuses `", value, "`."].concat())
        .collect()
}

fn example(setting: &Setting) -> &'static str {
    match setting.default_value(false) {
        Some(value) => value,
        None => setting.example,
    }
}

/// Shells and readers of `.env` agree on what stands between single quotes.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/,@+=".contains(c);
    if value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{value}'")
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < WIDTH => line.extend([" ", word]),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infra::committed::held_equal;

    #[test]
    fn the_committed_env_example_is_the_one_made_from_the_table() {
        held_equal(".env.example", |_| render_env_example());
    }

    #[test]
    fn the_committed_documentation_is_the_one_made_from_the_table() {
        held_equal("docs/configuration.md", |_| render_markdown());
    }

    #[test]
    fn every_example_can_be_read_back_from_a_dotenv() {
        let uncommented = render_env_example().replace("\n#KITH", "\nKITH");
        let uncommented = uncommented.replace("\n#DATABASE", "\nDATABASE");
        for pair in dotenvy::from_read_iter(uncommented.as_bytes()) {
            let (name, value) = pair.expect("parses");
            let setting = super::super::settings::find(&name).expect("known");
            assert_eq!(value, example(setting));
        }
    }
}
