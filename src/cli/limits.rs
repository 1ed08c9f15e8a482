//! `kith limits`: what is limited, and who has used up how much.

use std::sync::Arc;

use clap::Subcommand;
use kith::infra::ratelimit::{Check, Connection, Figures, Keyed, Limiter, Policy, Server};
use kith::infra::redis::away;
use kith::kernel::clock::SystemClock;
use kith::platform::config::Config;
use kith::platform::limits::{Subject, by_name, figures};
use serde_json::json;

use super::exit::{Exit, refused};
use super::out;
use super::tool::{load_config, with_redis};

/// What to do with limits.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show all limits; or what one of them has counted of somebody
    Show(ShowArgs),
    /// Forget what a limit has counted of somebody
    Reset(CountedArgs),
}

/// Arguments of `kith limits show`.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// The limit
    #[arg(requires = "subject")]
    policy: Option<String>,
    /// `user:ID`, `address:ADDRESS` or `account:NAME`
    subject: Option<Subject>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A limit and whom it counts.
#[derive(Debug, clap::Args)]
pub struct CountedArgs {
    /// The limit
    policy: String,
    /// `user:ID`, `address:ADDRESS` or `account:NAME`
    subject: Subject,
}

/// Runs the command.
pub async fn run(command: Command) -> anyhow::Result<Exit> {
    let config = load_config()?;
    let figures = figures(config.limits_file.as_deref())?;
    let (check, json) = match &command {
        Command::Show(args) => match args.policy.as_deref().zip(args.subject.as_ref()) {
            None => return show_all(&figures, args.json),
            Some((policy, subject)) => (counted(policy, subject)?, Some(args.json)),
        },
        Command::Reset(args) => (counted(&args.policy, &args.subject)?, None),
    };
    with_redis(config, async move |config| {
        let limiter = limiter(&config, figures).await?;
        match json {
            Some(json) => show(&limiter, &check, json).await,
            None => forget(&limiter, &check).await,
        }
    })
    .await
}

async fn forget(limiter: &Limiter, check: &Check) -> anyhow::Result<Exit> {
    anyhow::ensure!(limiter.forget(check).await, "Redis did not answer");
    out::line("Forgotten.")?;
    Ok(Exit::Well)
}

fn counted(policy: &str, subject: &Subject) -> anyhow::Result<Check> {
    let check = subject.check_counted(named(policy)?);
    check.map_err(|other| match subject {
        Subject::Account(name) if other.is_by_id() => {
            refused(format!("{other}. `kith user show {name}` tells the id."))
        }
        _ => refused(format!("{other}.")),
    })
}

fn named(name: &str) -> anyhow::Result<&'static Policy> {
    let unknown = || refused(format!("{name} is no limit: `kith limits show` lists them"));
    by_name(name).ok_or_else(unknown)
}

/// A limiter that counts with the servers. Without Redis each counts by itself, out of reach.
async fn limiter(
    config: &Config,
    figures: Vec<(&'static Policy, Figures)>,
) -> anyhow::Result<Limiter> {
    let url = config.redis_url.as_ref().ok_or_else(|| {
        refused(
            "without REDIS_URL the counts are in the memory of `kith serve`: \
             use DELETE /v1/admin/limits/{policy}/{key}, or start it again",
        )
    })?;
    let connection = Connection::open(url.expose(), config.redis_namespace()).await;
    let server: Arc<dyn Server> = Arc::new(connection.map_err(away)?);
    Ok(Limiter::new(
        true,
        figures,
        Arc::new(SystemClock),
        Some(server),
    ))
}

fn show_all(figures: &[(&'static Policy, Figures)], json: bool) -> anyhow::Result<Exit> {
    let whom = |policy: &Policy| match policy.keyed {
        Keyed::Caller => "person or address",
        Keyed::Address => "address",
        Keyed::Account => "account",
    };
    if json {
        let render = |(policy, figures): &(&'static Policy, Figures)| {
            json!({
                "policy": policy.name,
                "quota": figures.quota,
                "window_seconds": figures.window.as_secs(),
                "by": whom(policy),
            })
        };
        let limits: Vec<_> = figures.iter().map(render).collect();
        out::json(&json!({ "data": limits }))?;
        return Ok(Exit::Well);
    }
    let row = |(policy, figures): &(&'static Policy, Figures)| {
        [
            policy.name.to_owned(),
            figures.quota.to_string(),
            format!("{} s", figures.window.as_secs()),
            whom(policy).to_owned(),
        ]
    };
    let rows: Vec<_> = figures.iter().map(row).collect();
    out::table(["LIMIT", "QUOTA", "WINDOW", "BY"], &rows)?;
    Ok(Exit::Well)
}

async fn show(limiter: &Limiter, check: &Check, json: bool) -> anyhow::Result<Exit> {
    let (figures, state) = (limiter.figures(check.policy), limiter.look(check).await);
    if json {
        out::json(&json!({
            "policy": check.policy.name,
            "quota": figures.quota,
            "remaining": state.remaining,
            "reset_ms": state.reset_ms,
        }))?;
        return Ok(Exit::Well);
    }
    let seconds = state.reset_ms.div_ceil(1_000);
    out::line(format_args!(
        "{} of {} are left; more in {seconds} s.",
        state.remaining, figures.quota
    ))?;
    Ok(Exit::Well)
}
