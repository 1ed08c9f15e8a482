//! `kith metrics`: what kith counts.

use super::exit::Exit;
use super::out;

/// Prints the page `docs/metrics.md`.
pub fn run() -> anyhow::Result<Exit> {
    out::line(kith::infra::metrics::render_markdown().trim_end())?;
    Ok(Exit::Well)
}
