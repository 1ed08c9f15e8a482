//! Where the posts of a home feed come from: one's timeline, the timelines of authors with many
//! readers, and posts that are still on their way.

use redis::{FromRedisValue as _, Pipeline, Value};

use super::merge::{Merged, merge};
use crate::domains::feed::cache::{
    Line, PULLED, Pending, PendingReply, ReadReply, Spot, Stretch, Timelines, build_behind,
};
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
    if let Some(timelines) = Timelines::to_read(ctx.cache(), ctx.config().feed_timeline) {
        timelines.ask_pending(pipe);
        timelines.ask(pipe, Line::Home(viewer), None, AHEAD);
    }
}

/// Candidates for the feed of `viewer` below `from`, where replies to [`ask_ahead`] may be at hand; `None` where some source cannot tell.
pub async fn candidates(
    ctx: &Ctx,
    viewer: UserId,
    ties: &Ties,
    from: Option<Spot>,
    ahead: Option<Vec<Value>>,
) -> Result<Option<Merged>> {
    let Some(timelines) = Timelines::to_read(ctx.cache(), ctx.config().feed_timeline) else {
        return Ok(None);
    };
    let pulled = Reads::cached(ctx).load(&PULLED, &Only).await?;
    let pulled = pulled.iter().filter(|author| reads(ties, **author));
    let pulled: Vec<_> = pulled.take(MOST_PULLED + 1).collect();
    if pulled.len() > MOST_PULLED {
        return Ok(None);
    }
    let lines: Vec<Line> = std::iter::once(Line::Home(viewer))
        .chain(pulled.into_iter().map(|author| Line::Author(*author)))
        .collect();
    let read = |replies, asked| {
        read(
            ctx,
            timelines,
            (viewer, ties),
            &lines,
            (replies, asked),
            from,
        )
    };
    if let (Some(replies), [_home]) = (ahead, &*lines) {
        return Ok(read(replies, AHEAD));
    }
    let mut pipe = Pipeline::new();
    timelines.ask_pending(&mut pipe);
    for line in &lines {
        timelines.ask(&mut pipe, *line, from.map(|(micros, _)| micros), ASKED);
    }
    let Ok(replies) = ctx.redis().query::<Vec<Value>>(&pipe).await else {
        return Ok(None);
    };
    Ok(read(replies, ASKED))
}

/// What the replies come to; `asked` is how many posts were asked for.
fn read(
    ctx: &Ctx,
    timelines: Timelines<'_>,
    (viewer, ties): (UserId, &Ties),
    lines: &[Line],
    (replies, asked): (Vec<Value>, usize),
    from: Option<Spot>,
) -> Option<Merged> {
    let mut replies = replies.into_iter();
    let pending = PendingReply::from_redis_value(replies.next()?).ok()?;
    let mut stretches: Vec<Stretch> = Vec::with_capacity(lines.len());
    for line in lines {
        let reply = ReadReply::read(&mut replies);
        match reply.and_then(|reply| timelines.stretch(reply, asked)) {
            Some(stretch) => {
                if stretch.worn {
                    build_behind(ctx, *line, true);
                }
                stretches.push(stretch);
            }
            None => build_behind(ctx, *line, false),
        }
    }
    if stretches.len() < lines.len() {
        return None;
    }
    let single: Vec<Spot> = Timelines::pending(&pending)
        .into_iter()
        .filter(|post: &Pending| post.author_id == viewer || reads(ties, post.author_id))
        .map(|post| post.spot)
        .collect();
    Some(merge(&stretches, &single, from))
}

/// Whether posts of `author` belong into the feed of whoever has these ties.
pub fn reads(ties: &Ties, author: UserId) -> bool {
    ties.is_friend(author) || ties.follows(author)
}
