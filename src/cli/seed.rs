//! `kith seed`: data to begin with.

use indicatif::{ProgressBar, ProgressStyle};
use kith::app;
use kith::platform::Ctx;
use kith::seeds::{self, Report, SeedArgs, Step};

use super::exit::{Exit, refused};
use super::out;
use super::tool::{load_config, with_ctx};

/// Arguments of `kith seed`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: SeedArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Loads what the arguments ask for and tells what there is now.
pub async fn run(args: Args) -> anyhow::Result<Exit> {
    let config = load_config()?;
    if config.is_production() {
        return Err(refused(
            "seeds are refused in the production profile: their password is public.",
        ));
    }
    with_ctx(config, async move |ctx| {
        let report = load(ctx, &args.source).await?;
        if args.json {
            out::json(&serde_json::to_value(&report)?)?;
        } else {
            out::line(&report)?;
        }
        Ok(Exit::Well)
    })
    .await
}

/// Loads a source, with a progress bar where there is a terminal.
pub async fn load(ctx: &Ctx, source: &SeedArgs) -> anyhow::Result<Report> {
    let bar = ProgressBar::new(1)
        .with_style(ProgressStyle::with_template("{spinner} {pos}/{len} {msg}")?);
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    let shown = bar.clone();
    let progress = move |step: Step<'_>| {
        shown.set_length(u64::try_from(step.of).unwrap_or_default());
        shown.set_position(u64::try_from(step.done).unwrap_or_default());
        shown.set_message(step.doing.to_owned());
    };
    let report = seeds::run(source, ctx.db(), ctx.config(), ctx.now(), &progress).await;
    bar.finish_and_clear();
    let report = report?;
    if !report.already_loaded {
        app::warm_soon(ctx).await?;
    }
    Ok(report)
}
