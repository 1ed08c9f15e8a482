//! The shape of a post.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domains::posts::model::{AudienceKind, Entity};
use crate::domains::reactions;
use crate::domains::users::Person;
use crate::kernel::{PostId, Timestamp};

/// A post.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Post {
    /// Its id.
    pub id: PostId,
    /// Where the frontend shows it.
    pub url: String,
    /// Who wrote it.
    pub author: Person,
    /// What it says.
    pub content: String,
    /// Mentions, hashtags and links in the text; offsets count code points.
    pub entities: Vec<Entity>,
    /// Whom it is for.
    pub audience: Audience,
    /// Pictures and films.
    #[schema(value_type = Vec<HashMap<String, Value>>)]
    pub media: Vec<serde_json::Value>,
    /// The post that it shares, as the viewer may see it.
    #[schema(required, no_recursion)]
    pub shared_post: Option<SharedPost>,
    /// Numbers, the same for everybody who may see it.
    pub counts: PostCounts,
    /// What it is to the viewer; null when signed out.
    #[schema(required)]
    pub viewer: Option<PostViewer>,
    /// The idempotency key that it was made with; null for others than its author.
    #[schema(required)]
    pub op_id: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last edited.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub edited_at: Option<Timestamp>,
    /// Whether its author has deleted it and may still restore it.
    pub deleted: bool,
    /// Two of its comments, with `?expand=top_comments`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = comments_schema)]
    pub top_comments: Option<Vec<serde_json::Value>>,
    /// Counts edits.
    #[serde(skip)]
    pub version: i64,
}

/// Comments are described by the domain that owns them.
fn comments_schema() -> utoipa::openapi::Array {
    utoipa::openapi::Array::new(utoipa::openapi::Ref::from_schema_name("Comment"))
}

/// Whom a post is for. Only the author sees the lists, and only of a custom audience.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Audience {
    /// The sort.
    pub kind: AudienceKind,
    /// People and circles that are allowed; absent stands for all friends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<Uuid>>,
    /// People and circles that are denied, which wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deny: Option<Vec<Uuid>>,
}

/// The post that a share shows.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
pub enum SharedPost {
    /// What the viewer may see.
    Post(Box<Post>),
    /// What is deleted, or not for the viewer.
    Unavailable {
        /// Always true.
        unavailable: bool,
    },
}

impl SharedPost {
    /// In place of a post that can't be shown.
    pub const UNAVAILABLE: Self = Self::Unavailable { unavailable: true };
}

/// Numbers of a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PostCounts {
    /// Comments and replies.
    pub comments: i32,
    /// Shares.
    pub shares: i32,
    /// People and days on which it was looked at.
    pub views: i64,
    /// Reactions by kind.
    pub reactions: reactions::Summary,
}

/// What a post is to the viewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PostViewer {
    /// One's own reaction.
    #[schema(required)]
    pub reaction: Option<reactions::Kind>,
    /// Whether one has saved it.
    pub saved: bool,
    /// Whether one may comment on it.
    pub can_comment: bool,
    /// Whether one may share it.
    pub can_share: bool,
    /// Whether one may edit it.
    pub can_edit: bool,
    /// Whether one may delete it.
    pub can_delete: bool,
}

/// What a reaction, a save or a hiding has changed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PostMarks {
    /// Numbers.
    pub counts: PostCounts,
    /// What the post is to the viewer.
    #[schema(required)]
    pub viewer: Option<PostViewer>,
}
