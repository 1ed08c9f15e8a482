//! What is warmed, and how much of it.

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use tokio::sync::OnceCell;

use super::Tally;
use crate::domains::reactions::{self, Target};
use crate::domains::{discovery, feed, posts, relations, users};
use crate::infra::cache::{Key, Only, Space, Value};
use crate::kernel::{PostId, Result, SessionId, UserId, distinct};
use crate::platform::sessions;
use crate::platform::{Ctx, Reads};

/// Something that is worth being warm.
pub(super) struct Category {
    /// Its name in reports.
    pub name: &'static str,
    /// Warms it and counts; an error says that it could not even be begun.
    pub run: for<'a> fn(&'a Ctx, &'a Lately, &'a mut Tally) -> BoxFuture<'a, Result<()>>,
}

/// What is warmed, in this order.
pub(super) const CATEGORIES: &[Category] = &[
    Category {
        name: "trending_posts",
        run: |ctx, _, tally| Box::pin(trending_posts(ctx, tally)),
    },
    Category {
        name: "active_people",
        run: |ctx, lately, tally| Box::pin(active_people(ctx, lately, tally)),
    },
    Category {
        name: "author_pages",
        run: |ctx, lately, tally| Box::pin(author_pages(ctx, lately, tally)),
    },
    Category {
        name: "timelines",
        run: |ctx, lately, tally| Box::pin(timelines(ctx, lately, tally)),
    },
];

/// Posts that are talked about most.
const POSTS: usize = 100;

/// How many of the people who were here last are warmed for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    /// Those who are known, with what they may see.
    people: i64,
    /// Those of them whose own first pages are read, as authors and as readers; no more than `people`.
    pages: usize,
}

impl Reach {
    /// The few who are sure to come, while most of the cache is as it was.
    pub(super) const USUAL: Self = Self {
        people: 1_000,
        pages: 200,
    };
    /// Everybody who may be here right now, because nothing is left for any of them.
    pub(super) const AFTER_A_LOSS: Self = Self {
        people: 10_000,
        pages: 10_000,
    };
}

/// Who was here last, asked once a run.
pub(super) struct Lately {
    reach: Reach,
    found: OnceCell<Vec<(UserId, SessionId)>>,
}

impl Lately {
    pub(super) fn new(reach: Reach) -> Self {
        let found = OnceCell::new();
        Self { reach, found }
    }

    /// The people with the session each used last, the latest first.
    async fn sessions(&self, ctx: &Ctx) -> Result<&[(UserId, SessionId)]> {
        let find = async || {
            let since = ctx.now() - LATELY;
            sessions::list_active(&mut *ctx.conn().await?, since, self.reach.people).await
        };
        Ok(self.found.get_or_try_init(find).await?)
    }

    /// Those of them whose first pages are read.
    async fn with_pages(&self, ctx: &Ctx) -> Result<Vec<UserId>> {
        let sessions = self.sessions(ctx).await?;
        Ok(people(sessions.get(..self.reach.pages).unwrap_or(sessions)))
    }
}

/// First pages that are read at once. Requests have the rest of the database.
const PAGES_AT_ONCE: usize = 3;
/// Who was here before this is not expected. No longer than a timeline's life, which is as long as
/// posts are pushed to a reader: building one counts as reading.
const LATELY: TimeDelta = TimeDelta::days(2);
/// Entries that are read at once; if some of them fail, all of them do.
const BATCH: usize = 100;

async fn trending_posts(ctx: &Ctx, tally: &mut Tally) -> Result<()> {
    let reads = &mut Reads::cached(ctx);
    reads.load(&discovery::HASHTAGS, &Only).await?;
    let top = reads.load(&discovery::TRENDING, &Only).await?;
    let ids: Vec<PostId> = top.iter().take(POSTS).map(|row| row.post_id).collect();
    tally.planned = 4 * ids.len();
    let targets: Vec<Target> = ids.iter().copied().map(Target::from).collect();
    warm(ctx, tally, &posts::POST, &ids).await;
    warm(ctx, tally, &posts::POST_COUNTS, &ids).await;
    warm(ctx, tally, &reactions::SUMMARY, &targets).await;
    let entries = reads.get_many(&posts::POST, &ids).await?;
    let authors = distinct(entries.values().map(|post| post.author_id));
    tally.planned = 3 * ids.len() + authors.len();
    warm(ctx, tally, &users::USER, &authors).await;
    Ok(())
}

async fn active_people(ctx: &Ctx, lately: &Lately, tally: &mut Tally) -> Result<()> {
    let sessions = lately.sessions(ctx).await?;
    let ids = people(sessions);
    tally.planned = 5 * ids.len();
    warm(ctx, tally, &sessions::SESSION, sessions).await;
    warm(ctx, tally, &users::USER, &ids).await;
    warm(ctx, tally, &users::SETTINGS, &ids).await;
    warm(ctx, tally, &users::USER_COUNTS, &ids).await;
    warm(ctx, tally, &relations::TIES, &ids).await;
    Ok(())
}

async fn author_pages(ctx: &Ctx, lately: &Lately, tally: &mut Tally) -> Result<()> {
    let ids = lately.with_pages(ctx).await?;
    tally.planned = ids.len();
    for authors in ids.chunks(BATCH) {
        let outcome = posts::warm_pages(ctx, authors).await;
        tally.note("author pages", authors.len(), outcome);
    }
    Ok(())
}

async fn timelines(ctx: &Ctx, lately: &Lately, tally: &mut Tally) -> Result<()> {
    let ids = lately.with_pages(ctx).await?;
    tally.planned = ids.len();
    let building = stream::iter(ids).map(|id| feed::warm(ctx, id));
    let mut built = building.buffer_unordered(PAGES_AT_ONCE);
    while let Some(outcome) = built.next().await {
        match outcome {
            Ok(true) => tally.warmed += 1,
            Ok(false) => tally.skipped += 1,
            Err(error) => {
                tracing::debug!(?error, "a timeline could not be built");
                tally.failed += 1;
            }
        }
    }
    Ok(())
}

fn people(sessions: &[(UserId, SessionId)]) -> Vec<UserId> {
    sessions.iter().map(|(user_id, _)| *user_id).collect()
}

async fn warm<K: Key, V: Value>(
    ctx: &Ctx,
    tally: &mut Tally,
    space: &'static Space<K, V>,
    keys: &[K],
) {
    for some in keys.chunks(BATCH) {
        let outcome = ctx.cache().warm(space, some).await;
        tally.note(space.name, some.len(), outcome);
    }
}
