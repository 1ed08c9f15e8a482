//! The fan-out of posts: they are pushed to the timelines of their readers, some readers at a time, and those
//! who listen are given a hint. Without Redis there are no timelines, and it is the hints alone.

use std::time::Duration;

use chrono::TimeDelta;
use redis::Pipeline;

use super::cache::{ALL_PULLED, TimelineCache};
use super::live;
use super::model::{FanOut, FanOutPost, Reason, Timeline};
use super::store;
use crate::domains::posts::{PostCreated, PostRef, PostRestored, PostWidened};
use crate::infra::cache::store::leave_void;
use crate::infra::db::Conn;
use crate::infra::jobs::{Progress, Registry, Step};
use crate::infra::metrics::declared::FANOUT_LAG;
use crate::infra::redis::PATIENT;
use crate::kernel::ids::Id as _;
use crate::kernel::{Error, PostId, Result, Timestamp, UserId};
use crate::platform::Ctx;
use crate::platform::context::AtOnce;

/// Readers that one step serves.
const READERS: i64 = 500;
/// Clocks may differ by this much, and a lifetime may be renewed so late.
const MARGIN: TimeDelta = TimeDelta::hours(1);

/// Registers the jobs.
pub fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    registry
        .on_event_in_steps::<PostCreated, FanOut, _, _>("feed.fan-out", fan_out)
        .on_event_in_steps::<PostRestored, FanOut, _, _>("feed.fan-out-restored", fan_out)
        .on_event_in_steps::<PostWidened, FanOut, _, _>("feed.fan-out-widened", fan_out)
        .every(
            "feed.forget-readers",
            Duration::from_hours(1),
            forget_readers,
        )
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
    let Some(cache) = TimelineCache::to_write(ctx.cache(), ctx.config().feed_timeline) else {
        return;
    };
    let post = fan_out.pending();
    let mut pipe = Pipeline::new();
    cache.add_pending(&mut pipe, &post, ctx.now());
    cache.add_push(&mut pipe, &[Timeline::Home(post.author_id)], post.position);
    let told: std::result::Result<(), _> = ctx.redis().query_within(&pipe, PATIENT).await;
    if let Err(error) = told {
        tracing::debug!(%error, "a pending post could not be announced");
        // Others see it once the job has pushed it. Its author sees it at once: Postgres is asked.
        ctx.redis().reconnect();
        let own = Timeline::Home(post.author_id).name();
        ctx.cache().void(&[own]).await;
    }
}

/// One step: the timelines of the readers who come next.
async fn fan_out(ctx: Ctx, progress: Progress, mut fan_out: FanOut) -> Result<Step> {
    // Without Redis nobody notes who reads here: all are hinted at it at the end, and what others keep in
    // theirs is left void.
    let is_alone = ctx.config().redis_url.is_none();
    // Another process may have begun an epoch before the post was written: then it counts here.
    ctx.cache().step().await;
    let Some(mut batch) = next_batch(&ctx, &mut fan_out).await? else {
        return finish(&ctx, &fan_out, Vec::new(), Vec::new()).await;
    };
    if is_alone {
        batch.hinted.clear();
    }
    let last = batch.recipients.last().copied();
    let is_last = i64::try_from(batch.recipients.len()).is_ok_and(|found| found < READERS);
    let mut timelines: Vec<Timeline> = batch.recipients.into_iter().map(Timeline::Home).collect();
    if batch.is_pulled {
        timelines.push(Timeline::Author(fan_out.post.author_id));
    }
    if is_last {
        let finished = finish(&ctx, &fan_out, timelines, batch.hinted).await?;
        return if is_alone {
            hint_everybody(&ctx, &fan_out).await
        } else {
            Ok(finished)
        };
    }
    push(&ctx, &fan_out, &timelines, false).await?;
    live::tell_new(&ctx, batch.hinted, fan_out.post.created_at);
    fan_out.after = last.unwrap_or(fan_out.after);
    progress.save(&mut *ctx.conn().await?, &fan_out).await?;
    Ok(Step::Again)
}

/// Without Redis there are no timelines, and nobody notes who reads: all of those are hinted at the post who
/// would have been pushed to.
async fn hint_everybody(ctx: &Ctx, fan_out: &FanOut) -> Result<Step> {
    if !live::has_listeners(ctx) {
        return Ok(Step::Done);
    }
    let conn = &mut *ctx.conn().await?;
    let PostRef {
        post_id,
        author_id,
        created_at,
    } = fan_out.post;
    let most = i64::from(ctx.config().feed_pull_above);
    let found = store::find_fan_out_post(conn, post_id).await?;
    let Some(post) = found.filter(|post| post.is_for_others() && post.is_pushed(most)) else {
        return Ok(Step::Done);
    };
    let is_public = post.is_public();
    let mut after = UserId::from_uuid(uuid::Uuid::nil());
    loop {
        let some = store::list_recipients(conn, author_id, is_public, None, after, READERS).await?;
        let Some(last) = some.last() else {
            return Ok(Step::Done);
        };
        after = *last;
        let hinted = those_to_hint(conn, post_id, &post, &some).await?;
        live::tell_new(ctx, hinted, created_at);
    }
}

