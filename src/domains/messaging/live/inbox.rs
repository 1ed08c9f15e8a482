//! What people's inboxes are told of their conversations: the latest state, which can be counted
//! anew at any time and is not kept.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::domains::messaging::cache::{CONVERSATION, MEMBERS, MEMBERSHIP};
use crate::domains::messaging::events::ConversationChanged;
use crate::domains::messaging::model::{Member, MemberState};
use crate::domains::messaging::store;
use crate::domains::messaging::view::{self, ConversationState};
use crate::kernel::{ConversationId, Result, UserId};
use crate::platform::realtime::{Class, Signal, inbox, tell};
use crate::platform::sessions::Viewer;
use crate::platform::{Ctx, Reads, Tx};

fn updated(id: ConversationId, user_id: UserId, conversation: &Value) -> Signal {
    Signal {
        channel: inbox(user_id),
        kind: super::news::UPDATED,
        class: Class::State,
        key: Some(id.to_string()),
        actor: None,
        d: json!({ "conversation": conversation }),
    }
}

/// Tells the other devices of a person what they have changed for themselves.
pub fn tell_own(tx: &mut Tx, me: UserId, state: &ConversationState) {
    tx.signal(updated(state.id, me, &json!(state)));
}

/// Tells everybody in these conversations that something was said there.
pub async fn tell_everybody(ctx: &Ctx, ids: Vec<ConversationId>) -> Result<()> {
    ctx.cache().step().await;
    let reads = &mut Reads::cached(ctx);
    let conversations = reads.get_many(&CONVERSATION, &ids).await?;
    let members = reads.get_many(&MEMBERS, &ids).await?;
    let keys: Vec<_> = (members.iter())
        .flat_map(|(id, all)| present(*id, all))
        .collect();
    let memberships = reads.get_many(&MEMBERSHIP, &keys).await?;
    // Each message ends these for everybody: kept, they are seldom read before the next one.
    let unread = store::list_unread(&mut *reads.conn().await?, &keys).await?;
    let unread: HashMap<_, i64> = unread.into_iter().collect();
    let last: Vec<_> = (conversations.values())
        .filter_map(|one| one.last_message_id)
        .collect();
    let last = view::messages(reads, Viewer::ANONYMOUS, &last).await?;
    for key in &keys {
        let (Some(of), Some(own)) = (conversations.get(&key.0), memberships.get(key)) else {
            continue;
        };
        let is_cleared = own.cleared_up_to >= of.top_seq;
        let last = last.iter().find(|one| Some(one.id) == of.last_message_id);
        let shown = json!({
            "id": key.0, "kind": of.kind, "title": of.title,
            "top_seq": of.top_seq, "updated_at": of.updated_at,
            "unread": unread.get(key).unwrap_or(&0),
            "last_message": last.filter(|_| !is_cleared), "viewer": null,
        });
        tell(ctx, updated(key.0, key.1, &shown));
    }
    Ok(())
}

/// Tells everybody, or the one whom it concerns, that something else has changed.
pub async fn tell_changed(ctx: Ctx, changed: ConversationChanged) -> Result<()> {
    let id = changed.conversation_id;
    let Some(user_id) = changed.user_id else {
        return tell_everybody(&ctx, vec![id]).await;
    };
    ctx.cache().step().await;
    let reads = &mut Reads::cached(&ctx);
    let found = view::conversations(reads, user_id, &[id], ctx.now()).await?;
    for conversation in found {
        tell(&ctx, updated(id, user_id, &json!(conversation)));
    }
    Ok(())
}

/// The memberships of those in a conversation who are shown it.
fn present(id: ConversationId, all: &[Member]) -> impl Iterator<Item = (ConversationId, UserId)> {
    let is_there = |state| matches!(state, MemberState::Active | MemberState::Request);
    let there = all.iter().filter(move |member| is_there(member.state));
    there.map(move |member| (id, member.user_id))
}
