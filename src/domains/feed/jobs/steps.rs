//! The fan-out of a post with many readers, or without Redis: some readers at a time, and how far it has come
//! is saved.

use tokio::sync::Semaphore;

use super::super::cache::{ALL_PULLED, Push};
use super::super::live;
use super::super::model::{FanOut, FanOutPost, Timeline};
use super::super::store;
use super::{active_since, note_arrival, push};
use crate::domains::posts::PostRef;
use crate::infra::db::Conn;
use crate::infra::jobs::{Progress, Step};
use crate::kernel::ids::Id as _;
use crate::kernel::{PostId, Result, UserId};
use crate::platform::Ctx;

/// Readers that one step serves.
const READERS: i64 = 500;
/// Large posts that this process works at at the same time: all go through the same needle's eye to Redis, and more
/// would only keep Postgres from those who wait for an answer.
static LARGE: Semaphore = Semaphore::const_new(4);

/// One step: the timelines of the readers who come next.
pub(super) async fn fan_out(ctx: Ctx, progress: Progress, mut fan_out: FanOut) -> Result<Step> {
    // Without Redis nobody notes who reads here: all are hinted at it at the end, and what others keep in
    // theirs is left void.
    let is_alone = ctx.config().redis_url.is_none();
    // The semaphore is never closed.
    let _turn = LARGE.acquire().await.ok();
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
    push(&ctx, &[Push::of(&fan_out, timelines, false)]).await?;
    live::tell_new(&ctx, batch.hinted, fan_out.post);
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
        post_id, author_id, ..
    } = fan_out.post;
    let most = i64::from(ctx.config().feed_pull_above);
    let found = find_post(conn, post_id).await?;
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
        live::tell_new(ctx, hinted, fan_out.post);
    }
}

/// The post, unless it is deleted.
async fn find_post(conn: &mut Conn, post_id: PostId) -> Result<Option<FanOutPost>> {
    Ok(store::list_fan_out_posts(conn, &[post_id])
        .await?
        .remove(&post_id))
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
    let found = find_post(conn, fan_out.post.post_id).await?;
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

/// The last step: nobody needs to look for the post among the pending ones any more.
async fn finish(
    ctx: &Ctx,
    fan_out: &FanOut,
    mut timelines: Vec<Timeline>,
    hinted: Vec<UserId>,
) -> Result<Step> {
    timelines.push(Timeline::Home(fan_out.post.author_id));
    push(ctx, &[Push::of(fan_out, timelines, true)]).await?;
    live::tell_new(ctx, hinted, fan_out.post);
    note_arrival(ctx, fan_out);
    Ok(Step::Done)
}
