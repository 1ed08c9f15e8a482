//! Events of conversations, from the rows of today: nothing that is gone comes back by a replay.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::news::{CREATED, DELETED, EDITED, JOINED, LEFT, REACTED, READ, UNREACTED, UPDATED};
use crate::domains::messaging::cache::CONVERSATION;
use crate::domains::messaging::model::ConversationEntry;
use crate::domains::messaging::view::{self, Conversation, MemberView, MembershipKey, Message};
use crate::domains::users::{self, Person, SETTINGS, SettingsRow};
use crate::kernel::ids::Id as _;
use crate::kernel::{ConversationId, Error, MessageId, Result, UserId, distinct};
use crate::platform::realtime::Told;
use crate::platform::sessions::Viewer;
use crate::platform::{Ctx, Reads};

/// Renders some events for all who listen.
pub fn render(
    ctx: Ctx,
    _viewer: Option<UserId>,
    told: Vec<Told>,
) -> BoxFuture<'static, Result<Vec<Option<Value>>>> {
    Box::pin(async move {
        let facts = Facts::load(&mut Reads::cached(&ctx), &told).await?;
        told.iter().map(|event| facts.render(event)).collect()
    })
}

/// What the events are about, as it is now.
struct Facts {
    conversations: HashMap<ConversationId, Arc<ConversationEntry>>,
    /// As everybody in them is told of them.
    shared: HashMap<ConversationId, Conversation>,
    /// Those who came, with how many there are.
    joined: HashMap<MembershipKey, (MemberView, i64)>,
    messages: HashMap<MessageId, Message>,
    people: HashMap<UserId, Person>,
    settings: HashMap<UserId, Arc<SettingsRow>>,
}

fn conversation_of(event: &Told) -> ConversationId {
    ConversationId::from_uuid(event.channel.id)
}

fn message_of(event: &Told) -> Option<MessageId> {
    let about = [CREATED, EDITED, DELETED, REACTED, UNREACTED];
    let is_about = about.contains(&event.kind.as_str());
    event
        .object_id
        .filter(|_| is_about)
        .map(MessageId::from_uuid)
}

/// Whom an event names: who came or went, else who did it.
fn person_of(event: &Told) -> Option<UserId> {
    match event.kind.as_str() {
        JOINED | LEFT => event.object_id.map(UserId::from_uuid),
        READ | REACTED | UNREACTED => event.actor,
        _ => None,
    }
}

impl Facts {
    async fn load(reads: &mut Reads<'_>, told: &[Told]) -> Result<Self> {
        let ids = distinct(told.iter().map(conversation_of));
        let updated = told.iter().filter(|event| event.kind == UPDATED);
        let updated = distinct(updated.map(conversation_of));
        let joined = told.iter().filter(|event| event.kind == JOINED);
        let part = |event: &Told| Some((conversation_of(event), person_of(event)?));
        let joined: Vec<MembershipKey> = distinct(joined.filter_map(part));
        let messages = distinct(told.iter().filter_map(message_of));
        let people = distinct(told.iter().filter_map(person_of));
        let readers = told.iter().filter(|event| event.kind == READ);
        let readers = distinct(readers.filter_map(person_of));
        let messages = view::messages(reads, Viewer::ANONYMOUS, &messages).await?;
        Ok(Self {
            conversations: reads.get_many(&CONVERSATION, &ids).await?,
            shared: view::shared_conversations(reads, &updated).await?,
            joined: view::shared_members(reads, &joined).await?,
            messages: messages.into_iter().map(|one| (one.id, one)).collect(),
            people: users::people(reads, &people).await?,
            settings: reads.get_many(&SETTINGS, &readers).await?,
        })
    }

    fn render(&self, event: &Told) -> Result<Option<Value>> {
        let Some(conversation) = self.conversations.get(&conversation_of(event)) else {
            return Ok(None);
        };
        let Some(mut d) = self.content(event, conversation)? else {
            return Ok(None);
        };
        d.insert("top_seq".to_owned(), json!(conversation.top_seq));
        Ok(Some(Value::Object(d)))
    }

    fn content(
        &self,
        event: &Told,
        conversation: &ConversationEntry,
    ) -> Result<Option<Map<String, Value>>> {
        let message = message_of(event).and_then(|id| self.messages.get(&id));
        let person = person_of(event).and_then(|id| self.people.get(&id));
        let content = match (event.kind.as_str(), message, person) {
            (CREATED | DELETED, Some(message), _) => Some(json!({ "message": message })),
            // What was deleted since is told as that.
            (EDITED, Some(message), _) if !message.deleted => Some(json!({ "message": message })),
            (REACTED | UNREACTED, Some(message), Some(person)) => Some(json!({
                "message_id": message.id, "seq": message.seq, "user": person,
                "kind": event.detail.get("kind"), "reactions": message.reactions,
            })),
            (READ, _, Some(person)) if self.tells(person.id) => Some(json!({
                "user_id": person.id, "up_to": event.detail.get("up_to"),
            })),
            (UPDATED, ..) => (self.shared.get(&conversation.conversation_id))
                .map(|shared| json!({ "conversation": shared })),
            // Whoever is gone since has not come.
            (JOINED, _, Some(person)) => (self.joined)
                .get(&(conversation.conversation_id, person.id))
                .map(|(member, count)| json!({ "member": member, "member_count": count })),
            (LEFT, _, Some(person)) => Some(json!({ "user_id": person.id })),
            _ => None,
        };
        match content {
            Some(Value::Object(content)) => Ok(Some(content)),
            Some(_) => Err(Error::internal(anyhow::anyhow!("an event has no members"))),
            None => Ok(None),
        }
    }

    /// Whether somebody lets the others know what they have read.
    fn tells(&self, user_id: UserId) -> bool {
        self.settings
            .get(&user_id)
            .is_some_and(|row| row.read_receipts)
    }
}
