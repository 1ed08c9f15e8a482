//! What to load, and loading it.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use sqlx::PgPool;

use super::store::{self, Outcome};
use super::tables::Shared;
use super::{counters, demo, graph, ldbc, people};
use crate::kernel::Timestamp;
use crate::platform::config::Config;

use super::dataset::Dataset;
use super::report::{Progress, Report, Skipped, Step};

/// Where data comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A cast of people for trying things out.
    Demo,
    /// Friendships of a file; what people write is made up.
    Graph {
        /// A friendship a line.
        file: PathBuf,
        /// Posts of each person.
        posts_per_user: u32,
    },
    /// The LDBC social network, in the folder of its files.
    Ldbc(PathBuf),
}

/// What is to be loaded.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where it comes from.
    pub source: Source,
    /// The same number makes the same data.
    pub seed: u64,
    /// The instant up to which people write; midnight today (UTC) without it.
    pub at: Option<DateTime<Utc>>,
}

impl Plan {
    /// What all chance follows from unless another number is given.
    pub const SEED: u64 = 42;

    /// A source as it is loaded where nothing else is said.
    pub fn of(source: Source) -> Self {
        Self {
            source,
            seed: Self::SEED,
            at: None,
        }
    }
}

/// Loads what is planned, unless the profile is production.
pub async fn run(
    plan: &Plan,
    pool: &PgPool,
    config: &Config,
    now: Timestamp,
    progress: Progress<'_>,
) -> anyhow::Result<Report> {
    anyhow::ensure!(
        !config.is_production(),
        "seeds are refused in the production profile: their password is public"
    );
    seed(plan, pool, now, progress).await
}

/// Loads what is planned, whatever the profile.
pub async fn seed(
    plan: &Plan,
    pool: &PgPool,
    now: Timestamp,
    progress: Progress<'_>,
) -> anyhow::Result<Report> {
    let started = Instant::now();
    let at = match plan.at {
        Some(at) => at,
        None => now.utc().duration_trunc(TimeDelta::days(1))?,
    };
    let at = people::present(at)?;
    progress(Step {
        doing: "reading and making",
        done: 0,
        of: 1,
    });
    let wanted = plan.clone();
    // Making a large graph takes seconds of pure computing.
    let (source, data, skipped) = tokio::task::spawn_blocking(move || build(wanted, at))
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

fn build(plan: Plan, at: Timestamp) -> anyhow::Result<(&'static str, Dataset, Vec<Skipped>)> {
    let seed = plan.seed;
    let (name, (data, skipped)) = match plan.source {
        Source::Demo => ("demo", demo::build(seed, at)?),
        Source::Ldbc(folder) => ("ldbc", ldbc::build(&folder, seed)?),
        Source::Graph {
            file,
            posts_per_user,
        } => {
            let source = graph::Source {
                file,
                posts_per_user,
                seed,
                at,
            };
            ("graph", graph::build(&source)?)
        }
    };
    Ok((name, data, skipped))
}
