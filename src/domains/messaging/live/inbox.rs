//! What people's inboxes are told of their conversations: the latest state, which can be counted
//! anew at any time and is not kept.

use serde_json::{Value, json};

use crate::domains::messaging::cache::{CONVERSATION, MEMBERS, MEMBERSHIP, UNREAD};
use crate::domains::messaging::events::{ConversationChanged, MessageCreated};
use crate::domains::messaging::model::MemberState;
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

/// Tells everybody in a conversation that something was said.
pub async fn tell_everybody(ctx: Ctx, said: MessageCreated) -> Result<()> {
    tell_all(&ctx, said.conversation_id).await
}

/// Tells everybody, or the one whom it concerns, that something else has changed.
pub async fn tell_changed(ctx: Ctx, changed: ConversationChanged) -> Result<()> {
    let id = changed.conversation_id;
    let Some(user_id) = changed.user_id else {
        return tell_all(&ctx, id).await;
    };
    ctx.cache().step().await;
    let reads = &mut Reads::cached(&ctx);
    let found = view::conversations(reads, user_id, &[id], ctx.now()).await?;
    for conversation in found {
        tell(&ctx, updated(id, user_id, &json!(conversation)));
    }
    Ok(())
}

/// What is the same for all is made once; how much each has not read is asked in one go.
async fn tell_all(ctx: &Ctx, id: ConversationId) -> Result<()> {
    ctx.cache().step().await;
    let reads = &mut Reads::cached(ctx);
    let Some(conversation) = reads.get(&CONVERSATION, &id).await? else {
        return Ok(());
    };
    let members = reads.get(&MEMBERS, &id).await?;
    let is_there = |state| matches!(state, MemberState::Active | MemberState::Request);
    let present = members.iter().flat_map(|all| all.iter());
    let present = present.filter(|member| is_there(member.state));
    let keys: Vec<_> = present.map(|member| (id, member.user_id)).collect();
    let memberships = reads.get_many(&MEMBERSHIP, &keys).await?;
    let unread = reads.get_many(&UNREAD, &keys).await?;
    let last: Vec<_> = conversation.last_message_id.into_iter().collect();
    let last = view::messages(reads, Viewer::ANONYMOUS, &last).await?.pop();
    for key in &keys {
        let Some(own) = memberships.get(key) else {
            continue;
        };
        let is_cleared = own.cleared_up_to >= conversation.top_seq;
        let shown = json!({
            "id": id, "kind": conversation.kind, "title": conversation.title,
            "top_seq": conversation.top_seq, "updated_at": conversation.updated_at,
            "unread": unread.get(key).map_or(0, |count| **count),
            "last_message": last.as_ref().filter(|_| !is_cleared), "viewer": null,
        });
        tell(ctx, updated(id, key.1, &shown));
    }
    Ok(())
}
