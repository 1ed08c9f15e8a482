//! What posts tell the domains to their right.

use serde::{Deserialize, Serialize};

use crate::infra::outbox::events;
use crate::kernel::clock::micros;
use crate::kernel::{PostId, Timestamp, UserId};

/// Which post it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostRef {
    /// The post.
    pub post_id: PostId,
    /// Who wrote it.
    pub author_id: UserId,
    /// When it was made, to the microsecond, which is its place in every list.
    #[serde(with = "micros")]
    pub created_at: Timestamp,
}

events! {
    /// Somebody has posted something.
    PostCreated(PostRef) = "post.created",
    /// What somebody has posted calls people, or shares a post: most posts are no news to anybody beyond
    /// their readers.
    PostAddressed(PostRef) = "post.addressed",
    /// A deleted post is back.
    PostRestored(PostRef) = "post.restored",
    /// The audience of a post has changed so that more people may see it than before.
    PostWidened(PostRef) = "post.widened",
    /// A post says something else now, or is for others.
    PostEdited(PostRef) = "post.edited",
    /// An author has deleted a post; it may come back.
    PostDeleted(PostRef) = "post.deleted",
}
