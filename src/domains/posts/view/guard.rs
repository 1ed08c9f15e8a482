//! May this be seen? Asked before anything of a post is shown.

use super::super::model::Facts;
use super::seen::seen;
use crate::kernel::{Error, PostId, Result};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// The post, if the viewer may see it; otherwise 404. For reads.
pub async fn guard(reads: &mut Reads<'_>, viewer: Viewer, post_id: PostId) -> Result<Facts> {
    let post = seen(reads, viewer, &[post_id]).await?.remove(&post_id);
    post.map(|post| post.facts()).ok_or_else(Error::not_found)
}
