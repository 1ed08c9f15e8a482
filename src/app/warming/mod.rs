//! Filling the cache with what most people will ask for: at the start, every half hour, after a bulk
//! load, on demand, when Redis comes back with nothing in it, and for one person when they sign in.
//!
//! It saves the first readers a query and nothing rests on it. So a failure stops nothing, one
//! instance does it for all (the others find it in Redis), and whatever is voided meanwhile stays
//! void, because warming reads as any reader does.

mod categories;
mod person;

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::categories::{CATEGORIES, Category, Lately, Reach};
use crate::admin::{WarmCategory, WarmOutcome, WarmReport};
use crate::infra::cache::Warmed;
use crate::infra::jobs::{self, Registry};
use crate::infra::lock::{Locks, NotTaken};
use crate::kernel::Result;
use crate::platform::Ctx;

pub use person::at_once;

/// Between two runs.
const EVERY: Duration = Duration::from_mins(30);
/// A run at the start takes no longer than this, the wait for Redis included.
const AT_START: Duration = Duration::from_secs(5);
/// Between two looks for Redis at the start.
const LOOK: Duration = Duration::from_millis(50);
/// Between two looks whether it has lost everything.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// No run takes longer than this.
const LONGEST: Duration = Duration::from_mins(10);
/// The lock of a process that died is free again after this.
const LOCK: Duration = Duration::from_secs(15);

/// After a bulk load, running servers are told of what it voided before they warm.
const AFTER_LOAD: TimeDelta = TimeDelta::seconds(2);
/// The periodic job.
const JOB: &str = "cache.warm";

/// Registers the periodic job.
pub fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    registry.every(JOB, EVERY, periodic)
}

async fn periodic(ctx: Ctx) -> Result<()> {
    if ctx.config().warming {
        warm(&ctx).await;
    }
    Ok(())
}

/// Has a running server warm soon, if there is one: for programs that have loaded a lot. False while
/// one is at it.
pub async fn warm_soon(ctx: &Ctx) -> Result<bool> {
    let at = ctx.now() + AFTER_LOAD;
    jobs::run_soon(&mut *ctx.conn().await?, JOB, at).await
}

/// Warms behind the start of a process, which is ready without it, and again whenever Redis has lost
/// what it held.
pub fn start(ctx: &Ctx, stop: &CancellationToken) {
    if !ctx.config().warming || ctx.config().redis_url.is_none() {
        return;
    }
    let (ctx, stop) = (ctx.clone(), stop.clone());
    ctx.tasks().clone().spawn(async move {
        let warming = async {
            let known = at_start(&ctx).await;
            after_losses(&ctx, known).await;
        };
        stop.run_until_cancelled(warming).await;
    });
}

/// Gives the epoch that was warmed.
async fn at_start(ctx: &Ctx) -> Option<i64> {
    let until = Instant::now() + AT_START;
    while ctx.cache().epoch_to_read().is_none() {
        if Instant::now() + LOOK >= until {
            return None;
        }
        tokio::time::sleep(LOOK).await;
    }
    let known = ctx.cache().epoch_to_read();
    warm_until(ctx, Reach::USUAL, until).await;
    known
}

/// Another epoch than the one that is known begins with nothing in it.
async fn after_losses(ctx: &Ctx, mut known: Option<i64>) {
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        let epoch = ctx.cache().epoch_to_read();
        if epoch.is_some() && epoch != known {
            known = epoch;
            warm_until(ctx, Reach::AFTER_A_LOSS, Instant::now() + LONGEST).await;
        }
    }
}

/// Warms everything now and says what became of it, unless that is being done already.
pub async fn warm(ctx: &Ctx) -> WarmReport {
    warm_until(ctx, Reach::USUAL, Instant::now() + LONGEST).await
}

/// The same for whoever is handed it as data.
pub fn boxed(ctx: Ctx) -> BoxFuture<'static, WarmReport> {
    Box::pin(async move { warm(&ctx).await })
}

async fn warm_until(ctx: &Ctx, reach: Reach, until: Instant) -> WarmReport {
    let locks = Locks::new(ctx.redis().clone(), ctx.db().clone(), ctx.ids().clone());
    match locks.try_take("cache-warming", LOCK).await {
        Ok(lock) => {
            let report = run(ctx, reach, until, lock.lost()).await;
            lock.release().await;
            tell(&report);
            report
        }
        Err(NotTaken::Held) => WarmReport {
            outcome: WarmOutcome::UnderWay,
            categories: Vec::new(),
        },
        // Without Redis nothing is kept, so nothing is read either: the report says so.
        Err(NotTaken::Away(_) | NotTaken::Failed(_)) => {
            run(ctx, reach, until, &CancellationToken::new()).await
        }
    }
}

async fn run(ctx: &Ctx, reach: Reach, until: Instant, lost: &CancellationToken) -> WarmReport {
    let mut report = WarmReport {
        outcome: WarmOutcome::Done,
        categories: Vec::with_capacity(CATEGORIES.len()),
    };
    let lately = Lately::new(reach);
    for category in CATEGORIES {
        let mut tally = Tally::default();
        let running = (category.run)(ctx, &lately, &mut tally);
        let in_time = tokio::time::timeout_at(until, lost.run_until_cancelled(running));
        match in_time.await {
            Ok(Some(Ok(()))) => {}
            Ok(Some(Err(error))) => {
                tracing::warn!(?error, category = category.name, "warming failed");
                tally.failed += tally.left().max(1);
            }
            Ok(None) | Err(_) => report.outcome = WarmOutcome::CutShort,
        }
        report.categories.push(tally.told(category));
    }
    report
}

fn tell(report: &WarmReport) {
    for one in &report.categories {
        tracing::info!(
            category = one.name,
            warmed = one.warmed,
            failed = one.failed,
            skipped = one.skipped,
            "the cache was warmed"
        );
    }
}

/// What has become of a category so far.
#[derive(Debug, Default)]
struct Tally {
    planned: usize,
    warmed: usize,
    failed: usize,
    skipped: usize,
}

impl Tally {
    /// Counts what became of some entries that were read at once.
    fn note(&mut self, what: &'static str, entries: usize, outcome: Result<Warmed>) {
        match outcome {
            Ok(warmed) => {
                self.warmed += warmed.read;
                self.skipped += warmed.skipped;
            }
            Err(error) => {
                tracing::debug!(?error, what, "entries could not be warmed");
                self.failed += entries;
            }
        }
    }

    /// What nobody has come to yet.
    fn left(&self) -> usize {
        self.planned
            .saturating_sub(self.warmed + self.failed + self.skipped)
    }

    fn told(self, category: &Category) -> WarmCategory {
        WarmCategory {
            name: category.name,
            skipped: self.skipped + self.left(),
            warmed: self.warmed,
            failed: self.failed,
        }
    }
}
