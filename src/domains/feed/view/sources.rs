//! Where the posts of a home feed come from: one's timeline, the timelines of authors with many
//! readers, and pending posts.

use redis::{FromRedisValue as _, Pipeline, Value};

use crate::domains::feed::cache::{
    PULLED, PendingReply, TimelineCache, TimelineReply, build_behind,
};
use crate::domains::feed::model::{Merged, PendingPost, Position, Segment, Timeline, merge};
use crate::domains::relations::Ties;
use crate::infra::cache::Only;
use crate::kernel::{Result, UserId};
use crate::platform::{Ctx, Reads};

/// Posts of a timeline that the door asks for: those of a page, and as many to spare for what its
/// reader is not shown.
const AHEAD: usize = 41;
/// Whoever reads more pulled authors than that is answered by Postgres: Redis would serve nobody else for
/// milliseconds.
const MOST_PULLED: usize = 64;
/// Posts of each source that are asked for otherwise: enough for the longest page.
const ASKED: usize = 120;

/// Adds what a first page needs to the pipeline of the door.
pub fn ask_ahead(ctx: &Ctx, viewer: UserId, pipe: &mut Pipeline) {
    if let Some(cache) = TimelineCache::to_read(ctx.cache(), ctx.config().feed_timeline) {
        cache.ask_pending(pipe);
        cache.ask(pipe, Timeline::Home(viewer), None, AHEAD);
    }
}

/// Candidates for the feed of `viewer` below `from`, where replies to [`ask_ahead`] may be at hand; `None` where some source cannot tell.
pub async fn candidates(
    ctx: &Ctx,
    viewer: UserId,
    ties: &Ties,
    from: Option<Position>,
    ahead: Option<Vec<Value>>,
) -> Result<Option<Merged>> {
    let Some(cache) = TimelineCache::to_read(ctx.cache(), ctx.config().feed_timeline) else {
        return Ok(None);
    };
    let pulled = Reads::cached(ctx).load(&PULLED, &Only).await?;
    let pulled = pulled.iter().filter(|author| reads(ties, **author));
    let pulled: Vec<_> = pulled.take(MOST_PULLED + 1).collect();
    if pulled.len() > MOST_PULLED {
        return Ok(None);
    }
    let timelines: Vec<Timeline> = std::iter::once(Timeline::Home(viewer))
        .chain(pulled.into_iter().map(|author| Timeline::Author(*author)))
        .collect();
    let read = |replies, asked| {
        read(
            ctx,
            cache,
            (viewer, ties),
            &timelines,
            (replies, asked),
            from,
        )
    };
    if let (Some(replies), [_home]) = (ahead, &*timelines) {
        return Ok(read(replies, AHEAD).await);
    }
    let mut pipe = Pipeline::new();
    cache.ask_pending(&mut pipe);
    for timeline in &timelines {
        cache.ask(&mut pipe, *timeline, from.map(|(micros, _)| micros), ASKED);
    }
    let Ok(replies) = ctx.redis().query::<Vec<Value>>(&pipe).await else {
        return Ok(None);
    };
    Ok(read(replies, ASKED).await)
}

/// What the replies come to; `asked` is how many posts were asked for.
async fn read(
    ctx: &Ctx,
    cache: TimelineCache<'_>,
    (viewer, ties): (UserId, &Ties),
    timelines: &[Timeline],
    (replies, asked): (Vec<Value>, usize),
    from: Option<Position>,
) -> Option<Merged> {
    let mut replies = replies.into_iter();
    let pending = PendingReply::from_redis_value(replies.next()?).ok()?;
    let mut segments: Vec<Segment> = Vec::with_capacity(timelines.len());
    for timeline in timelines {
        let reply = TimelineReply::read(&mut replies);
        match reply.and_then(|reply| cache.segment(reply, asked)) {
            Some(segment) => {
                if segment.worn {
                    build_behind(ctx, *timeline, true);
                }
                segments.push(segment);
            }
            None => build_behind(ctx, *timeline, false),
        }
    }
    if segments.len() < timelines.len() {
        return None;
    }
    if let Some(last) = TimelineCache::last_of_more(&pending) {
        segments.push(Segment::above(cache.pending_floor(last).await?));
    }
    let single: Vec<Position> = TimelineCache::pending(&pending)
        .into_iter()
        .filter(|post: &PendingPost| post.author_id == viewer || reads(ties, post.author_id))
        .map(|post| post.position)
        .collect();
    Some(merge(&segments, &single, from))
}

/// Whether posts of `author` belong into the feed of whoever has these ties.
pub fn reads(ties: &Ties, author: UserId) -> bool {
    ties.is_friend(author) || ties.follows(author)
}
