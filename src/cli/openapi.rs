//! `kith openapi`: the document of the API.

use super::exit::Exit;
use super::out;

/// Prints it, indented; the same program always prints the same.
pub fn run() -> anyhow::Result<Exit> {
    out::json(&kith::app::document())?;
    Ok(Exit::Well)
}
