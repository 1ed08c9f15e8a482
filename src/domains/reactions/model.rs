//! What people can react to, and how.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kernel::ids::Id as _;
use crate::kernel::{CommentId, MessageId, PostId};
use crate::words;

words! {
    /// What is reacted to. Events of an earlier version begin the words with a capital.
    pub enum TargetKind {
        /// A post.
        #[serde(alias = "Post")]
        Post = "post",
        /// A comment.
        #[serde(alias = "Comment")]
        Comment = "comment",
        /// A message.
        #[serde(alias = "Message")]
        Message = "message",
    }
}

/// One thing that people react to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// What it is.
    pub kind: TargetKind,
    /// Its id.
    pub id: Uuid,
}

impl From<PostId> for Target {
    fn from(post_id: PostId) -> Self {
        let (kind, id) = (TargetKind::Post, post_id.uuid());
        Self { kind, id }
    }
}

impl From<CommentId> for Target {
    fn from(comment_id: CommentId) -> Self {
        let (kind, id) = (TargetKind::Comment, comment_id.uuid());
        Self { kind, id }
    }
}

impl From<MessageId> for Target {
    fn from(message_id: MessageId) -> Self {
        let (kind, id) = (TargetKind::Message, message_id.uuid());
        Self { kind, id }
    }
}

/// How many people reacted in which way, such as `{"like": 2}`; kinds that nobody used are absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(as = ReactionSummary, value_type = HashMap<String, i32>, example = json!({"like": 2}))]
pub struct Summary(pub(super) BTreeMap<Kind, i32>);

impl Summary {
    /// How many people reacted in any way.
    pub fn total(&self) -> i64 {
        self.0.values().copied().map(i64::from).sum()
    }
}

words! {
    /// A way to react.
    #[schema(as = ReactionKind)]
    pub enum Kind {
        /// Thumb up.
        Like = "like",
        /// Heart.
        Love = "love",
        /// Hug.
        Care = "care",
        /// Laughter.
        Haha = "haha",
        /// Amazement.
        Wow = "wow",
        /// Tears.
        Sad = "sad",
        /// Anger.
        Angry = "angry",
    }
}

/// A body that sets one's reaction.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetReaction {
    /// How to react.
    pub kind: Kind,
}

/// What a change of one person's reaction does to the summary, in the order in which every
/// transaction changes its rows, so that no two of them wait for each other in a circle.
pub(super) fn summary_changes(old: Option<Kind>, new: Option<Kind>) -> Vec<(Kind, i32)> {
    if old == new {
        return Vec::new();
    }
    let lost = old.map(|kind| (kind, -1));
    let gained = new.map(|kind| (kind, 1));
    let mut changes: Vec<_> = lost.into_iter().chain(gained).collect();
    changes.sort_by_key(|(kind, _)| *kind);
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_changes_by_what_was_lost_and_gained_in_order_of_kind() {
        let (like, sad) = (Some(Kind::Like), Some(Kind::Sad));
        assert_eq!(summary_changes(None, like), [(Kind::Like, 1)]);
        assert_eq!(summary_changes(like, None), [(Kind::Like, -1)]);
        assert_eq!(
            summary_changes(sad, like),
            [(Kind::Like, 1), (Kind::Sad, -1)]
        );
        assert_eq!(summary_changes(like, like), []);
        assert_eq!(summary_changes(None, None), []);
    }
}
