//! Carrying posts to the timelines of their readers, some readers at a time, and hinting at them to those
//! who listen. Without Redis there are no timelines, and it is the hints alone.

use std::time::Duration;

use chrono::TimeDelta;
use redis::Pipeline;
use serde::{Deserialize, Serialize};

use super::cache::{ALL_PULLED, Line, Pending, Timelines};
use super::live;
use super::store::{self, Carried};
use crate::domains::posts::{AudienceKind, PostCreated, PostRef, PostRestored, PostWidened};
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
        .on_event_in_steps::<PostCreated, Journey, _, _>("feed.fan-out", carry)
        .on_event_in_steps::<PostRestored, Journey, _, _>("feed.fan-out-restored", carry)
        .on_event_in_steps::<PostWidened, Journey, _, _>("feed.fan-out-widened", carry)
        .every(
            "feed.forget-readers",
            Duration::from_hours(1),
            forget_readers,
        )
}

/// What happens at once after a commit: the author's own timeline has the post, and others find it
/// on its way until it is in theirs.
pub fn at_once(listeners: AtOnce) -> AtOnce {
    listeners
        .on::<PostCreated, _, _>(|ctx, event| set_out(ctx, Journey::from(event)))
        .on::<PostRestored, _, _>(|ctx, event| set_out(ctx, Journey::from(event)))
        .on::<PostWidened, _, _>(|ctx, event| set_out(ctx, Journey::from(event)))
}

/// A post on its way, and how far it has come.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Journey {
    post: PostRef,
    /// Of which event it is: each ends the waiting that it began, and no other.
    reason: u8,
    /// Readers up to this one have it.
    after: UserId,
    /// Whether its author's posts are fetched at reading from now on, and this one is pushed too,
    /// for those who read while that became so.
    crossing: bool,
}

impl Journey {
    fn of(post: PostRef, reason: u8) -> Self {
        Self {
            post,
            reason,
            after: UserId::from_uuid(uuid::Uuid::nil()),
            crossing: false,
        }
    }

    fn pending(&self) -> Pending {
        Pending {
            reason: self.reason,
            author_id: self.post.author_id,
            spot: (self.post.created_at.micros(), self.post.post_id.uuid()),
        }
    }
}

impl From<PostCreated> for Journey {
    fn from(event: PostCreated) -> Self {
        Self::of(event.0, b'c')
    }
}

impl From<PostRestored> for Journey {
    fn from(event: PostRestored) -> Self {
        Self::of(event.0, b'r')
    }
}

impl From<PostWidened> for Journey {
    fn from(event: PostWidened) -> Self {
        Self::of(event.0, b'w')
    }
}

async fn set_out(ctx: Ctx, journey: Journey) {
    let Some(timelines) = Timelines::to_write(ctx.cache(), ctx.config().feed_timeline) else {
        return;
    };
    let post = journey.pending();
    let mut pipe = Pipeline::new();
    timelines.add_pending(&mut pipe, &post, ctx.now());
    timelines.add_push(&mut pipe, &[Line::Home(post.author_id)], post.spot);
    let told: std::result::Result<(), _> = ctx.redis().query_within(&pipe, PATIENT).await;
    if let Err(error) = told {
        tracing::debug!(%error, "a post on its way could not be announced");
        // Others see it once the job has carried it. Its author sees it at once: Postgres is asked.
        ctx.redis().reconnect();
        let own = Line::Home(post.author_id).name();
        ctx.cache().void(&[own]).await;
    }
}

async fn carry(ctx: Ctx, progress: Progress, mut journey: Journey) -> Result<Step> {
    // Without Redis nobody notes who reads here: all are hinted at it at the end, and what others keep in
    // theirs is left void.
    let is_alone = ctx.config().redis_url.is_none();
    // Another process may have begun an epoch before the post was written: then it counts here.
    ctx.cache().step().await;
    let Some(mut there) = look(&ctx, &mut journey).await? else {
        return arrive(&ctx, &journey, Vec::new(), Vec::new()).await;
    };
    if is_alone {
        there.hinted.clear();
    }
    let last = there.readers.last().copied();
    let is_last = i64::try_from(there.readers.len()).is_ok_and(|found| found < READERS);
    let mut lines: Vec<Line> = there.readers.into_iter().map(Line::Home).collect();
    if there.is_pulled {
        lines.push(Line::Author(journey.post.author_id));
    }
    if is_last {
        let arrived = arrive(&ctx, &journey, lines, there.hinted).await?;
        return if is_alone {
            hint(&ctx, &journey).await
        } else {
            Ok(arrived)
        };
    }
    push(&ctx, &journey, &lines, false).await?;
    live::tell_new(&ctx, there.hinted, journey.post.created_at);
    journey.after = last.unwrap_or(journey.after);
    progress.save(&mut *ctx.conn().await?, &journey).await?;
    Ok(Step::Again)
}

