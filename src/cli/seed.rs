//! `kith seed`: data to begin with.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{ArgGroup, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use kith::app;
use kith::platform::Ctx;
use kith::seeds::{self, Plan, Report, Source, Step};

use super::exit::{Exit, refused};
use super::out;
use super::tool::{load_config, with_ctx};

/// Arguments of `kith seed`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    what: SeedArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Ready-made data.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Profile {
    /// A cast of people for trying things out.
    Demo,
}

/// Fills the database with people, friendships and what they write.
#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("source").required(true).args(["profile", "graph", "ldbc"])))]
struct SeedArgs {
    /// Ready-made data.
    #[arg(long, value_enum)]
    profile: Option<Profile>,
    /// A file with a friendship a line: `a b` or `a,b`, whole numbers.
    #[arg(long, value_name = "FILE")]
    graph: Option<PathBuf>,
    /// A folder of the LDBC social network: CSV files with `|` between the columns, in `dynamic/`.
    #[arg(long, value_name = "DIR")]
    ldbc: Option<PathBuf>,
    /// Posts of each person of a graph.
    #[arg(long, default_value_t = 10, conflicts_with_all = ["profile", "ldbc"], value_parser = clap::value_parser!(u32).range(0..=1_000))]
    posts_per_user: u32,
    /// The same number makes the same data.
    #[arg(long, default_value_t = Plan::SEED)]
    seed: u64,
    /// The instant (RFC 3339) up to which people write; midnight today (UTC) if it is not given.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    at: Option<DateTime<Utc>>,
}

fn instant(text: &str) -> Result<DateTime<Utc>, &'static str> {
    let read = DateTime::parse_from_rfc3339(text).map(|instant| instant.to_utc());
    read.map_err(|_no_instant| "give an instant as RFC 3339 has it, such as 2027-01-31T12:00:00Z")
}

impl SeedArgs {
    fn plan(self) -> anyhow::Result<Plan> {
        let source = match (self.profile, self.graph, self.ldbc) {
            (Some(Profile::Demo), _, _) => Source::Demo,
            (_, Some(file), _) => Source::Graph {
                file,
                posts_per_user: self.posts_per_user,
            },
            (_, _, Some(folder)) => Source::Ldbc(folder),
            _ => anyhow::bail!("choose one of --profile demo, --graph FILE and --ldbc DIR"),
        };
        Ok(Plan {
            source,
            seed: self.seed,
            at: self.at,
        })
    }
}

/// Loads what the arguments ask for and tells what there is now.
pub async fn run(args: Args) -> anyhow::Result<Exit> {
    let config = load_config()?;
    if config.is_production() {
        return Err(refused(
            "seeds are refused in the production profile: their password is public.",
        ));
    }
    let plan = args.what.plan()?;
    with_ctx(config, async move |ctx| {
        let report = load(ctx, &plan).await?;
        if args.json {
            out::json(&serde_json::to_value(&report)?)?;
        } else {
            out::line(&report)?;
        }
        Ok(Exit::Well)
    })
    .await
}

/// Loads what is planned, with a progress bar where there is a terminal.
pub async fn load(ctx: &Ctx, plan: &Plan) -> anyhow::Result<Report> {
    let bar = ProgressBar::new(1)
        .with_style(ProgressStyle::with_template("{spinner} {pos}/{len} {msg}")?);
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    let shown = bar.clone();
    let progress = move |step: Step<'_>| {
        shown.set_length(u64::try_from(step.of).unwrap_or_default());
        shown.set_position(u64::try_from(step.done).unwrap_or_default());
        shown.set_message(step.doing.to_owned());
    };
    let report = seeds::run(plan, ctx.db(), ctx.config(), ctx.now(), &progress).await;
    bar.finish_and_clear();
    let report = report?;
    if !report.already_loaded {
        app::warm_soon(ctx).await?;
    }
    Ok(report)
}
