//! `kith recount`: counters against the truth.

use indicatif::{ProgressBar, ProgressStyle};
use kith::app::recount::RECOUNTS;
use kith::kernel::{Error, Result};
use kith::platform::Ctx;
use kith::platform::write::transaction;
use serde_json::{Map, Value, json};

use super::exit::Exit;
use super::out;
use super::tool::{load_config, with_ctx};

/// Arguments of `kith recount`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Correct nothing, and exit with 3 if a counter has drifted
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Counts everything anew and tells what had drifted.
pub async fn run(args: Args) -> anyhow::Result<Exit> {
    with_ctx(load_config()?, async move |ctx| {
        let drifts = count(ctx, args.dry_run).await?;
        let total: u64 = drifts.iter().map(|(_, drift)| drift).sum();
        if args.json {
            let drifts: Map<String, Value> = drifts
                .iter()
                .map(|(name, drift)| ((*name).to_owned(), json!(drift)))
                .collect();
            out::json(&json!({ "drifted": drifts, "corrected": !args.dry_run }))?;
        } else {
            for (name, drift) in &drifts {
                out::line(format_args!("{name}: {drift} drifted"))?;
            }
        }
        let found = args.dry_run && total > 0;
        Ok(if found { Exit::Found } else { Exit::Well })
    })
    .await
}

async fn count(ctx: &Ctx, dry_run: bool) -> anyhow::Result<Vec<(&'static str, u64)>> {
    // Shows itself on a terminal only.
    let bar = ProgressBar::new(u64::try_from(RECOUNTS.len())?).with_style(
        ProgressStyle::with_template("{spinner} {pos}/{len} counting {msg}")?,
    );
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    let mut drifts = Vec::new();
    for (name, recount) in RECOUNTS {
        bar.set_message(*name);
        let drift = if dry_run {
            let mut transaction = ctx.db().begin().await?;
            unhurried(&mut transaction).await?;
            let drift = recount(&mut transaction).await?;
            transaction.rollback().await?;
            drift
        } else {
            transaction(ctx, async |tx| {
                unhurried(tx.conn()).await?;
                recount(tx.conn()).await
            })
            .await?
        };
        drifts.push((*name, drift));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(drifts)
}

/// Counting everything takes longer than a request may.
async fn unhurried(conn: &mut kith::infra::db::Conn) -> Result<()> {
    kith::infra::db::lift_timeouts(conn)
        .await
        .map_err(Error::from)
}
