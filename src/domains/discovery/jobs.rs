//! What discovery does by itself: ranking what is talked about.

use std::time::Duration;

use chrono::TimeDelta;
use uuid::Uuid;

use super::cache::{HASHTAGS, TRENDING};
use super::store::trending as store;
use super::{TRENDING_HASHTAGS, TRENDING_POSTS};
use crate::infra::cache::Only;
use crate::infra::jobs::Registry;
use crate::kernel::{Result, Timestamp};
use crate::platform::Ctx;

/// Days whose posts are ranked.
const POST_DAYS: i64 = 7;
/// Days whose hashtags are ranked.
const HASHTAG_DAYS: i64 = 3;
/// Most posts that are looked at, the newest: so that ranking takes about as long however much is posted.
const MOST_POSTS: i64 = 100_000;

/// Registers the jobs.
pub fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    registry.every("discovery.trending", Duration::from_mins(1), rank)
}

async fn rank(ctx: Ctx) -> Result<()> {
    let now = ctx.now();
    {
        let conn = &mut *ctx.conn().await?;
        let since = now - TimeDelta::days(POST_DAYS);
        let first = store::first_of_newest(conn, first_id(since), MOST_POSTS).await?;
        store::rank_posts(conn, since, first, now, TRENDING_POSTS).await?;
        let since = now - TimeDelta::days(HASHTAG_DAYS);
        let first = first.max(first_id(since));
        store::rank_hashtags(conn, since, first, now, TRENDING_HASHTAGS).await?;
    }
    ctx.cache().reload(&TRENDING, &[Only]).await?;
    ctx.cache().reload(&HASHTAGS, &[Only]).await
}

/// The smallest id that can be made at an instant: ids begin with their time in milliseconds, so the
/// newest posts are a stretch of the primary key.
fn first_id(at: Timestamp) -> Uuid {
    let millis = u128::try_from(at.micros() / 1_000).unwrap_or_default();
    Uuid::from_u128(millis << 80)
}
