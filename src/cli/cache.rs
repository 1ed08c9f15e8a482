//! `kith cache`: what is cached, and whether it is right.

use std::time::Duration;

use clap::Subcommand;
use kith::admin::{WarmCategory, WarmOutcome};
use kith::app::{attach_tool, spaces, warm};
use kith::infra::cache::{Check, Described, Mode, Nines, Tally, store};
use kith::platform::Ctx;
use kith::platform::config::duration;
use serde_json::{Value, json};

use super::exit::{Exit, refused};
use super::out;
use super::tool::{load_config, with_ctx};

/// What to do with the cache.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List what is cached, for how long, and which tables end it
    Spaces(ListArgs),
    /// Show how Redis is
    Stats(ListArgs),
    /// Compare what Redis has with Postgres. Exits with 3 if an entry is wrong
    Verify(VerifyArgs),
    /// Read what most people will ask for into Redis, as servers do every half hour
    Warm(ListArgs),
    /// Forget all entries of a space, in Redis and in every process
    Invalidate(InvalidateArgs),
}

/// Arguments of lists.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `kith cache verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// Only this space
    #[arg(long)]
    space: Option<String>,
    /// How long an entry may differ from the rows that it was made from
    #[arg(long, default_value = "2s", value_parser = read_duration)]
    grace: Duration,
    /// Walk through so many keys of each space, the smallest first; all by default
    #[arg(long)]
    limit: Option<u64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `kith cache invalidate`.
#[derive(Debug, clap::Args)]
pub struct InvalidateArgs {
    /// The space, as `kith cache spaces` lists it
    space: String,
}

fn read_duration(text: &str) -> Result<Duration, String> {
    duration(text).map_err(|fault| format!("{}. {}", fault.what, fault.fix))
}

/// Runs the command.
pub async fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Spaces(args) => list_spaces(args.json),
        Command::Stats(args) => {
            with_ctx(load_config()?, async |ctx| stats(ctx, args.json).await).await
        }
        Command::Verify(args) => {
            let spaces = match &args.space {
                Some(name) => vec![named(name)?],
                None => spaces(),
            };
            with_ctx(load_config()?, async |ctx| {
                verify(ctx, &spaces, &args).await
            })
            .await
        }
        Command::Warm(args) => {
            with_ctx(load_config()?, async |ctx| warm_now(ctx, args.json).await).await
        }
        Command::Invalidate(args) => {
            let space = named(&args.space)?;
            with_ctx(load_config()?, async |ctx| invalidate(ctx, &space).await).await
        }
    }
}

fn named(name: &str) -> anyhow::Result<Described> {
    let found = spaces().into_iter().find(|space| space.name == name);
    found.ok_or_else(|| {
        refused(format!(
            "{name:?} is no space: `kith cache spaces` lists them"
        ))
    })
}

fn list_spaces(as_json: bool) -> anyhow::Result<Exit> {
    let rows: Vec<_> = spaces().iter().map(Described::cells).collect();
    if as_json {
        let render = |space: &Described| {
            json!({
                "name": space.name,
                "version": space.version,
                "kind": format!("{:?}", space.kind).to_lowercase(),
                "decides": space.policy.decides,
                "fresh_seconds": space.policy.fresh.as_secs(),
                "keep_seconds": space.policy.keep.as_secs(),
                "l1_seconds": space.policy.l1.as_secs(),
                "negative_seconds": space.policy.negative.as_secs(),
                "tags": space.any.tags(),
                "tables": space.tables,
            })
        };
        let rows: Vec<_> = spaces().iter().map(render).collect();
        out::json(&json!({ "data": rows }))?;
    } else {
        let headings = Described::HEADINGS.map(str::to_uppercase);
        out::table(headings.each_ref().map(String::as_str), &rows)?;
    }
    Ok(Exit::Well)
}

/// Connects to the Redis of the settings.
async fn attach(ctx: &Ctx) -> anyhow::Result<()> {
    if attach_tool(ctx).await? {
        return Ok(());
    }
    Err(refused(
        "without REDIS_URL all that is cached is in the memory of `kith serve`",
    ))
}

async fn stats(ctx: &Ctx, as_json: bool) -> anyhow::Result<Exit> {
    attach(ctx).await?;
    let usage = ctx.redis().usage().await?;
    let warnings = usage.warnings();
    let facts = [
        ("epoch", json!(ctx.cache().epoch())),
        ("version", json!(usage.version)),
        ("used_memory", json!(usage.used_memory)),
        ("max_memory", json!(usage.max_memory)),
        ("policy", json!(usage.policy)),
        ("evicted_keys", json!(usage.evicted_keys)),
        ("expired_keys", json!(usage.expired_keys)),
        ("clients", json!(usage.clients)),
        ("keys", json!(usage.keys)),
        ("uptime_seconds", json!(usage.uptime_seconds)),
    ];
    if as_json {
        let facts = facts.map(|(name, value)| (name.to_owned(), value));
        let mut facts: serde_json::Map<String, Value> = facts.into_iter().collect();
        facts.insert("warnings".to_owned(), json!(warnings));
        out::json(&facts)?;
        return Ok(Exit::Well);
    }
    let words = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => "none is running".to_owned(),
        other => other.to_string(),
    };
    let rows = facts.map(|(name, value)| [name.replace('_', " "), words(&value)]);
    out::table(["REDIS", ""], &rows)?;
    for warning in warnings {
        out::line(format_args!("Warning: {warning}"))?;
    }
    out::line("Hits and misses are counted by each serving process: see GET /v1/admin/cache.")?;
    Ok(Exit::Well)
}

