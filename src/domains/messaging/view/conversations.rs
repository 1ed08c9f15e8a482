//! Turns ids of conversations into conversations for people, in a handful of bulk reads.

use std::collections::HashMap;
use std::sync::Arc;

use super::conversation::{Conversation, ConversationState, ConversationViewer};
use super::members::Rosters;
use super::message::Message;
use super::messages::{messages, messages_then, messages_to_each};
use super::seen::{MembershipKey, Seen, seen};
use crate::domains::messaging::cache::{CONVERSATION, UNREAD};
use crate::domains::messaging::model::{MEMBERS_SHOWN, MemberState, Wanted, can_write};
use crate::domains::messaging::store;
use crate::domains::users::{AccountRow, USER};
use crate::kernel::page::{Page, Slice, TimeKey};
use crate::kernel::{ConversationId, Error, MessageId, Result, Timestamp, UserId};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// Conversations by id, in the order given, as they are to `me`; those that are not there for them
/// are left out.
pub async fn conversations(
    reads: &mut Reads<'_>,
    me: UserId,
    ids: &[ConversationId],
    now: Timestamp,
) -> Result<Vec<Conversation>> {
    let parts: Vec<MembershipKey> = ids.iter().map(|id| (*id, me)).collect();
    let seen = seen(reads, &parts).await?;
    let keys: Vec<MembershipKey> = seen.keys().copied().collect();
    let unread = reads.get_many(&UNREAD, &keys).await?.into_iter();
    let last = newest(reads, &seen).await?;
    let wanted: Vec<MessageId> = last.values().copied().collect();
    let found = messages(reads, Viewer::from(me), &wanted).await?;
    let then = found.into_iter().map(|message| {
        let part = seen.get(&(message.conversation_id, me));
        (message, part.and_then(|part| part.membership.left_at))
    });
    let last = messages_then(reads, then.collect()).await?.into_iter();
    let scene = Scene {
        unread: unread.map(|(part, count)| (part, *count)).collect(),
        last: last
            .map(|message| ((message.conversation_id, me), message))
            .collect(),
        ..Scene::load(reads, seen).await?
    };
    let shown = parts.iter().filter_map(|part| scene.show(*part, now));
    Ok(shown.collect())
}

/// A page of somebody's conversations, the one in which something was said last first.
pub async fn conversations_page(
    reads: &mut Reads<'_>,
    me: UserId,
    wanted: Wanted<'_>,
    slice: &Slice<TimeKey>,
    now: Timestamp,
) -> Result<Page<TimeKey, Conversation>> {
    let rows = {
        let conn = &mut *reads.conn().await?;
        store::list_conversation_places(conn, me, wanted, slice).await?
    };
    let places = slice.page(rows);
    let shown = conversations(reads, me, &places.items, now).await?;
    Ok(places.with_items(shown))
}

/// Conversations as they are to each of these people, who are in them or asked to them. What they share
/// is read once.
pub async fn conversations_to_each(
    reads: &mut Reads<'_>,
    parts: &[MembershipKey],
    now: Timestamp,
) -> Result<Vec<(UserId, Conversation)>> {
    let mut seen = seen(reads, parts).await?;
    seen.retain(|_, one| !one.has_left());
    let keys: Vec<MembershipKey> = seen.keys().copied().collect();
    // Each message ends these for everybody: kept, they are seldom read before the next one.
    let unread = store::list_unread(&mut *reads.conn().await?, &keys).await?;
    let last = newest(reads, &seen).await?;
    let scene = Scene {
        unread: unread.into_iter().collect(),
        last: messages_to_each(reads, &last).await?,
        ..Scene::load(reads, seen).await?
    };
    let shown = parts.iter().filter_map(|part| {
        let conversation = scene.show(*part, now)?;
        Some((part.1, conversation))
    });
    Ok(shown.collect())
}

/// Conversations as all are told of them who listen: what they are to each is null, and so is how far
/// members have read, which not everybody is told.
pub async fn shared_conversations(
    reads: &mut Reads<'_>,
    ids: &[ConversationId],
) -> Result<HashMap<ConversationId, Conversation>> {
    let entries = reads.get_many(&CONVERSATION, ids).await?;
    let rosters = Rosters::load(reads, ids.iter().copied().collect(), &[], MEMBERS_SHOWN).await?;
    let last = entries.values().filter_map(|entry| entry.last_message_id);
    let last: Vec<MessageId> = last.collect();
    let last = messages(reads, Viewer::ANONYMOUS, &last).await?.into_iter();
    let mut last: HashMap<ConversationId, Message> = last
        .map(|message| (message.conversation_id, message))
        .collect();
    let shown = entries.into_iter().map(|(id, entry)| {
        let conversation = Conversation {
            id,
            kind: entry.kind,
            title: entry.title.clone(),
            avatar_url: None,
            members: rosters.shown(None, id, entry.kind),
            member_count: rosters.count(id),
            last_message: last.remove(&id),
            top_seq: entry.top_seq,
            unread: None,
            viewer: None,
            updated_at: entry.updated_at,
            version: entry.version,
        };
        (id, conversation)
    });
    Ok(shown.collect())
}

