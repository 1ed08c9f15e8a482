//! What comments tell the domains to their right.

use serde::{Deserialize, Serialize};

use crate::infra::outbox::events;
use crate::kernel::{CommentId, PostId, UserId};

/// Which comment it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentRef {
    /// The comment.
    pub comment_id: CommentId,
    /// The post it is on.
    pub post_id: PostId,
    /// The comment it answers.
    pub parent_id: Option<CommentId>,
    /// Who wrote it.
    pub author_id: UserId,
}

events! {
    /// Somebody has commented on a post or answered a comment.
    CommentCreated(CommentRef) = "comment.created",
    /// A comment says something else now.
    CommentEdited(CommentRef) = "comment.edited",
    /// A comment is deleted for good.
    CommentDeleted(CommentRef) = "comment.deleted",
}