async fn verify(ctx: &Ctx, spaces: &[Described], args: &VerifyArgs) -> anyhow::Result<Exit> {
    attach(ctx).await?;
    let mut found: Vec<(Described, Option<Tally>)> = Vec::new();
    let check = Check {
        grace: args.grace,
        limit: args.limit,
    };
    if ctx.cache().epoch().is_none() {
        eprintln!("No kith has used this Redis since it was started: nothing in it counts.");
    } else {
        for space in spaces {
            found.push((*space, space.verify(ctx.cache(), &check).await?));
        }
    }
    let mut all = Tally::default();
    found
        .iter()
        .filter_map(|(_, tally)| tally.as_ref())
        .for_each(|tally| all.add(tally));
    if args.json {
        print_json(&found, &all, args.grace)?;
    } else {
        print_table(&found, &all, args.grace)?;
    }
    Ok(if all.wrong > 0 {
        Exit::Found
    } else {
        Exit::Well
    })
}

fn print_json(
    found: &[(Described, Option<Tally>)],
    all: &Tally,
    grace: Duration,
) -> anyhow::Result<()> {
    let render = |(space, tally): &(Described, Option<Tally>)| {
        json!({
            "space": space.name,
            "found": tally,
            "nines": tally.as_ref().and_then(Tally::nines),
        })
    };
    let rows: Vec<_> = found.iter().map(render).collect();
    out::json(&json!({
        "data": rows,
        "checked": all.checked,
        "wrong": all.wrong,
        "nines": all.nines(),
        "grace_seconds": grace.as_secs_f64(),
    }))
}

fn print_table(
    found: &[(Described, Option<Tally>)],
    all: &Tally,
    grace: Duration,
) -> anyhow::Result<()> {
    let nines = |nines: Option<Nines>| nines.map_or_else(String::new, |nines| nines.to_string());
    let cells = |(space, tally): &(Described, Option<Tally>)| {
        let Some(tally) = tally else {
            let mut cells = <[String; 7]>::default();
            let [name, .., last] = &mut cells;
            space.name.clone_into(name);
            "not checked: its keys cannot be listed, or time ends it".clone_into(last);
            return cells;
        };
        [
            space.name.to_owned(),
            tally.keys.to_string(),
            tally.checked.to_string(),
            tally.settled.to_string(),
            tally.unreadable.to_string(),
            tally.wrong.to_string(),
            nines(tally.nines()),
        ]
    };
    let rows: Vec<_> = found.iter().map(cells).collect();
    let headings = [
        "SPACE",
        "IDS",
        "CHECKED",
        "SETTLED",
        "UNREADABLE",
        "WRONG",
        "CONSISTENCY",
    ];
    out::table(headings, &rows)?;
    for key in &all.wrong_keys {
        out::line(format_args!("wrong: {key}"))?;
    }
    let (checked, wrong) = (all.checked, all.wrong);
    match all.nines() {
        Some(nines) => out::line(format_args!(
            "{nines} within {grace:?}: {checked} entries checked, {wrong} wrong."
        )),
        None => out::line("No entry was there to be checked."),
    }
}

async fn warm_now(ctx: &Ctx, as_json: bool) -> anyhow::Result<Exit> {
    attach(ctx).await?;
    if ctx.cache().epoch_to_read().is_none() {
        eprintln!("{}", why_nothing_is_kept(ctx));
    }
    let report = warm(ctx).await;
    anyhow::ensure!(
        report.outcome != WarmOutcome::UnderWay,
        "the cache is being warmed just now, here or elsewhere"
    );
    if as_json {
        out::json(&report)?;
        return Ok(Exit::Well);
    }
    let cells = |one: &WarmCategory| {
        let counts = [one.warmed, one.failed, one.skipped];
        let [warmed, failed, skipped] = counts.map(|count| count.to_string());
        [one.name.to_owned(), warmed, failed, skipped]
    };
    let rows: Vec<_> = report.categories.iter().map(cells).collect();
    out::table(["CATEGORY", "WARMED", "FAILED", "SKIPPED"], &rows)?;
    if report.outcome == WarmOutcome::CutShort {
        out::line("Its time was over: what was left counts as skipped.")?;
    }
    Ok(Exit::Well)
}

fn why_nothing_is_kept(ctx: &Ctx) -> &'static str {
    if ctx.cache().mode() == Mode::On {
        "No kith has used this Redis since it was started: nothing in it would count."
    } else {
        "KITH_CACHE leaves Redis out: nothing would be kept in it."
    }
}

async fn invalidate(ctx: &Ctx, space: &Described) -> anyhow::Result<Exit> {
    // The row reaches every process even if this one cannot reach Redis.
    let tags = [space.tag()];
    store::leave_void(&mut *ctx.conn().await?, &tags).await?;
    let told = attach_tool(ctx).await.unwrap_or(false) && ctx.cache().void(&tags).await;
    out::line(if told {
        "All its entries are void."
    } else {
        "All its entries will be void as soon as a serving process has Redis."
    })?;
    Ok(Exit::Well)
}
