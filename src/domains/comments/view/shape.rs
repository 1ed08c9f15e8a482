//! The shape of a comment.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domains::posts::Entity;
use crate::domains::reactions::{Kind, Summary};
use crate::domains::users::Person;
use crate::kernel::{CommentId, PostId, Timestamp};

/// A comment, or a reply to one.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// The post it is on.
    pub post_id: PostId,
    /// The comment it answers; null on the post itself.
    #[schema(required)]
    pub parent_id: Option<CommentId>,
    /// How far below the post it stands: 0 to 8.
    pub depth: i16,
    /// Who wrote it; nobody in particular once it is deleted.
    pub author: Person,
    /// What it says.
    pub content: String,
    /// Mentions, hashtags and links in the text.
    pub entities: Vec<Entity>,
    /// Numbers, the same for everybody who may see the post.
    pub counts: CommentCounts,
    /// What it is to the viewer; null when signed out.
    #[schema(required)]
    pub viewer: Option<CommentViewer>,
    /// The idempotency key of the request that made it, shown to its author alone.
    #[schema(required)]
    pub op_id: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last edited.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub edited_at: Option<Timestamp>,
    /// Whether it is deleted and only marks the place of its replies.
    pub deleted: bool,
    /// The first two replies, with `?expand=replies`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub replies: Option<Vec<Comment>>,
    /// Counts edits.
    #[serde(skip)]
    pub version: i64,
}

/// Numbers of a comment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CommentCounts {
    /// Replies to it that are not deleted.
    pub replies: i32,
    /// Reactions by kind.
    pub reactions: Summary,
}

/// What a comment is to its viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct CommentViewer {
    /// Their reaction.
    #[schema(required)]
    pub reaction: Option<Kind>,
    /// Whether they may answer it.
    pub can_reply: bool,
    /// Whether they may change it.
    pub can_edit: bool,
    /// Whether they may delete it.
    pub can_delete: bool,
}

/// What a reaction to a comment changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommentState {
    /// Numbers.
    pub counts: CommentCounts,
    /// What it is to the viewer.
    #[schema(required)]
    pub viewer: Option<CommentViewer>,
}

impl From<Comment> for CommentState {
    fn from(comment: Comment) -> Self {
        Self {
            counts: comment.counts,
            viewer: comment.viewer,
        }
    }
}
