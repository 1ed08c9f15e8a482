//! `kith config`: what is in effect.

use serde_json::json;

use super::exit::Exit;
use super::out;
use super::tool::load_config;

/// Arguments of `kith config`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints every setting with its value and where that came from.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let config = load_config()?;
    if args.json {
        let settings: Vec<_> = config
            .rows()
            .iter()
            .map(|row| {
                json!({
                    "name": row.name,
                    "value": row.value,
                    "source": row.source.to_string(),
                    "doc": row.doc,
                })
            })
            .collect();
        out::json(&json!({ "settings": settings, "warnings": config.warnings }))?;
        return Ok(Exit::Well);
    }
    let rows: Vec<_> = config
        .rows()
        .iter()
        .map(|row| {
            [
                row.name.to_owned(),
                row.value.clone(),
                row.source.to_string(),
            ]
        })
        .collect();
    out::table(["NAME", "VALUE", "SOURCE"], &rows)?;
    for warning in &config.warnings {
        eprintln!("warning: {warning}");
    }
    Ok(Exit::Well)
}
