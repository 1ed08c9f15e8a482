//! Running a program that takes its time.

use std::time::Duration;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::process::Command;

/// Runs it to its end beside a sign of life, which shows itself on a terminal only, and gives what it wrote. A
/// failure quotes what it said.
pub async fn run(mut command: Command, what: &'static str) -> anyhow::Result<String> {
    let program = command.as_std().get_program().display().to_string();
    let bar = ProgressBar::new_spinner()
        .with_style(ProgressStyle::with_template("{spinner} {msg} ({elapsed})")?)
        .with_message(what);
    bar.enable_steady_tick(Duration::from_millis(100));
    let output = command
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("could not run {program}"))?;
    bar.finish_and_clear();
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    bail!("{program} failed: {}", said.trim())
}
