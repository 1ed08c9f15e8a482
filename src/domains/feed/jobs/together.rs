//! The fan-out of posts with few readers: of several that are waiting, in one go.

use super::super::cache::Push;
use super::super::live;
use super::super::model::{FanOut, FanOutPost, Timeline};
use super::super::store::{self, Readership};
use super::{active_since, note_arrival, push};
use crate::kernel::{PostId, Result, UserId, distinct};
use crate::platform::Ctx;

/// Most friends and followers of an author whose posts go with others.
const FEW: i64 = 500;

/// What became of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is in all timelines that it belongs in.
    Everywhere,
    /// It takes a way of its own: many read it, or its author has chosen who sees it.
    Apart,
}

/// Has these posts fan out, but for those that take a way of their own.
pub(super) async fn fan_out_together(ctx: &Ctx, all: Vec<FanOut>) -> Result<Vec<Outcome>> {
    // Another process may have begun an epoch before a post was written: then it counts here.
    ctx.cache().step().await;
    let ways = find_ways(ctx, &all).await?;
    let going = || {
        let those = all.iter().zip(&ways);
        those.filter_map(|(fan_out, readers)| Some((fan_out, readers.as_ref()?)))
    };
    let pushes: Vec<Push> = going()
        .map(|(fan_out, readers)| {
            let own = Timeline::Home(fan_out.post.author_id);
            let others = readers.iter().copied().map(Timeline::Home);
            Push::of(fan_out, others.chain([own]).collect(), true)
        })
        .collect();
    push(ctx, &pushes).await?;
    for (fan_out, readers) in going() {
        live::tell_new(ctx, readers.clone(), fan_out.post);
        note_arrival(ctx, fan_out);
    }
    let outcome = |readers: &Option<Vec<UserId>>| match readers {
        Some(_) => Outcome::Everywhere,
        None => Outcome::Apart,
    };
    Ok(ways.iter().map(outcome).collect())
}

/// Looks with one connection who reads each of these posts; `None` for those that take a way of their own.
async fn find_ways(ctx: &Ctx, all: &[FanOut]) -> Result<Vec<Option<Vec<UserId>>>> {
    let conn = &mut *ctx.conn().await?;
    let ids: Vec<PostId> = distinct(all.iter().map(|fan_out| fan_out.post.post_id));
    let posts = store::list_fan_out_posts(conn, &ids).await?;
    let few = FEW.min(i64::from(ctx.config().feed_pull_above));
    let goes_together = |post: &&FanOutPost| !post.is_chosen() && post.is_pushed(few);
    let find = |fan_out: &FanOut| {
        let post = posts.get(&fan_out.post.post_id);
        post.filter(|post| post.is_for_others())
    };
    let readerships = all.iter().filter_map(|fan_out| {
        let post = find(fan_out).filter(goes_together)?;
        Some(Readership {
            post_id: fan_out.post.post_id,
            author_id: fan_out.post.author_id,
            followers: post.is_public(),
        })
    });
    let readerships = distinct(readerships);
    // Counters may be wrong.
    let found = store::list_readers(conn, &readerships, active_since(ctx)?, few + 1).await?;
    let readers = |fan_out: &FanOut| found.get(&fan_out.post.post_id).cloned();
    let is_few = |readers: &Vec<UserId>| i64::try_from(readers.len()).is_ok_and(|n| n <= few);
    let way = |fan_out: &FanOut| match find(fan_out) {
        Some(post) if !goes_together(&post) => None,
        Some(_) => Some(readers(fan_out).unwrap_or_default()).filter(is_few),
        // What is gone, or for nobody, goes nowhere, which is soon done.
        None => Some(Vec::new()),
    };
    Ok(all.iter().map(way).collect())
}
