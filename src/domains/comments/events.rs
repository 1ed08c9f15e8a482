//! What comments tell the domains to their right.

use serde::{Deserialize, Serialize};

use crate::infra::jobs::Registry;
use crate::infra::outbox::Event;
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

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $word:literal),+ $(,)?) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
            pub struct $name(pub CommentRef);

            impl Event for $name {
                const NAME: &'static str = $word;
            }
        )+

        /// Makes the events of comments known.
        pub fn events<C>(registry: Registry<C>) -> Registry<C> {
            registry$(.knows::<$name>())+
        }
    };
}

events! {
    /// Somebody has commented on a post or answered a comment.
    CommentCreated = "comment.created",
    /// A comment says something else now.
    CommentEdited = "comment.edited",
    /// A comment is deleted for good.
    CommentDeleted = "comment.deleted",
}
