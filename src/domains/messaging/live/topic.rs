//! Who may listen to a conversation, and what they are given to begin with.

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use uuid::Uuid;

use super::news::{CREATED, RECEIPT_KINDS};
use crate::domains::messaging::model::{MemberState, SeqKey};
use crate::domains::messaging::store::{self, Facts};
use crate::domains::messaging::view::{self, Wish};
use crate::kernel::ids::Id as _;
use crate::kernel::page::Slice;
use crate::kernel::{ConversationId, Error, Result, UserId};
use crate::platform::realtime::{Attendance, HistoryPage, IsHidden, Topic};
use crate::platform::sessions::Viewer;
use crate::platform::{Ctx, Reads};

/// The word before the colon.
pub const NAME: &str = "conv";

/// Conversations. In a group a block hides nothing, and a direct one is not there with a block.
pub const CONVERSATIONS: Topic = Topic {
    member_tag: Some(|id| format!("members:{id}")),
    snapshot: Some(|ctx, me, id, limit| Box::pin(snapshot(ctx, me, id, limit))),
    history: Some(|ctx, me, id, page| Box::pin(history(ctx, me, id, page))),
    hidden: Some(|ctx, me, id| Box::pin(cleared(ctx, me, id))),
    optional: RECEIPT_KINDS,
    typing: true,
    typing_ends_at: &[CREATED],
    attendance: Attendance::Named,
    ..Topic::new(NAME, may_join)
};

/// Those who are in it. Who was only asked is told nothing that others could notice.
fn may_join(ctx: Ctx, me: UserId, id: Uuid) -> BoxFuture<'static, Result<()>> {
    Box::pin(async move { facts_of_a_member(&ctx, me, id).await.map(|_facts| ()) })
}

async fn facts_of_a_member(ctx: &Ctx, me: UserId, id: Uuid) -> Result<Facts> {
    let id = ConversationId::from_uuid(id);
    let facts = store::find_facts(&mut *ctx.conn().await?, me, id).await?;
    let facts = facts.filter(|facts| facts.state == MemberState::Active);
    facts.ok_or_else(Error::not_found)
}

/// Messages that somebody has cleared do not come back, and none do to whoever is gone.
async fn cleared(ctx: Ctx, me: UserId, id: Uuid) -> Result<IsHidden> {
    let cleared_up_to = facts_of_a_member(&ctx, me, id).await?.cleared_up_to;
    let seq = |d: &Value| d.get("message")?.get("seq")?.as_i64();
    Ok(Box::new(move |d| {
        seq(d).is_some_and(|seq| seq <= cleared_up_to)
    }))
}

/// The newest messages, newest first.
async fn snapshot(ctx: Ctx, me: UserId, id: Uuid, limit: u16) -> Result<Value> {
    let newest = HistoryPage {
        before: None,
        limit,
    };
    history(ctx, me, id, newest).await
}

/// Messages before a `seq`, newest first.
async fn history(ctx: Ctx, me: UserId, id: Uuid, wanted: HistoryPage) -> Result<Value> {
    ctx.cache().step().await;
    let reads = &mut Reads::cached(&ctx);
    let seen = view::guard(reads, me, ConversationId::from_uuid(id)).await?;
    let wish = Wish {
        after_seq: None,
        before_seq: wanted.before,
    };
    let slice = Slice::<SeqKey>::first(wanted.limit);
    let page = view::page(reads, Viewer::from(me), &seen, wish, &slice).await?;
    Ok(json!({ "messages": page.items, "top_seq": seen.top() }))
}
