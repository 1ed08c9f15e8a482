//! What a comment may be.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::{CommentId, Error, PostId, Result, Timestamp, UserId};
use crate::platform::http::not_null;
use crate::{text_type, words};

/// How far below a post a reply may stand: a comment on the post itself has depth 0.
pub const MAX_DEPTH: i16 = 8;

text_type!(
    /// What a comment says.
    CommentContent, 1..=5000, multiline
);

/// A comment as it is stored. It may be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentEntry {
    /// Its id.
    pub comment_id: CommentId,
    /// The post it is on.
    pub post_id: PostId,
    /// The comment it answers.
    pub parent_id: Option<CommentId>,
    /// How far below the post it stands.
    pub depth: i16,
    /// Who wrote it.
    pub author_id: UserId,
    /// What it says.
    pub content: String,
    /// The idempotency key that made it.
    pub op_id: Option<String>,
    /// Counts edits.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub edited_at: Option<Timestamp>,
    /// Whether it was deleted.
    pub deleted: bool,
}

/// Which comments a list holds.
#[derive(Debug, Clone, Copy)]
pub enum Thread {
    /// Comments on the post itself.
    Post(PostId),
    /// Replies to a comment on a post.
    Comment(PostId, CommentId),
}

words! {
    /// Which end of a thread comes first.
    #[derive(Default)]
    pub enum CommentOrder {
        /// Oldest first.
        #[default]
        Oldest = "oldest",
        /// Newest first.
        Newest = "newest",
    }
}

/// A body that makes a comment.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewComment {
    /// What it says.
    pub content: CommentContent,
    /// The comment that it answers, which must belong to the same post.
    pub parent_id: Option<CommentId>,
}

/// A body that changes a comment. Absent members stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommentChange {
    /// What it says from now on.
    #[schema(value_type = CommentContent, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    pub content: Option<CommentContent>,
}

/// The depth of a reply to a comment at `parent`, or the refusal of one that would be too deep.
pub(super) fn depth_below(parent: i16) -> Result<i16> {
    if parent < MAX_DEPTH {
        return Ok(parent + 1);
    }
    Err(Error::invalid_field(
        "/parent_id",
        "too_deep",
        format!(
            "Replies go {MAX_DEPTH} levels deep. Answer the comment above this one and mention its author."
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::{MAX_DEPTH, depth_below};

    #[test]
    fn replies_end_at_the_greatest_depth() {
        assert_eq!(depth_below(0).expect("a reply"), 1);
        assert_eq!(depth_below(MAX_DEPTH - 1).expect("the last"), MAX_DEPTH);
        let refusal = depth_below(MAX_DEPTH).expect_err("too deep");
        let codes: Vec<_> = refusal.fields().iter().map(|f| f.code.as_ref()).collect();
        assert_eq!(codes, ["too_deep"]);
    }
}
