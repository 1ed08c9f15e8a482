//! May this be seen? Asked before anything is done with a post.

use super::super::model::Facts;
use super::super::store::posts as store;
use super::seen::seen;
use crate::infra::db::Conn;
use crate::kernel::{Error, PostId, Result};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// The post, if the viewer may see it; otherwise 404. For reads.
pub async fn guard(reads: &mut Reads<'_>, viewer: Viewer, post_id: PostId) -> Result<Facts> {
    let post = seen(reads, viewer, &[post_id]).await?.remove(&post_id);
    post.map(|post| post.facts()).ok_or_else(Error::not_found)
}

/// The same inside a transaction, in one statement.
pub async fn guard_within(conn: &mut Conn, viewer: Viewer, post_id: PostId) -> Result<Facts> {
    store::find_facts(conn, viewer.id(), post_id)
        .await?
        .ok_or_else(Error::not_found)
}

/// The same for a write: until the transaction ends the post is neither deleted nor narrowed. It is
/// locked first and looked at afterwards, so that what is seen is what holds at the commit.
pub async fn guard_for_write(conn: &mut Conn, viewer: Viewer, post_id: PostId) -> Result<Facts> {
    store::lock_for_share(conn, post_id).await?;
    guard_within(conn, viewer, post_id).await
}
