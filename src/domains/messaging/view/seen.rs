//! Which conversations are there for a person.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domains::messaging::cache::{CONVERSATION, MEMBERS, MEMBERSHIP};
use crate::domains::messaging::model::{
    Bounds, ConversationEntry, Member, MemberState, Membership, can_see_conversation,
};
use crate::domains::relations;
use crate::kernel::{ConversationId, Error, Result, UserId};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// A conversation that is there for somebody, with their part in it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The conversation.
    pub entry: Arc<ConversationEntry>,
    /// What it is to them.
    pub membership: Arc<Membership>,
}

impl Seen {
    /// The newest message that they see.
    pub fn top(&self) -> i64 {
        self.membership.top(self.entry.top_seq)
    }

    /// Which messages they may look at.
    pub fn bounds(&self) -> Bounds {
        Bounds {
            floor: self.membership.cleared_up_to,
            top: self.top(),
        }
    }
}

/// Those of these conversations that are there for `me`. It is the rule of `visible_conversation`
/// in SQL.
pub async fn seen(
    reads: &mut Reads<'_>,
    me: UserId,
    ids: &[ConversationId],
) -> Result<HashMap<ConversationId, Seen>> {
    let entries = reads.get_many(&CONVERSATION, ids).await?;
    let keys: Vec<(ConversationId, UserId)> = entries.keys().map(|id| (*id, me)).collect();
    let mut memberships = reads.get_many(&MEMBERSHIP, &keys).await?;
    let ties = relations::ties_of(reads, Viewer(Some(me))).await?;
    let judged = entries.into_iter().filter_map(|(id, entry)| {
        let membership = memberships.remove(&(id, me))?;
        let is_hidden = entry.other(me).is_some_and(|other| ties.is_hidden(other));
        let is_there = can_see_conversation(entry.kind, membership.state, is_hidden);
        is_there.then_some((id, Seen { entry, membership }))
    });
    Ok(judged.collect())
}

/// The conversation, if it is there for `me`; otherwise 404.
pub async fn guard(reads: &mut Reads<'_>, me: UserId, id: ConversationId) -> Result<Seen> {
    let found = seen(reads, me, &[id]).await?.remove(&id);
    found.ok_or_else(Error::not_found)
}

/// Whether what `me` writes here goes to somebody who does not know them: the other one of a direct
/// conversation, who is no friend and has not taken part. Each message asks this, so it begins with what
/// no message changes.
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
    let seen = guard(reads, me, id).await?;
    let Some(other) = seen.entry.other(me) else {
        return Ok(false);
    };
    let ties = relations::ties_of(reads, Viewer(Some(me))).await?;
    let is_unmoved =
        |member: &Member| member.user_id == other && member.state != MemberState::Active;
    Ok(!ties.is_friend(other) && members.iter().any(is_unmoved))
}