/// Without Redis there are no timelines, and nobody notes who reads: all of those are hinted at the post who
/// would have been pushed to.
async fn hint(ctx: &Ctx, journey: &Journey) -> Result<Step> {
    if !live::has_listeners(ctx) {
        return Ok(Step::Done);
    }
    let conn = &mut *ctx.conn().await?;
    let PostRef {
        post_id,
        author_id,
        created_at,
    } = journey.post;
    let most = i64::from(ctx.config().feed_pull_above);
    let found = store::find_carried(conn, post_id).await?;
    let Some(carried) = found.filter(|carried| {
        carried.audience != AudienceKind::OnlyMe && !carried.pulled && carried.readers <= most
    }) else {
        return Ok(Step::Done);
    };
    let is_public = carried.audience == AudienceKind::Public;
    let mut after = UserId::from_uuid(uuid::Uuid::nil());
    loop {
        let some = store::list_recipients(conn, author_id, is_public, None, after, READERS).await?;
        let Some(last) = some.last() else {
            return Ok(Step::Done);
        };
        after = *last;
        let hinted = those_to_hint(conn, post_id, &carried, &some).await?;
        live::tell_new(ctx, hinted, created_at);
    }
}

/// Where a post goes in the step that follows.
struct Ahead {
    readers: Vec<UserId>,
    /// Whether readers fetch what the author posts.
    is_pulled: bool,
    /// Those of them who hear of it.
    hinted: Vec<UserId>,
}

/// Looks where a post goes, with one connection; nothing if it goes nowhere any more.
async fn look(ctx: &Ctx, journey: &mut Journey) -> Result<Option<Ahead>> {
    let conn = &mut *ctx.conn().await?;
    let found = store::find_carried(conn, journey.post.post_id).await?;
    let Some(carried) = found.filter(|carried| carried.audience != AudienceKind::OnlyMe) else {
        return Ok(None);
    };
    let is_pulled = is_pulled(ctx, conn, journey, &carried).await?;
    let readers = if is_pulled && !journey.crossing {
        Vec::new()
    } else {
        let (author, after) = (journey.post.author_id, journey.after);
        let is_public = carried.audience == AudienceKind::Public;
        let since = active_since(ctx)?;
        store::list_recipients(conn, author, is_public, Some(since), after, READERS).await?
    };
    let hinted = those_to_hint(conn, journey.post.post_id, &carried, &readers).await?;
    Ok(Some(Ahead {
        readers,
        is_pulled,
        hinted,
    }))
}

/// Whoever is left out of a post hears nothing of it, not even that there is something. Their timelines have
/// it all the same: a circle may take them in later.
async fn those_to_hint(
    conn: &mut Conn,
    post_id: PostId,
    carried: &Carried,
    readers: &[UserId],
) -> Result<Vec<UserId>> {
    if carried.is_chosen() && !readers.is_empty() {
        return store::list_who_see(conn, post_id, readers).await;
    }
    Ok(readers.to_vec())
}

/// Whether the author has too many readers to push to all of them. Who once has stays so.
async fn is_pulled(
    ctx: &Ctx,
    conn: &mut Conn,
    journey: &mut Journey,
    carried: &Carried,
) -> Result<bool> {
    if carried.pulled {
        return Ok(true);
    }
    if carried.readers <= i64::from(ctx.config().feed_pull_above) {
        return Ok(false);
    }
    store::insert_pulled(conn, journey.post.author_id).await?;
    // No waiting for the relay: the next post is not pushed any more.
    ctx.cache().void(&[ALL_PULLED.to_owned()]).await;
    journey.crossing = true;
    Ok(true)
}

fn active_since(ctx: &Ctx) -> Result<Timestamp> {
    let life = TimeDelta::from_std(ctx.config().feed_timeline).map_err(Error::internal)?;
    Ok(ctx.now() - life - MARGIN)
}

/// The last step: nobody needs to look for the post on its way any more.
async fn arrive(
    ctx: &Ctx,
    journey: &Journey,
    mut lines: Vec<Line>,
    hinted: Vec<UserId>,
) -> Result<Step> {
    lines.push(Line::Home(journey.post.author_id));
    push(ctx, journey, &lines, true).await?;
    live::tell_new(ctx, hinted, journey.post.created_at);
    if journey.reason == b'c' {
        let lag = ctx.now().utc() - journey.post.created_at.utc();
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
async fn push(ctx: &Ctx, journey: &Journey, lines: &[Line], last: bool) -> Result<()> {
    if let Some(timelines) = Timelines::to_write(ctx.cache(), ctx.config().feed_timeline)
        && timelines
            .push(lines, &journey.pending(), last)
            .await
            .is_ok()
    {
        return Ok(());
    }
    let tags: Vec<String> = lines.iter().map(|line| line.name()).collect();
    leave_void(&mut *ctx.conn().await?, &tags).await
}

async fn forget_readers(ctx: Ctx) -> Result<()> {
    let before = active_since(&ctx)?;
    store::forget_readers(&mut *ctx.conn().await?, before).await
}
