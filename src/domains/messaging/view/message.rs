//! The shape of a message.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domains::messaging::model::{Action, MessageKind};
use crate::domains::posts::Entity;
use crate::domains::reactions::{Kind, Summary};
use crate::domains::users::Person;
use crate::kernel::{ConversationId, MessageId, Timestamp};

/// A message in a conversation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Its place in the conversation, counted without gaps.
    pub seq: i64,
    /// Whether somebody wrote it, or it tells what happened in the conversation.
    pub kind: MessageKind,
    /// Who wrote it, or did what it tells.
    pub author: Person,
    /// What it says; empty once it is deleted, or edited after the viewer left. Of a system message, the
    /// title that it tells of.
    pub content: String,
    /// Mentions, hashtags and links in the text; offsets count code points.
    pub entities: Vec<Entity>,
    /// Pictures and films.
    #[schema(value_type = Vec<HashMap<String, Value>>)]
    pub media: Vec<serde_json::Value>,
    /// What a system message tells; null of one that somebody wrote.
    #[schema(required)]
    pub system: Option<SystemFact>,
    /// The message that it answers.
    #[schema(required)]
    pub reply_to: Option<ReplyTo>,
    /// Reactions by kind; those after the viewer left are left out.
    pub reactions: Summary,
    /// What it is to the viewer; null in what is sent to many at once.
    #[schema(required)]
    pub viewer: Option<MessageViewer>,
    /// The idempotency key of the request that made it, shown to its author alone.
    #[schema(required)]
    pub op_id: Option<String>,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last edited.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub edited_at: Option<Timestamp>,
    /// Whether it is deleted and only marks its place. To whoever left before an edit it is as if it were:
    /// what it says since is not for them, and what it said before is not kept.
    pub deleted: bool,
    /// Counts edits.
    #[serde(skip)]
    pub version: i64,
}

impl Message {
    /// The same to somebody who left at an instant, by which there were these reactions: what was edited since is
    /// without words.
    pub fn as_of(self, left_at: Timestamp, reactions: Summary) -> Self {
        let is_late = |edited_at: Option<Timestamp>| edited_at.is_some_and(|at| at > left_at);
        let reply_to = self.reply_to.map(|answered| ReplyTo {
            excerpt: answered.excerpt.filter(|_| !is_late(answered.edited_at)),
            ..answered
        });
        if !is_late(self.edited_at) {
            return Self {
                reply_to,
                reactions,
                ..self
            };
        }
        Self {
            content: String::new(),
            entities: Vec::new(),
            reply_to,
            reactions: Summary::default(),
            viewer: self.viewer.map(|_| MessageViewer { reaction: None }),
            op_id: None,
            edited_at: None,
            deleted: true,
            ..self
        }
    }
}

/// What a system message tells: the author did this.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SystemFact {
    /// What happened.
    pub action: Action,
    /// To whom it happened, if to somebody.
    #[schema(required)]
    pub user: Option<Person>,
}

/// The message that an answer answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReplyTo {
    /// Its id.
    pub id: MessageId,
    /// Its place.
    pub seq: i64,
    /// Who wrote it.
    pub author: Person,
    /// How it begins; null once it is deleted, or edited after the viewer left.
    #[schema(required)]
    pub excerpt: Option<String>,
    /// When it was last edited.
    #[serde(skip)]
    pub edited_at: Option<Timestamp>,
}

/// What a message is to its viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct MessageViewer {
    /// Their reaction.
    #[schema(required)]
    pub reaction: Option<Kind>,
}

/// What a reaction to a message changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageState {
    /// Reactions by kind.
    pub reactions: Summary,
    /// What it is to the viewer.
    #[schema(required)]
    pub viewer: Option<MessageViewer>,
}

impl From<Message> for MessageState {
    fn from(message: Message) -> Self {
        Self {
            reactions: message.reactions,
            viewer: message.viewer,
        }
    }
}
