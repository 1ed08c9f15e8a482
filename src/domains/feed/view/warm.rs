//! A feed that is read before its reader asks.

use super::page::page;
use crate::domains::feed::cache::build;
use crate::domains::feed::model::Timeline;
use crate::kernel::page::Slice;
use crate::kernel::{Result, UserId};
use crate::platform::Ctx;

/// As many posts as a page has when nobody says how many.
const PAGE: u16 = 20;

/// Has the first page of `viewer`, with all that it shows, at hand. Builds their timeline, unless
/// there is one, and says whether it did. They count as having read their feed: posts are pushed to
/// it from now on.
pub async fn warm(ctx: &Ctx, viewer: UserId) -> Result<bool> {
    let built = build(ctx, Timeline::Home(viewer)).await?;
    page(ctx, viewer, &Slice::first(PAGE), None).await?;
    Ok(built)
}
