//! A feed that is read before its reader asks.

use super::page::page;
use crate::domains::feed::cache::{Line, build};
use crate::kernel::page::{Direction, Slice};
use crate::kernel::{Result, UserId};
use crate::platform::Ctx;

/// As many posts as a page has when nobody says how many.
const PAGE: u16 = 20;

/// Builds the timeline of `viewer`, unless there is one; says whether it did. They count as having
/// read their feed: posts are carried to it from now on.
pub async fn build_timeline(ctx: &Ctx, viewer: UserId) -> Result<bool> {
    build(ctx, Line::Home(viewer)).await
}

/// Has the first page of `viewer`, with all that it shows, at hand.
pub async fn warm(ctx: &Ctx, viewer: UserId) -> Result<()> {
    build_timeline(ctx, viewer).await?;
    let first = Slice {
        from: None,
        direction: Direction::Next,
        limit: PAGE,
    };
    page(ctx, viewer, &first, None).await.map(drop)
}
