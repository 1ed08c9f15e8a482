//! The fan-out of posts: they are pushed to the timelines of their readers, some readers at a time, and those
//! who listen are given a hint. Posts with few readers, which are nearly all, go to theirs together. Without
//! Redis there are no timelines, and it is the hints alone.

mod steps;
mod together;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use redis::Pipeline;

use self::together::{Outcome, fan_out_together};
use super::cache::{Push, TimelineCache};
use super::model::{FanOut, Reason, Timeline};
use super::store;
use crate::domains::posts::{PostCreated, PostRestored, PostWidened};
use crate::infra::cache::store::leave_void;
use crate::infra::jobs::{Progress, Registry, Step, TOGETHER, Together};
use crate::infra::metrics::declared::FANOUT_LAG;
use crate::infra::redis::PATIENT;
use crate::kernel::{Error, Result, Timestamp};
use crate::platform::Ctx;
use crate::platform::context::AtOnce;

/// Clocks may differ by this much, and a lifetime may be renewed so late.
const MARGIN: TimeDelta = TimeDelta::hours(1);

const FAN_OUT: &str = "feed.fan-out";

/// Registers the jobs.
pub fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    let together = Arc::new(Together::<FanOut, Outcome>::default());
    let fan_out = move |ctx: Ctx, progress: Progress, post: FanOut| {
        let together = Arc::clone(&together);
        async move { fan_out(ctx, &together, progress, post).await }
    };
    registry
        .on_event_in_steps::<PostCreated, FanOut, _, _>(FAN_OUT, fan_out.clone())
        .with_hands(FAN_OUT, TOGETHER)
        .on_event_in_steps::<PostRestored, FanOut, _, _>("feed.fan-out-restored", fan_out.clone())
        .on_event_in_steps::<PostWidened, FanOut, _, _>("feed.fan-out-widened", fan_out)
        .every(
            "feed.forget-readers",
            Duration::from_hours(1),
            forget_readers,
        )
}

/// What begins goes with others if it can; else it is done in steps, and what goes on is.
async fn fan_out(
    ctx: Ctx,
    together: &Together<FanOut, Outcome>,
    progress: Progress,
    fan_out: FanOut,
) -> Result<Step> {
    // Without Redis nobody notes who reads here.
    if progress.is_first() && ctx.config().redis_url.is_some() {
        let work = |all| fan_out_together(&ctx, all);
        if together.done(fan_out, work).await? == Outcome::Everywhere {
            return Ok(Step::Done);
        }
    }
    steps::fan_out(ctx, progress, fan_out).await
}

/// What happens at once after a commit: the author's own timeline has the post, and others find it among
/// the pending ones until it is in theirs.
pub fn at_once(listeners: AtOnce) -> AtOnce {
    listeners
        .on::<PostCreated, _, _>(|ctx, event| announce(ctx, event.into()))
        .on::<PostRestored, _, _>(|ctx, event| announce(ctx, event.into()))
        .on::<PostWidened, _, _>(|ctx, event| announce(ctx, event.into()))
}

/// Puts a post among the pending ones, and into the timeline of its author.
async fn announce(ctx: Ctx, fan_out: FanOut) {
    if ctx.config().redis_url.is_none() {
        return;
    }
    let own = Timeline::Home(fan_out.post.author_id);
    let Some(cache) = TimelineCache::to_write(ctx.cache(), ctx.config().feed_timeline) else {
        // The next connection is told: it may be there before the job has pushed the post.
        ctx.cache().void(&[own.name()]).await;
        return;
    };
    let post = fan_out.pending();
    let mut pipe = Pipeline::new();
    cache.add_pending(&mut pipe, &post, ctx.now());
    cache.add_push(&mut pipe, &[own], post.position);
    let told: std::result::Result<(), _> = ctx.redis().query_within(&pipe, PATIENT).await;
    if let Err(error) = told {
        tracing::debug!(%error, "a pending post could not be announced");
        // Others see it once the job has pushed it. Its author sees it at once: Postgres is asked.
        ctx.redis().reconnect();
        ctx.cache().void(&[own.name()]).await;
    }
}

/// Pushes to these timelines. While Redis is away it leaves voids instead: whoever finds Redis again finds
/// these timelines void.
async fn push(ctx: &Ctx, pushes: &[Push]) -> Result<()> {
    if let Some(cache) = TimelineCache::to_write(ctx.cache(), ctx.config().feed_timeline)
        && cache.push(pushes).await.is_ok()
    {
        return Ok(());
    }
    let timelines = pushes.iter().flat_map(|push| &push.timelines);
    let tags: Vec<String> = timelines.map(|timeline| timeline.name()).collect();
    leave_void(&mut *ctx.conn().await?, &tags).await
}

/// Notes that a post is in all timelines.
fn note_arrival(ctx: &Ctx, fan_out: &FanOut) {
    if fan_out.reason != Reason::Created {
        return;
    }
    let lag = ctx.now().utc() - fan_out.post.created_at.utc();
    FANOUT_LAG
        .histogram(&[])
        .record(lag.to_std().unwrap_or_default());
    tracing::debug!(
        lag_ms = lag.num_milliseconds(),
        "a post is in all timelines"
    );
}

fn active_since(ctx: &Ctx) -> Result<Timestamp> {
    let life = TimeDelta::from_std(ctx.config().feed_timeline).map_err(Error::internal)?;
    Ok(ctx.now() - life - MARGIN)
}

async fn forget_readers(ctx: Ctx) -> Result<()> {
    let before = active_since(&ctx)?;
    store::forget_readers(&mut *ctx.conn().await?, before).await
}
