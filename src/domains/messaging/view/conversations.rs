//! Turns ids of conversations into conversations for a person, in a handful of bulk reads.

use std::collections::HashMap;

use super::conversation::{Conversation, ConversationState, ConversationViewer};
use super::members::Rosters;
use super::message::Message;
use super::messages::messages;
use super::seen::{Seen, seen};
use crate::domains::messaging::cache::UNREAD;
use crate::domains::messaging::model::{MEMBERS_SHOWN, MemberState, can_write};
use crate::domains::messaging::store;
use crate::domains::relations::{self, Ties};
use crate::domains::users::USER;
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
    let seen = seen(reads, me, ids).await?;
    let keys: Vec<(ConversationId, UserId)> = seen.keys().map(|id| (*id, me)).collect();
    let unread = reads.get_many(&UNREAD, &keys).await?;
    let rosters = Rosters::load(reads, me, seen.values(), MEMBERS_SHOWN).await?;
    let mut last = last_messages(reads, me, &seen).await?;
    let ties = relations::ties_of(reads, Viewer(Some(me))).await?;
    let others: Vec<UserId> = seen
        .values()
        .filter_map(|one| one.entry.other(me))
        .collect();
    let accounts = reads.get_many(&USER, &others).await?;
    let shown = |id: &ConversationId| {
        let one = seen.get(id)?;
        let other = one.entry.other(me);
        let is_active = other.and_then(|other| accounts.get(&other));
        let is_active = is_active.is_some_and(|account| account.is_active());
        let can_send = can_send(one, other, &rosters, is_active, &ties);
        Some(Conversation {
            id: *id,
            kind: one.entry.kind,
            title: one.entry.title.clone(),
            avatar_url: other.and_then(|other| rosters.avatar_url(other)),
            members: rosters.shown(*id, one.entry.kind),
            member_count: rosters.count(*id),
            last_message: last.remove(id),
            top_seq: one.top(),
            unread: unread.get(&(*id, me)).map_or(0, |count| **count),
            viewer: viewer(one, can_send, now)?,
            updated_at: one.membership.left_at.unwrap_or(one.entry.updated_at),
            version: one.entry.version,
        })
    };
    Ok(ids.iter().filter_map(shown).collect())
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
    Ok(conversation(reads, me, id, now).await?.into())
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

/// The rule of [`can_write`], from entries.
fn can_send(
    one: &Seen,
    other: Option<UserId>,
    rosters: &Rosters,
    is_active: bool,
    ties: &Ties,
) -> bool {
    let other = other.map(|other| {
        let state = rosters.state_of(one.entry.conversation_id, other);
        let takes = rosters.takes(other, ties.is_friend(other));
        (state.unwrap_or(MemberState::Unseen), is_active, takes)
    });
    can_write(one.membership.state, other)
}

/// The newest message that `me` sees of each conversation. Whoever left one sees an older one than
/// the conversation's own.
async fn last_messages(
    reads: &mut Reads<'_>,
    me: UserId,
    seen: &HashMap<ConversationId, Seen>,
) -> Result<HashMap<ConversationId, Message>> {
    let mut ids: Vec<MessageId> = Vec::new();
    let mut places: Vec<(ConversationId, i64)> = Vec::new();
    for one in seen.values().filter(|one| one.bounds().has(one.top())) {
        if one.top() == one.entry.top_seq {
            ids.extend(one.entry.last_message_id);
        } else {
            places.push((one.entry.conversation_id, one.top()));
        }
    }
    if !places.is_empty() {
        let found = store::list_at(&mut *reads.conn().await?, &places).await?;
        ids.extend(found.into_values());
    }
    let shown = messages(reads, Viewer(Some(me)), &ids).await?.into_iter();
    Ok(shown
        .map(|message| (message.conversation_id, message))
        .collect())
}
