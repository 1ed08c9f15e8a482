//! A group of things that happened, and what belongs into one.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Kind;
use crate::kernel::ids::Id as _;
use crate::kernel::page::TimeKey;
use crate::kernel::{
    CommentId, ConversationId, FriendRequestId, NotificationId, PostId, Timestamp, UserId,
};

/// A group as it is stored, with its newest items, by different people. Whether its person may see
/// any of it is judged at each read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_field_names,
    reason = "the field is called as on the wire"
)]
pub struct Group {
    /// Its id.
    pub notification_id: NotificationId,
    /// What it is about.
    pub kind: Kind,
    /// What things of one group have in common.
    pub group_key: String,
    /// The post that it leads to.
    pub post_id: Option<PostId>,
    /// The comment that it leads to, where that is not the newest item's.
    pub comment_id: Option<CommentId>,
    /// The conversation that it leads to.
    pub conversation_id: Option<ConversationId>,
    /// Different people among all its items.
    pub actor_count: i32,
    /// Up to when it was read.
    pub read_up_to: Option<Timestamp>,
    /// When its first item happened.
    pub created_at: Timestamp,
    /// When its newest item happened.
    pub updated_at: Timestamp,
    /// The newest items, newest first, one for each person.
    pub items: Vec<Item>,
}

/// One thing that somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Who did it.
    pub actor_id: UserId,
    /// The comment, the share, the request or what was reacted to.
    pub source_id: Uuid,
    /// When it happened.
    pub at: Timestamp,
}

impl Group {
    /// Its place in the list.
    pub fn key(&self) -> TimeKey {
        TimeKey(self.updated_at, self.notification_id.uuid())
    }

    /// The posts on which it depends whether anything of it is seen.
    pub fn posts(&self) -> impl Iterator<Item = PostId> {
        let shares = self.items.iter().filter(|_| self.kind == Kind::Share);
        let shares = shares.map(|item| PostId::from_uuid(item.source_id));
        shares.chain(self.post_id)
    }

    /// The comments on which it depends.
    pub fn comments(&self) -> impl Iterator<Item = CommentId> {
        let is_said = matches!(self.kind, Kind::Comment | Kind::Reply);
        let said = self.items.iter().filter(move |_| is_said);
        let said = said.map(|item| CommentId::from_uuid(item.source_id));
        said.chain(self.comment_id)
    }
}

/// What a group is about: it makes the group's key and says where it leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A request for friendship, or its acceptance.
    Request(Kind, FriendRequestId),
    /// Comments on a post.
    Comments(PostId),
    /// Answers to a comment on a post.
    Replies(PostId, CommentId),
    /// Reactions to a post.
    PostReactions(PostId),
    /// Reactions to a comment on a post.
    CommentReactions(PostId, CommentId),
    /// A mention in a post.
    PostMention(PostId),
    /// A mention in a comment on a post.
    CommentMention(PostId, CommentId),
    /// Shares of a post.
    Shares(PostId),
    /// A request to talk, or an invitation into a group.
    Conversation(Kind, ConversationId),
}

impl Subject {
    /// What it is about.
    pub fn kind(self) -> Kind {
        match self {
            Self::Request(kind, _) | Self::Conversation(kind, _) => kind,
            Self::Comments(_) => Kind::Comment,
            Self::Replies(..) => Kind::Reply,
            Self::PostReactions(_) | Self::CommentReactions(..) => Kind::Reaction,
            Self::PostMention(_) | Self::CommentMention(..) => Kind::Mention,
            Self::Shares(_) => Kind::Share,
        }
    }

    /// What things of one group have in common.
    pub fn group_key(self) -> String {
        let kind = self.kind().as_str();
        match self {
            Self::Request(_, id) => format!("{kind}:{id}"),
            Self::Conversation(_, id) => format!("{kind}:{id}"),
            Self::Comments(id) | Self::PostReactions(id) | Self::PostMention(id) => {
                format!("{kind}:post:{id}")
            }
            Self::Shares(id) => format!("{kind}:post:{id}"),
            Self::Replies(_, id) | Self::CommentReactions(_, id) | Self::CommentMention(_, id) => {
                format!("{kind}:comment:{id}")
            }
        }
    }

    /// The post that it leads to.
    pub fn post_id(self) -> Option<PostId> {
        match self {
            Self::Comments(id)
            | Self::Replies(id, _)
            | Self::PostReactions(id)
            | Self::CommentReactions(id, _)
            | Self::PostMention(id)
            | Self::CommentMention(id, _)
            | Self::Shares(id) => Some(id),
            Self::Request(..) | Self::Conversation(..) => None,
        }
    }

    /// The comment that it leads to, where that is not the newest item's.
    pub fn comment_id(self) -> Option<CommentId> {
        match self {
            Self::CommentReactions(_, id) | Self::CommentMention(_, id) => Some(id),
            _ => None,
        }
    }

    /// The conversation that it leads to.
    pub fn conversation_id(self) -> Option<ConversationId> {
        match self {
            Self::Conversation(_, id) => Some(id),
            _ => None,
        }
    }
}
