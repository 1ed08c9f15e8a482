//! `kith jobs`: background work.

use clap::Subcommand;
use kith::app::registry;
use kith::infra::jobs::{self, Outcome, Runner, Summary};
use kith::kernel::JobId;
use kith::platform::Ctx;
use serde_json::json;

use super::exit::{Exit, refused};
use super::tool::{load_config, with_ctx};
use super::{args, out};

/// Failed jobs that are listed at the most.
const LISTED: i64 = 100;

/// What to do with jobs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the jobs that have rows: how many wait, run and have failed for good
    List(ListArgs),
    /// Run a periodic job here and now
    Run(RunArgs),
    /// Let a job that failed for good be tried again
    Retry(RetryArgs),
    /// Delete jobs that failed for good
    Purge(PurgeArgs),
}

/// Arguments of `kith jobs list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// List the jobs that failed for good instead, the latest first
    #[arg(long)]
    failed: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `kith jobs run`.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// The periodic job
    name: String,
}

/// Arguments of `kith jobs retry`.
#[derive(Debug, clap::Args)]
pub struct RetryArgs {
    /// The job, as `kith jobs list --failed` shows it
    #[arg(value_parser = args::id::<JobId>)]
    id: JobId,
}

/// Arguments of `kith jobs purge`.
#[derive(Debug, clap::Args)]
pub struct PurgeArgs {
    /// Only jobs of this name
    #[arg(long)]
    name: Option<String>,
}

/// Runs the command.
pub async fn run(command: Command) -> anyhow::Result<Exit> {
    let config = load_config()?;
    with_ctx(config, async move |ctx| match command {
        Command::List(args) if args.failed => list_failed(ctx, args.json).await,
        Command::List(args) => list(ctx, args.json).await,
        Command::Run(args) => run_now(ctx, &args.name).await,
        Command::Retry(args) => retry(ctx, args.id).await,
        Command::Purge(args) => {
            let purged = jobs::purge(&mut *ctx.conn().await?, args.name.as_deref()).await?;
            out::line(format_args!("Jobs deleted: {purged}."))?;
            Ok(Exit::Well)
        }
    })
    .await
}

async fn list(ctx: &Ctx, as_json: bool) -> anyhow::Result<Exit> {
    let rows = jobs::summaries(&mut *ctx.conn().await?, ctx.now()).await?;
    if as_json {
        let render = |row: &Summary| {
            json!({
                "name": row.name,
                "waiting": row.waiting,
                "running": row.running,
                "failed": row.failed,
                "oldest_due_at": row.oldest_due_at,
                "next_run_at": row.next_run_at,
                "last_error": row.last_error,
            })
        };
        let rows: Vec<_> = rows.iter().map(render).collect();
        out::json(&json!({ "data": rows }))?;
        return Ok(Exit::Well);
    }
    let cell = |row: &Summary| {
        [
            row.name.clone(),
            row.waiting.to_string(),
            row.running.to_string(),
            row.failed.to_string(),
            row.next_run_at.map(|at| at.to_string()).unwrap_or_default(),
            row.last_error.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = rows.iter().map(cell).collect();
    let headings = ["NAME", "WAITING", "RUNNING", "FAILED", "NEXT", "LAST ERROR"];
    out::table(headings, &rows)?;
    Ok(Exit::Well)
}

async fn list_failed(ctx: &Ctx, as_json: bool) -> anyhow::Result<Exit> {
    let rows = jobs::list_failed(&mut *ctx.conn().await?, LISTED).await?;
    if as_json {
        let render = |row: &jobs::Failed| {
            json!({
                "id": row.id,
                "name": row.name,
                "attempts": row.attempts,
                "failed_at": row.failed_at,
                "last_error": row.last_error,
            })
        };
        let rows: Vec<_> = rows.iter().map(render).collect();
        out::json(&json!({ "data": rows }))?;
        return Ok(Exit::Well);
    }
    let cell = |row: &jobs::Failed| {
        [
            row.id.to_string(),
            row.name.clone(),
            row.attempts.to_string(),
            row.failed_at.to_string(),
            row.last_error.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = rows.iter().map(cell).collect();
    out::table(["ID", "NAME", "ATTEMPTS", "FAILED", "ERROR"], &rows)?;
    Ok(Exit::Well)
}

async fn run_now(ctx: &Ctx, name: &str) -> anyhow::Result<Exit> {
    let works = registry();
    let periodic = |kind: &jobs::JobKind| kind.name == name && kind.every.is_some();
    if !works.kinds().iter().any(periodic) {
        return Err(refused(format!("there is no periodic job called {name:?}")));
    }
    let runner = Runner::new(ctx.db().clone(), works, ctx.clone(), ctx.clock());
    match runner.run_now(name).await? {
        Some(Outcome::Done | Outcome::Again) => {
            out::line(format_args!("{name} has run."))?;
            Ok(Exit::Well)
        }
        Some(Outcome::Failed(error)) => anyhow::bail!("{name} failed: {error}"),
        Some(Outcome::Lost) | None => anyhow::bail!("{name} is being done by another worker"),
    }
}

async fn retry(ctx: &Ctx, id: JobId) -> anyhow::Result<Exit> {
    if !jobs::retry(&mut *ctx.conn().await?, id, ctx.now()).await? {
        anyhow::bail!("no job with this id has failed for good");
    }
    out::line("It is due now: a worker will take it.")?;
    Ok(Exit::Well)
}