/// Where a post goes in the step that follows.
struct Batch {
    recipients: Vec<UserId>,
    /// Whether the author's posts are pulled.
    is_pulled: bool,
    /// Those of the recipients who hear of it.
    hinted: Vec<UserId>,
}

/// Looks where a post goes, with one connection; nothing if it goes nowhere any more.
async fn next_batch(ctx: &Ctx, fan_out: &mut FanOut) -> Result<Option<Batch>> {
    let conn = &mut *ctx.conn().await?;
    let found = store::find_fan_out_post(conn, fan_out.post.post_id).await?;
    let Some(post) = found.filter(FanOutPost::is_for_others) else {
        return Ok(None);
    };
    let is_pulled = is_pulled(ctx, conn, fan_out, &post).await?;
    let recipients = if is_pulled && !fan_out.crossing {
        Vec::new()
    } else {
        let (author, after) = (fan_out.post.author_id, fan_out.after);
        let since = active_since(ctx)?;
        store::list_recipients(conn, author, post.is_public(), Some(since), after, READERS).await?
    };
    let hinted = those_to_hint(conn, fan_out.post.post_id, &post, &recipients).await?;
    Ok(Some(Batch {
        recipients,
        is_pulled,
        hinted,
    }))
}

/// Whoever is left out of a post hears nothing of it, not even that there is something. Their timelines have
/// it all the same: a circle may take them in later.
async fn those_to_hint(
    conn: &mut Conn,
    post_id: PostId,
    post: &FanOutPost,
    recipients: &[UserId],
) -> Result<Vec<UserId>> {
    if post.is_chosen() && !recipients.is_empty() {
        return store::list_who_see(conn, post_id, recipients).await;
    }
    Ok(recipients.to_vec())
}

/// Whether the author has too many readers to push to all of them. Who once has stays so.
async fn is_pulled(
    ctx: &Ctx,
    conn: &mut Conn,
    fan_out: &mut FanOut,
    post: &FanOutPost,
) -> Result<bool> {
    if post.pulled {
        return Ok(true);
    }
    if post.is_pushed(i64::from(ctx.config().feed_pull_above)) {
        return Ok(false);
    }
    store::insert_pulled(conn, fan_out.post.author_id).await?;
    // No waiting for the relay: the next post is not pushed any more.
    ctx.cache().void(&[ALL_PULLED.to_owned()]).await;
    fan_out.crossing = true;
    Ok(true)
}

fn active_since(ctx: &Ctx) -> Result<Timestamp> {
    let life = TimeDelta::from_std(ctx.config().feed_timeline).map_err(Error::internal)?;
    Ok(ctx.now() - life - MARGIN)
}

/// The last step: nobody needs to look for the post among the pending ones any more.
async fn finish(
    ctx: &Ctx,
    fan_out: &FanOut,
    mut timelines: Vec<Timeline>,
    hinted: Vec<UserId>,
) -> Result<Step> {
    timelines.push(Timeline::Home(fan_out.post.author_id));
    push(ctx, fan_out, &timelines, true).await?;
    live::tell_new(ctx, hinted, fan_out.post.created_at);
    if fan_out.reason == Reason::Created {
        let lag = ctx.now().utc() - fan_out.post.created_at.utc();
        FANOUT_LAG
            .histogram(&[])
            .record(lag.to_std().unwrap_or_default());
        tracing::debug!(
            lag_ms = lag.num_milliseconds(),
            "a post is in all timelines"
        );
    }
    Ok(Step::Done)
}

/// Pushes to these timelines. While Redis is away it leaves voids instead: whoever finds Redis again finds
/// these timelines void.
async fn push(ctx: &Ctx, fan_out: &FanOut, timelines: &[Timeline], last: bool) -> Result<()> {
    if let Some(cache) = TimelineCache::to_write(ctx.cache(), ctx.config().feed_timeline)
        && cache
            .push(timelines, &fan_out.pending(), last)
            .await
            .is_ok()
    {
        return Ok(());
    }
    let tags: Vec<String> = timelines.iter().map(|timeline| timeline.name()).collect();
    leave_void(&mut *ctx.conn().await?, &tags).await
}

async fn forget_readers(ctx: Ctx) -> Result<()> {
    let before = active_since(&ctx)?;
    store::forget_readers(&mut *ctx.conn().await?, before).await
}
