//! May this be seen? Asked before anything is done with a post.

use super::audience::AudienceKind;
use super::store::posts as store;
use crate::infra::db::Conn;
use crate::kernel::{Error, PostId, Result, UserId};
use crate::platform::sessions::Viewer;

/// What others need to know of a post that the viewer may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The post.
    pub post_id: PostId,
    /// Who wrote it.
    pub author_id: UserId,
    /// The sort of its audience.
    pub audience: AudienceKind,
    /// Counts edits.
    pub version: i64,
    /// The post that it shares.
    pub shared_post_id: Option<PostId>,
}

/// The post, if the viewer may see it; otherwise 404.
pub async fn guard(conn: &mut Conn, viewer: Viewer, post_id: PostId) -> Result<Facts> {
    store::find_facts(conn, viewer.id(), post_id)
        .await?
        .ok_or_else(Error::not_found)
}

/// The same for a write: until the transaction ends the post is neither deleted nor narrowed. It is
/// locked first and looked at afterwards, so that what is seen is what holds at the commit.
pub async fn guard_for_write(conn: &mut Conn, viewer: Viewer, post_id: PostId) -> Result<Facts> {
    store::lock_for_share(conn, post_id).await?;
    guard(conn, viewer, post_id).await
}
