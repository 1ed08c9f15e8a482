//! The shape of a conversation.

use serde::Serialize;
use utoipa::ToSchema;

use super::message::Message;
use crate::domains::messaging::model::{ConversationKind, MemberRole, ShownState};
use crate::domains::users::Person;
use crate::kernel::{ConversationId, Timestamp};

/// A conversation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// How many talk with each other.
    pub kind: ConversationKind,
    /// What a group is called, or was called when the viewer left it; null of a direct one.
    #[schema(required)]
    pub title: Option<String>,
    /// Address of its picture: of a direct one, that of the other person.
    #[schema(required)]
    pub avatar_url: Option<String>,
    /// Up to ten members: the owner, admins, members, in the order in which they came. Nobody once
    /// the viewer has left.
    pub members: Vec<MemberView>,
    /// How many members there are; none once the viewer has left.
    pub member_count: i64,
    /// The newest message that the viewer sees.
    #[schema(required)]
    pub last_message: Option<Message>,
    /// The `seq` of the newest message that the viewer sees; nought before the first.
    pub top_seq: i64,
    /// Messages of others, and not deleted, above the viewer's `read_up_to`; null in what is sent to
    /// many at once.
    #[schema(required)]
    pub unread: Option<i64>,
    /// What it is to the viewer; null in what is sent to many at once.
    #[schema(required)]
    pub viewer: Option<ConversationViewer>,
    /// When something was last said, or the viewer left.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Counts changes of the title, up to the viewer's leaving.
    #[serde(skip)]
    pub version: i64,
}

/// Somebody who is in a conversation.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ConversationMember)]
pub struct MemberView {
    /// Who it is.
    pub user: Person,
    /// What they may do.
    pub role: MemberRole,
    /// Whether they are in it, or were asked to it by somebody who is no friend.
    pub state: ShownState,
    /// The `seq` up to which they have read; null where they, or the viewer, do not tell, and in what is
    /// sent to many at once.
    #[schema(required)]
    pub read_up_to: Option<i64>,
    /// The `seq` up to which messages have reached them.
    pub delivered_up_to: i64,
}

/// What a conversation is to its viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConversationViewer {
    /// How they are in it.
    pub state: ShownState,
    /// What they may do.
    pub role: MemberRole,
    /// The `seq` up to which they have read, told to others or not.
    pub read_up_to: i64,
    /// Messages up to this `seq` are gone for them alone.
    pub cleared_up_to: i64,
    /// Until when it is quiet for them.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub muted_until: Option<Timestamp>,
    /// Whether they have put it away.
    pub archived: bool,
    /// Whether they keep it on top.
    pub pinned: bool,
    /// Whether they may write.
    pub can_send: bool,
}

/// What a change of one's own part in a conversation comes to.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConversationState {
    /// The conversation.
    pub id: ConversationId,
    /// The `seq` of the newest message that the viewer sees.
    pub top_seq: i64,
    /// Messages of others, and not deleted, above the viewer's `read_up_to`.
    pub unread: i64,
    /// What it is to the viewer.
    pub viewer: ConversationViewer,
    /// Counts changes of the title, up to the viewer's leaving.
    #[serde(skip)]
    pub version: i64,
}

impl ConversationState {
    /// Of a conversation as its viewer sees it.
    pub fn of(conversation: &Conversation) -> Option<Self> {
        Some(Self {
            id: conversation.id,
            top_seq: conversation.top_seq,
            unread: conversation.unread?,
            viewer: conversation.viewer?,
            version: conversation.version,
        })
    }
}
