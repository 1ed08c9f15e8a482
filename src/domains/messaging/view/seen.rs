//! Which conversations are there for a person.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domains::messaging::cache::{CONVERSATION, MEMBERS, MEMBERSHIP};
use crate::domains::messaging::model::{
    Bounds, ConversationEntry, Member, MemberState, Membership, can_see_conversation,
    takes_messages,
};
use crate::domains::relations::{self, Ties};
use crate::domains::users::{SETTINGS, USER};
use crate::kernel::{ConversationId, Error, Result, UserId, distinct};
use crate::platform::Reads;

/// A conversation, and somebody who has a part in it.
pub type MembershipKey = (ConversationId, UserId);

/// A conversation that is there for somebody, with their part in it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The conversation.
    pub entry: Arc<ConversationEntry>,
    /// What it is to them.
    pub membership: Arc<Membership>,
    /// What lies between them and others, where one other person matters.
    pub ties: Arc<Ties>,
}

impl Seen {
    /// The newest message that they see.
    pub fn top(&self) -> i64 {
        self.membership.top(self.entry.top_seq)
    }

    /// What it is called; what it was called when they left it.
    pub fn title(&self) -> Option<&str> {
        let (now, then) = (&self.entry.title, &self.membership.left_title);
        if self.has_left() { then } else { now }.as_deref()
    }

    /// Counts changes of the title, up to their leaving.
    pub fn version(&self) -> i64 {
        if self.has_left() {
            self.membership.left_version.unwrap_or(1)
        } else {
            self.entry.version
        }
    }

    /// Whether they are no longer in it.
    pub fn has_left(&self) -> bool {
        self.membership.state == MemberState::Left
    }

    /// Which messages they may look at.
    pub fn bounds(&self) -> Bounds {
        Bounds {
            floor: self.membership.cleared_up_to,
            top: self.top(),
        }
    }
}

/// Those of these conversations that are there for these people. It is the rule of
/// `visible_conversation` in SQL.
pub async fn seen(
    reads: &mut Reads<'_>,
    parts: &[MembershipKey],
) -> Result<HashMap<MembershipKey, Seen>> {
    let ids: Vec<ConversationId> = distinct(parts.iter().map(|(id, _)| *id));
    let entries = reads.get_many(&CONVERSATION, &ids).await?;
    let memberships = reads.get_many(&MEMBERSHIP, parts).await?;
    let other = |(id, me): &MembershipKey| entries.get(id)?.other(*me);
    let of_two = parts.iter().filter(|part| other(part).is_some());
    let people: Vec<UserId> = distinct(of_two.map(|(_, me)| *me));
    let ties = relations::ties_of_many(reads, &people).await?;
    let judged = memberships.into_iter().filter_map(|(part, membership)| {
        let entry = entries.get(&part.0)?;
        let (ties, is_hidden) = match other(&part) {
            Some(other) => {
                let ties = ties.get(&part.1)?;
                (Arc::clone(ties), ties.is_hidden(other))
            }
            None => (Arc::default(), false),
        };
        let is_there = can_see_conversation(entry.kind, membership.state, is_hidden);
        let seen = Seen {
            entry: Arc::clone(entry),
            membership,
            ties,
        };
        is_there.then_some((part, seen))
    });
    Ok(judged.collect())
}

/// The conversation, if it is there for `me`; otherwise 404.
pub async fn guard(reads: &mut Reads<'_>, me: UserId, id: ConversationId) -> Result<Seen> {
    let part = (id, me);
    let found = seen(reads, &[part]).await?.remove(&part);
    found.ok_or_else(Error::not_found)
}

/// Whether what `me` writes here goes to somebody who does not know them: the other one of a direct
/// conversation, who is no friend, has not taken part, and is there to be asked. Each message asks this, so
/// it begins with what no message changes.
pub async fn goes_to_stranger(
    reads: &mut Reads<'_>,
    me: UserId,
    id: ConversationId,
) -> Result<bool> {
    let members = reads.get(&MEMBERS, &id).await?;
    let members = members.as_deref().map_or(&[][..], Vec::as_slice);
    let is_in = members.iter().any(|member| member.user_id == me);
    let is_known = |member: &Member| member.user_id == me || member.state == MemberState::Active;
    // A direct conversation has two.
    if is_in && (members.len() > 2 || members.iter().all(is_known)) {
        return Ok(false);
    }
    let part = (id, me);
    let Some(seen) = seen(reads, &[part]).await?.remove(&part) else {
        // Refused where it is written, unless it is a repeated message, which is answered as it was.
        return Ok(false);
    };
    let Some(other) = seen.entry.other(me) else {
        return Ok(false);
    };
    let is_unmoved =
        |member: &Member| member.user_id == other && member.state != MemberState::Active;
    if seen.ties.is_friend(other) || !members.iter().any(is_unmoved) {
        return Ok(false);
    }
    takes_from_strangers(reads, other).await
}

async fn takes_from_strangers(reads: &mut Reads<'_>, user_id: UserId) -> Result<bool> {
    let account = reads.get(&USER, &user_id).await?;
    let settings = reads.get(&SETTINGS, &user_id).await?;
    let takes = settings.is_some_and(|row| takes_messages(row.who_can_message, false));
    Ok(takes && account.is_some_and(|row| row.is_active()))
}