/// One conversation, if it is there for `me`.
pub async fn conversation(
    reads: &mut Reads<'_>,
    me: UserId,
    id: ConversationId,
    now: Timestamp,
) -> Result<Conversation> {
    let found = conversations(reads, me, &[id], now).await?.pop();
    found.ok_or_else(Error::not_found)
}

/// What a conversation is to `me`, for the answer to a change of that.
pub async fn state(
    reads: &mut Reads<'_>,
    me: UserId,
    id: ConversationId,
    now: Timestamp,
) -> Result<ConversationState> {
    let conversation = conversation(reads, me, id, now).await?;
    ConversationState::of(&conversation).ok_or_else(Error::not_found)
}

/// What is shown of conversations to those who see them.
struct Scene {
    seen: HashMap<MembershipKey, Seen>,
    unread: HashMap<MembershipKey, i64>,
    last: HashMap<MembershipKey, Message>,
    rosters: Rosters,
    others: HashMap<UserId, Arc<AccountRow>>,
}

impl Scene {
    /// All but what is new to each, and their newest message. Whoever has left is not told who is there
    /// now.
    async fn load(reads: &mut Reads<'_>, seen: HashMap<MembershipKey, Seen>) -> Result<Self> {
        let present = seen.iter().filter(|(_, one)| !one.has_left());
        let present = present.map(|((id, _), _)| *id).collect();
        let viewers: Vec<UserId> = seen.keys().map(|(_, me)| *me).collect();
        let rosters = Rosters::load(reads, present, &viewers, MEMBERS_SHOWN).await?;
        let others = seen
            .iter()
            .filter_map(|((_, me), one)| one.entry.other(*me));
        let others: Vec<UserId> = others.collect();
        Ok(Self {
            unread: HashMap::new(),
            last: HashMap::new(),
            rosters,
            others: reads.get_many(&USER, &others).await?,
            seen,
        })
    }

    fn show(&self, (id, me): MembershipKey, now: Timestamp) -> Option<Conversation> {
        let one = self.seen.get(&(id, me))?;
        let (entry, rosters) = (&one.entry, &self.rosters);
        let other = entry.other(me);
        Some(Conversation {
            id,
            kind: entry.kind,
            title: one.title().map(str::to_owned),
            avatar_url: other.and_then(|other| rosters.avatar_url(other)),
            members: rosters.shown(Some(me), id, entry.kind),
            member_count: rosters.count(id),
            last_message: self.last.get(&(id, me)).cloned(),
            top_seq: one.top(),
            unread: Some(self.unread.get(&(id, me)).copied().unwrap_or_default()),
            viewer: Some(viewer(one, self.can_send(one, other), now)?),
            updated_at: one.membership.left_at.unwrap_or(entry.updated_at),
            version: one.version(),
        })
    }

    /// The rule of [`can_write`], from entries.
    fn can_send(&self, one: &Seen, other: Option<UserId>) -> bool {
        let other = other.map(|other| {
            let state = self.rosters.state_of(one.entry.conversation_id, other);
            let is_active = (self.others.get(&other)).is_some_and(|account| account.is_active());
            let takes = self.rosters.takes(other, one.ties.is_friend(other));
            (state.unwrap_or(MemberState::Unseen), is_active, takes)
        });
        can_write(one.membership.state, other)
    }
}

fn viewer(one: &Seen, can_send: bool, now: Timestamp) -> Option<ConversationViewer> {
    let own = &one.membership;
    Some(ConversationViewer {
        state: own.state.shown()?,
        role: own.role,
        read_up_to: own.read_up_to,
        cleared_up_to: own.cleared_up_to,
        muted_until: own.muted_until.filter(|until| *until > now),
        archived: own.archived,
        pinned: own.pinned,
        can_send,
    })
}

/// The newest message that each sees of each conversation. Whoever left one sees an older one than
/// the conversation's own; of them there is no more than one in each.
async fn newest(
    reads: &mut Reads<'_>,
    seen: &HashMap<MembershipKey, Seen>,
) -> Result<HashMap<MembershipKey, MessageId>> {
    let mut found: HashMap<MembershipKey, MessageId> = HashMap::new();
    let mut older: HashMap<ConversationId, (MembershipKey, i64)> = HashMap::new();
    let shown = seen.iter().filter(|(_, one)| one.bounds().has(one.top()));
    for (part, one) in shown {
        if one.top() == one.entry.top_seq {
            found.extend(one.entry.last_message_id.map(|id| (*part, id)));
        } else {
            older.insert(part.0, (*part, one.top()));
        }
    }
    if !older.is_empty() {
        let places: Vec<(ConversationId, i64)> =
            older.iter().map(|(id, (_, top))| (*id, *top)).collect();
        let rows = store::list_at(&mut *reads.conn().await?, &places).await?;
        found.extend(rows.into_iter().filter_map(|(id, message_id)| {
            let (part, _) = older.get(&id)?;
            Some((*part, message_id))
        }));
    }
    Ok(found)
}
