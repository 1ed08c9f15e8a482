//! What people's inboxes are told of their conversations: the latest state, which can be counted
//! anew at any time and is not kept.

use serde_json::json;

use crate::domains::messaging::cache::MEMBERS;
use crate::domains::messaging::model::{
    ConversationFilter, Member, MemberState, Wanted, may_be_first_news,
};
use crate::domains::messaging::store::{self, Facts};
use crate::domains::messaging::view::{self, Conversation, MembershipKey};
use crate::kernel::page::{Slice, TimeKey};
use crate::kernel::{ConversationId, Result, Timestamp, UserId, distinct};
use crate::platform::realtime::{Signal, inbox, tell, tell_counts};
use crate::platform::{Ctx, Reads, Tx};

/// The lists that hold a conversation, each in one of them.
const EVERYWHERE: [ConversationFilter; 3] = [
    ConversationFilter::Active,
    ConversationFilter::Requests,
    ConversationFilter::Archived,
];
/// Most conversations of which somebody is told that they have changed meanwhile.
const MOST_CHANGED: u16 = 32;

/// A conversation in which something has happened, and the place of what was said or deleted there.
pub type Stir = (ConversationId, Option<i64>);

fn updated(user_id: UserId, conversation: &Conversation) -> Signal {
    let d = json!({ "conversation": conversation });
    Signal::state(inbox(user_id), super::news::UPDATED, d).keyed(&conversation.id)
}

/// Tells the other devices of a person what they have changed for themselves.
pub fn tell_own(tx: &mut Tx, me: UserId, conversation: &Conversation) {
    tx.signal(updated(me, conversation));
}

/// Tells somebody who has written how much waits for them, if that is less now: by writing they have
/// read what was there before, as `before` says it was.
pub fn tell_caught_up(tx: &mut Tx, me: UserId, before: &Facts) {
    if before.may_wait() {
        tx.tell_counts(me);
    }
}

/// Tells everybody in these conversations that something was said there, or has changed. Those to whom
/// it is the first thing that is new are told how much waits for them: to the others it is no more.
pub async fn tell_everybody(ctx: &Ctx, stirs: Vec<Stir>) -> Result<()> {
    ctx.cache().step().await;
    let reads = &mut Reads::cached(ctx);
    let ids: Vec<ConversationId> = distinct(stirs.iter().map(|(id, _)| *id));
    let members = reads.get_many(&MEMBERS, &ids).await?;
    let parts: Vec<MembershipKey> = (members.iter())
        .flat_map(|(id, all)| present(*id, all))
        .collect();
    let told = view::conversations_to_each(reads, &parts, ctx.now()).await?;
    let mut counted = Vec::new();
    for (user_id, conversation) in told {
        let of_it = stirs.iter().filter(|(id, _)| *id == conversation.id);
        let places: Vec<i64> = of_it.filter_map(|(_, place)| *place).collect();
        tell(ctx, updated(user_id, &conversation));
        if waits_anew(&conversation, &places) {
            counted.push(user_id);
        }
    }
    tell_counts(ctx, &counted);
    Ok(())
}

/// Whether a conversation may be, or be no longer, one that waits for its viewer, since something was
/// said or deleted at these places.
fn waits_anew(conversation: &Conversation, places: &[i64]) -> bool {
    let (Some(unread), Some(own)) = (conversation.unread, conversation.viewer) else {
        return false;
    };
    let mark = own.read_up_to.max(own.cleared_up_to);
    !own.archived && may_be_first_news(places, mark, (unread, conversation.top_seq))
}

/// Conversations of somebody that have changed since an instant, at most these many, for whoever was not
/// there to be told of each.
pub async fn changed_since(ctx: Ctx, me: UserId, since: Timestamp) -> Result<Vec<Signal>> {
    ctx.cache().step().await;
    let reads = &mut Reads::cached(&ctx);
    let slice = Slice::first(MOST_CHANGED);
    let mut places: Vec<(TimeKey, ConversationId)> = Vec::new();
    for filter in EVERYWHERE {
        let wanted = Wanted {
            filter,
            q: None,
            updated_after: Some(since),
        };
        let conn = &mut *reads.conn().await?;
        places.extend(store::list_conversation_places(conn, me, wanted, &slice).await?);
    }
    places.sort_unstable_by(|one, other| other.0.cmp(&one.0));
    places.truncate(usize::from(MOST_CHANGED));
    let ids: Vec<ConversationId> = places.into_iter().map(|(_, id)| id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let changed = view::conversations(reads, me, &ids, ctx.now()).await?;
    let told = changed.iter().map(|conversation| updated(me, conversation));
    Ok(told.collect())
}

/// Tells somebody alone that a conversation has changed for them.
pub async fn tell_one(ctx: &Ctx, user_id: UserId, id: ConversationId) -> Result<()> {
    ctx.cache().step().await;
    let reads = &mut Reads::cached(ctx);
    let found = view::conversations(reads, user_id, &[id], ctx.now()).await?;
    for conversation in found {
        tell(ctx, updated(user_id, &conversation));
    }
    Ok(())
}

/// The parts of those in a conversation who are shown it.
fn present(id: ConversationId, all: &[Member]) -> impl Iterator<Item = MembershipKey> {
    let is_there = |state| matches!(state, MemberState::Active | MemberState::Request);
    let there = all.iter().filter(move |member| is_there(member.state));
    there.map(move |member| (id, member.user_id))
}
