//! Bodies of requests.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use utoipa::ToSchema;

use super::{MAX_MEMBERS, MemberRole};
use crate::kernel::text::Refusal;
use crate::kernel::{MessageId, Timestamp, UserId};
use crate::platform::http::{Patch, not_null};
use crate::text_type;

text_type!(
    /// What a message says.
    MessageContent, 1..=5000, multiline
);
text_type!(
    /// What a group is called.
    ConversationTitle, 1..=100, single
);

/// A body that opens a conversation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConversation {
    /// Whom to talk with: one person for the conversation of the two of you, more for a new group.
    #[serde(deserialize_with = "some_people")]
    #[schema(min_items = 1, max_items = 250)]
    pub member_ids: Vec<UserId>,
    /// What a group is called.
    pub title: Option<ConversationTitle>,
}

/// Refuses more people than a group has before anything is read about them.
fn some_people<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<UserId>, D::Error> {
    let ids = Vec::<UserId>::deserialize(deserializer)?;
    if ids.len() > MAX_MEMBERS {
        return Err(D::Error::custom(too_many_members()));
    }
    Ok(ids)
}

/// Why so many people make no group.
pub fn too_many_members() -> Refusal {
    let detail = format!("At most {MAX_MEMBERS} people are in a group, yourself among them.");
    Refusal::new("too_many", detail)
}

/// A body that names a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TitleChange {
    /// What it is called from now on; null takes its name away.
    #[serde(default)]
    #[schema(value_type = Option<ConversationTitle>)]
    pub title: Patch<ConversationTitle>,
}

/// A body that gives somebody a role.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleGiven {
    /// The role; who makes somebody else the owner is an admin from then on.
    #[schema(value_type = MemberRole, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    pub role: Option<MemberRole>,
}

/// A body that changes what a conversation is to oneself. Absent members stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MyChange {
    /// Until when it is quiet; null ends that.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub muted_until: Patch<Timestamp>,
    /// Whether it is put away.
    #[schema(value_type = bool, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    pub archived: Option<bool>,
    /// Whether it is kept on top.
    #[schema(value_type = bool, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    pub pinned: Option<bool>,
    /// Messages up to this `seq` are gone for oneself alone, for good.
    #[schema(value_type = i64, required = false, minimum = 0)]
    #[serde(default, deserialize_with = "not_null")]
    pub cleared_up_to: Option<i64>,
}

/// A body that writes a message.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// What it says.
    pub content: MessageContent,
    /// The message that it answers, of the same conversation.
    pub reply_to: Option<MessageId>,
}

/// A body that changes a message. Absent members stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageChange {
    /// What it says from now on.
    #[schema(value_type = MessageContent, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    pub content: Option<MessageContent>,
}

/// A body that says how far one has read.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// The `seq` of the last message that was read.
    #[schema(minimum = 0)]
    pub up_to: i64,
    /// Whether the others are not to be told.
    #[serde(default)]
    pub private: bool,
}

/// A body that says how far messages have arrived on a device.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Delivered {
    /// The `seq` of the last message that has arrived.
    #[schema(minimum = 0)]
    pub up_to: i64,
}
