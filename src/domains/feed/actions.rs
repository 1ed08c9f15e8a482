//! The one thing that a person changes about their feed: how far they have read.

use super::store::marker as store;
use crate::domains::posts;
use crate::kernel::{PostId, Result, UserId};
use crate::platform::Tx;

/// Moves the marker to a post that the person sees; it never moves back.
pub async fn advance_marker(tx: &mut Tx, user_id: UserId, post_id: PostId) -> Result<()> {
    posts::guard_within(tx.conn(), user_id, post_id)
        .await
        .map_err(posts::named_in_body("/post_id"))?;
    let now = tx.now();
    store::advance_marker(tx.conn(), user_id, post_id, now).await
}
