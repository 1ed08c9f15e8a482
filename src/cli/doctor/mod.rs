//! `kith doctor`: a look at everything that kith depends on.

mod files;
mod postgres;
mod redis;

use serde_json::json;

use super::exit::Exit;
use super::tool::{load_config, with_database, with_redis};
use super::{causes, out};
use kith::platform::config::Config;

/// Arguments of `kith doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grade {
    Well,
    Warning,
    Problem,
}

/// What was found out about one part.
#[derive(Debug)]
struct Finding {
    part: &'static str,
    grade: Grade,
    what: String,
    fix: String,
}

impl Finding {
    fn well(part: &'static str, what: impl Into<String>) -> Self {
        let (what, fix) = (what.into(), String::new());
        Self {
            part,
            grade: Grade::Well,
            what,
            fix,
        }
    }

    fn warning(part: &'static str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        let (what, fix) = (what.into(), fix.into());
        Self {
            part,
            grade: Grade::Warning,
            what,
            fix,
        }
    }

    fn problem(part: &'static str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        let grade = Grade::Problem;
        Self {
            grade,
            ..Self::warning(part, what, fix)
        }
    }
}

/// Looks, and tells what to do.
pub async fn run(args: Args) -> anyhow::Result<Exit> {
    // Wrong settings end it here: they are told all at once, with the code for them.
    let config = load_config()?;
    let mut findings = settings(&config);
    findings.extend(files::look(&config));
    match with_database(&config, async |database| {
        Ok(postgres::look(&config, database).await)
    })
    .await
    {
        Ok(found) => findings.extend(found),
        Err(error) => findings.push(Finding::problem(
            "Postgres",
            format!(
                "the embedded server does not start: {}",
                causes::told(&error)
            ),
            "Do what the message says, or set DATABASE_URL to a Postgres that runs.",
        )),
    }
    let found = with_redis(config, async |config| Ok(redis::look(&config).await)).await?;
    findings.extend(found);
    show(&findings, args.json)?;
    let found = findings
        .iter()
        .any(|finding| finding.grade == Grade::Problem);
    Ok(if found { Exit::Found } else { Exit::Well })
}

fn settings(config: &Config) -> Vec<Finding> {
    let count = config.rows().len();
    let mut findings = vec![Finding::well(
        "settings",
        format!("{count} settings read, profile {}", config.env.as_str()),
    )];
    let warnings = config.warnings.iter();
    findings.extend(warnings.map(|warning| {
        Finding::warning("settings", warning.clone(), "See docs/configuration.md.")
    }));
    findings
}

fn show(findings: &[Finding], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let render = |finding: &Finding| {
            json!({
                "part": finding.part,
                "grade": word(finding.grade),
                "what": finding.what,
                "fix": finding.fix,
            })
        };
        let findings: Vec<_> = findings.iter().map(render).collect();
        return out::json(&json!({ "findings": findings }));
    }
    for finding in findings {
        let grade = word(finding.grade);
        out::line(format_args!(
            "{grade:<8} {}: {}",
            finding.part, finding.what
        ))?;
        if !finding.fix.is_empty() {
            out::line(format_args!("{:<8} -> {}", "", finding.fix))?;
        }
    }
    Ok(())
}

fn word(grade: Grade) -> &'static str {
    match grade {
        Grade::Well => "ok",
        Grade::Warning => "warning",
        Grade::Problem => "problem",
    }
}
