//! How much waits for somebody: as it greets them, and as it changes.

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use uuid::Uuid;

use super::calm::calmly;
use super::hub::Hub;
use super::{Channel, INBOX, Signal, inbox, tell_many};
use crate::kernel::ids::Id as _;
use crate::kernel::{Result, UserId};
use crate::platform::{Ctx, Tx};

/// What an inbox is told when something else waits for its person than before.
pub const COUNTS_CHANGED: &str = "counts.changed";

/// What instances tell each other to have somebody counted. It is no event, and says nothing to an instance
/// of a version that counted otherwise.
pub(super) const ASK: &str = "counts.ask";

/// Has people told soon how much waits for them. It is counted where they are connected, and for nobody
/// who is not; then and not now, so that what changes many times in a second is counted once.
pub fn tell_counts(ctx: &Ctx, people: &[UserId]) {
    let ids = people.iter().map(|user_id| user_id.uuid()).collect();
    tell_many(ctx, INBOX, ids, ASK, Value::Null);
}

/// Counts for somebody who is connected here.
pub(super) fn tell_here(ctx: &Ctx, hub: &Hub, channel: Channel) {
    let count = |ctx, id| -> BoxFuture<'static, _> { Box::pin(count(ctx, id)) };
    calmly(ctx, hub, channel, count, |ctx, hub, signal| {
        hub.receive_signal(ctx, &signal);
    });
}

async fn count(ctx: Ctx, id: Uuid) -> Result<Option<Signal>> {
    let Some(hub) = Hub::of(&ctx) else {
        return Ok(None);
    };
    counted(&ctx, &hub, UserId::from_uuid(id)).await.map(Some)
}

/// How much waits for somebody, as it is now.
pub(super) async fn counted(ctx: &Ctx, hub: &Hub, user_id: UserId) -> Result<Signal> {
    ctx.cache().step().await;
    let counts = (hub.0.options.hooks.counts)(ctx.clone(), user_id).await?;
    Ok(changed(user_id, &counts))
}

/// What an inbox is told where this is how much waits.
pub(super) fn changed(user_id: UserId, counts: &Value) -> Signal {
    Signal::state(inbox(user_id), COUNTS_CHANGED, json!({"counts": counts}))
}

impl Tx {
    /// Has somebody told after the commit how much waits for them.
    pub fn tell_counts(&mut self, user_id: UserId) {
        self.after_commit(move |ctx| tell_counts(ctx, &[user_id]));
    }
}
