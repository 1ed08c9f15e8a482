//! A page of the home feed: candidates from timelines, judged for the viewer, and the rest from
//! Postgres.

use std::collections::HashMap;
use std::sync::Arc;

use redis::Value;

use super::choice::Choice;
use super::sources;
use crate::domains::feed::model::{Position, position_of};
use crate::domains::feed::store::{self, FeedEntry};
use crate::domains::posts::{self, Rendered};
use crate::domains::relations::{self, Ties};
use crate::kernel::ids::Id as _;
use crate::kernel::page::{Direction, Page, Slice, TimeKey};
use crate::kernel::{Error, PostId, Result, Timestamp, UserId};
use crate::platform::sessions::Viewer;
use crate::platform::{Ctx, Reads};

/// How often timelines are asked for one page before Postgres is.
const ROUNDS: usize = 3;
/// Candidates that are judged at once, at least: the fewer of them are shown, the fewer are wanted
/// each time.
const AT_ONCE: usize = 10;

/// A page of the home feed of `viewer`.
pub async fn page(
    ctx: &Ctx,
    viewer: UserId,
    slice: &Slice<TimeKey>,
    ahead: Option<Vec<Value>>,
) -> Result<Page<TimeKey, Rendered>> {
    let reads = &mut Reads::cached(ctx);
    let mut walk = Walk::begin(viewer, slice);
    if slice.direction == Direction::Next {
        walk.timelines(ctx, reads, ahead).await?;
    }
    let rest = walk.rest(slice);
    if let Some(rest) = rest {
        let conn = &mut *reads.conn().await?;
        let found = store::list_entries(conn, viewer, &rest, ctx.now()).await?;
        walk.rows.extend(found);
    }
    let page = slice.page(walk.rows);
    let posts = fill(ctx, viewer, &page.items, walk.shown).await?;
    Ok(page.with_items(posts))
}

/// The page with a post in its middle: `slices` are the segments before and behind it. What does not
/// belong in this feed is 404.
pub async fn around(
    ctx: &Ctx,
    viewer: UserId,
    post_id: PostId,
    slices: impl Fn(&TimeKey) -> (Slice<TimeKey>, Slice<TimeKey>),
) -> Result<Page<TimeKey, Rendered>> {
    let now = ctx.now();
    let page = {
        let conn = &mut *ctx.conn().await?;
        let entry = store::find_entry(conn, viewer, post_id, now).await?;
        let entry: FeedEntry = entry.ok_or_else(Error::not_found)?;
        let (before, after) = slices(&entry.0);
        let rows_before = store::list_entries(conn, viewer, &before, now).await?;
        let mut rows = vec![entry];
        rows.extend(store::list_entries(conn, viewer, &after, now).await?);
        after.page(rows).preceded_by(before.page(rows_before))
    };
    let shown = posts::rendered(ctx, viewer, &page.items).await?;
    Ok(page.with_items(shown))
}

/// The posts in the order given; those that were rendered already are taken as they are.
async fn fill(
    ctx: &Ctx,
    viewer: UserId,
    ids: &[PostId],
    mut shown: HashMap<PostId, Rendered>,
) -> Result<Vec<Rendered>> {
    let missing = ids.iter().filter(|id| !shown.contains_key(*id));
    let missing: Vec<PostId> = missing.copied().collect();
    if !missing.is_empty() {
        let found = posts::rendered(ctx, viewer, &missing).await?;
        shown.extend(found.into_iter().map(|post| (post.id, post)));
    }
    Ok(ids.iter().filter_map(|id| shown.remove(id)).collect())
}

/// How far a page has come.
struct Walk {
    viewer: UserId,
    wanted: usize,
    rows: Vec<FeedEntry>,
    shown: HashMap<PostId, Rendered>,
    /// Everything above is decided.
    from: Option<Position>,
    done: bool,
}

impl Walk {
    fn begin(viewer: UserId, slice: &Slice<TimeKey>) -> Self {
        Self {
            viewer,
            wanted: usize::from(slice.limit) + 1,
            rows: Vec::new(),
            shown: HashMap::new(),
            from: slice.from.as_ref().map(position_of),
            done: false,
        }
    }

    /// Takes what timelines can give.
    async fn timelines(
        &mut self,
        ctx: &Ctx,
        reads: &mut Reads<'_>,
        mut ahead: Option<Vec<Value>>,
    ) -> Result<()> {
        if ctx.cache().epoch_to_read().is_none() {
            return Ok(());
        }
        let viewer = Viewer::from(self.viewer);
        let ties = relations::ties_of(reads, viewer).await?;
        for _round in 0..ROUNDS {
            let merged =
                sources::candidates(ctx, self.viewer, &ties, self.from, ahead.take()).await?;
            let Some(merged) = merged else { break };
            let before = self.from;
            let whole = self.take(ctx, reads, &ties, &merged.posts).await?;
            if self.done || !whole {
                break;
            }
            let Some(floor) = merged.floor else {
                self.done = true;
                break;
            };
            // Many posts of one instant can fill a look without leading any further.
            if before.is_some_and(|before| floor >= before) {
                break;
            }
            self.from = Some(floor);
            if !merged.more {
                break;
            }
        }
        Ok(())
    }

    /// Judges candidates, about as many at a time as are still wanted; says whether it came to their
    /// end.
    async fn take(
        &mut self,
        ctx: &Ctx,
        reads: &mut Reads<'_>,
        ties: &Arc<Ties>,
        posts: &[Position],
    ) -> Result<bool> {
        let mut ahead = posts;
        while let Some(wanted) = self.wanted.checked_sub(self.rows.len()).filter(|n| *n > 0) {
            let (some, rest) = ahead.split_at(wanted.max(AT_ONCE).min(ahead.len()));
            ahead = rest;
            let Some(last) = some.last() else {
                return Ok(true);
            };
            self.judge(ctx, reads, ties, some).await?;
            self.from = Some(*last);
        }
        self.done = true;
        Ok(false)
    }

    async fn judge(
        &mut self,
        ctx: &Ctx,
        reads: &mut Reads<'_>,
        ties: &Arc<Ties>,
        posts: &[Position],
    ) -> Result<()> {
        let ids: Vec<PostId> = posts.iter().map(|(_, id)| PostId::from_uuid(*id)).collect();
        let visible = posts::rendered(ctx, self.viewer, &ids).await?;
        let choice = Choice::among(ctx, reads, self.viewer, ties, &ids).await?;
        let mut found: HashMap<PostId, Rendered> = visible
            .into_iter()
            .filter(|post| choice.holds(post.id, post.author_id))
            .map(|post| (post.id, post))
            .collect();
        for (micros, id) in posts {
            let id = PostId::from_uuid(*id);
            if let (Some(post), Some(at)) = (found.remove(&id), Timestamp::from_micros(*micros)) {
                self.rows.push((TimeKey(at, id.uuid()), id));
                self.shown.insert(id, post);
            }
        }
        Ok(())
    }

    /// What Postgres has to give yet: the rows that are missing, from where the timelines ended.
    fn rest(&self, slice: &Slice<TimeKey>) -> Option<Slice<TimeKey>> {
        if self.done {
            return None;
        }
        let missing = self.wanted - self.rows.len();
        let from = self
            .from
            .and_then(|(micros, id)| Some(TimeKey(Timestamp::from_micros(micros)?, id)));
        Some(Slice {
            from,
            direction: slice.direction,
            ..Slice::first(u16::try_from(missing.saturating_sub(1)).ok()?)
        })
    }
}
