//! The command `kith seed`.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use clap::{ArgGroup, Args, ValueEnum};
use sqlx::PgPool;

use super::store::{self, Outcome};
use super::tables::Shared;
use super::{counters, demo, graph, ldbc, people};
use crate::kernel::Timestamp;
use crate::platform::config::Config;

use super::dataset::Dataset;
use super::report::{Progress, Report, Skipped, Step};

/// Ready-made data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// A cast of people for trying things out.
    Demo,
}

/// Fills the database with people, friendships and what they write.
#[derive(Debug, Clone, Args)]
#[command(group(ArgGroup::new("source").required(true).args(["profile", "graph", "ldbc"])))]
pub struct SeedArgs {
    /// Ready-made data.
    #[arg(long, value_enum)]
    pub profile: Option<Profile>,
    /// A file with a friendship a line: `a b` or `a,b`, whole numbers.
    #[arg(long, value_name = "FILE")]
    pub graph: Option<PathBuf>,
    /// A folder of the LDBC social network: CSV files with `|` between the columns, in `dynamic/`.
    #[arg(long, value_name = "DIR")]
    pub ldbc: Option<PathBuf>,
    /// Posts of each person of a graph.
    #[arg(long, default_value_t = 10, conflicts_with_all = ["profile", "ldbc"], value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub posts_per_user: u32,
    /// The same number makes the same data.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// The instant (RFC 3339) up to which people write; midnight today (UTC) if it is not given.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub at: Option<DateTime<Utc>>,
}

fn instant(text: &str) -> Result<DateTime<Utc>, &'static str> {
    let read = DateTime::parse_from_rfc3339(text).map(|instant| instant.to_utc());
    read.map_err(|_no_instant| "give an instant as RFC 3339 has it, such as 2027-01-31T12:00:00Z")
}

impl SeedArgs {
    /// The demo as `kith dev` loads it.
    pub fn demo() -> Self {
        Self {
            profile: Some(Profile::Demo),
            graph: None,
            ldbc: None,
            posts_per_user: 10,
            seed: 42,
            at: None,
        }
    }
}

/// Loads what the arguments ask for, unless the profile is production.
pub async fn run(
    args: &SeedArgs,
    pool: &PgPool,
    config: &Config,
    now: Timestamp,
    progress: Progress<'_>,
) -> anyhow::Result<Report> {
    anyhow::ensure!(
        !config.is_production(),
        "seeds are refused in the production profile: their password is public"
    );
    seed(args, pool, now, progress).await
}

/// Loads what the arguments ask for, whatever the profile.
pub async fn seed(
    args: &SeedArgs,
    pool: &PgPool,
    now: Timestamp,
    progress: Progress<'_>,
) -> anyhow::Result<Report> {
    let started = Instant::now();
    let at = match args.at {
        Some(at) => at,
        None => now.utc().duration_trunc(TimeDelta::days(1))?,
    };
    let at = people::present(at)?;
    progress(Step {
        doing: "reading and making",
        done: 0,
        of: 1,
    });
    let wanted = args.clone();
    // Making a large graph takes seconds of pure computing.
    let (source, data, skipped) = tokio::task::spawn_blocking(move || build(&wanted, at))
        .await
        .context("making the data failed")??;
    let password_hash = tokio::task::spawn_blocking(people::password_hash).await??;
    let shared = Shared {
        password_hash: &password_hash,
        at,
    };
    let outcome = store::load(pool, &data, &shared, progress).await?;
    Ok(Report {
        source,
        already_loaded: outcome == Outcome::AlreadyLoaded,
        counts: counters::sizes(&data),
        skipped,
        seconds: started.elapsed().as_secs_f64(),
    })
}

fn build(args: &SeedArgs, at: Timestamp) -> anyhow::Result<(&'static str, Dataset, Vec<Skipped>)> {
    if let Some(file) = &args.graph {
        let (data, skipped) = graph::build(&graph::Source {
            file: file.clone(),
            posts_per_user: args.posts_per_user,
            seed: args.seed,
            at,
        })?;
        return Ok(("graph", data, skipped));
    }
    if args.profile == Some(Profile::Demo) {
        let (data, skipped) = demo::build(args.seed, at)?;
        return Ok(("demo", data, skipped));
    }
    if let Some(folder) = &args.ldbc {
        let (data, skipped) = ldbc::build(folder, args.seed)?;
        return Ok(("ldbc", data, skipped));
    }
    anyhow::bail!("choose one of --profile demo, --graph FILE and --ldbc DIR")
}
