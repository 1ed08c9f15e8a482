//! The one thing that a person changes about their feed: how far they have read.

use super::store::marker as store;
use crate::domains::posts;
use crate::kernel::{Code, Error, PostId, Result, UserId};
use crate::platform::Tx;
use crate::platform::sessions::Viewer;

/// Moves the marker to a post that the person sees; it never moves back.
pub async fn advance_marker(tx: &mut Tx, user_id: UserId, post_id: PostId) -> Result<()> {
    posts::guard_within(tx.conn(), Viewer(Some(user_id)), post_id)
        .await
        .map_err(hidden)?;
    let now = tx.now();
    store::advance_marker(tx.conn(), user_id, post_id, now).await
}

/// A body that names what may not be seen is invalid; 404 would speak of the route.
fn hidden(error: Error) -> Error {
    if error.code() != Code::NotFound {
        return error;
    }
    let detail = "There is no such post that you may see.";
    Error::invalid_field("/post_id", "not_found", detail)
}
