//! How much waits for somebody: as it greets them, and as it changes.

use serde_json::json;
use uuid::Uuid;

use super::calm::tell_calmly;
use super::hub::Hub;
use super::{Class, Signal, inbox};
use crate::kernel::ids::Id as _;
use crate::kernel::{Result, UserId};
use crate::platform::{Ctx, Tx};

/// What an inbox is told when something else waits for its person than before.
pub const COUNTS_CHANGED: &str = "counts.changed";

/// Has somebody told soon how much waits for them. It is counted then, and not now: what changes many
/// times in a second is counted once.
pub fn tell_counts(ctx: &Ctx, user_id: UserId) {
    let Some(hub) = Hub::of(ctx) else { return };
    let channel = inbox(user_id);
    // Alone, there is nobody elsewhere who could hear it.
    if hub.is_listening() || hub.find_room(&channel).is_some() {
        tell_calmly(ctx, channel, |ctx, id| Box::pin(counted(ctx, id)));
    }
}

async fn counted(ctx: Ctx, id: Uuid) -> Result<Option<Signal>> {
    let Some(hub) = Hub::of(&ctx) else {
        return Ok(None);
    };
    let user_id = UserId::from_uuid(id);
    ctx.cache().step().await;
    let counts = (hub.0.options.hooks.counts)(ctx.clone(), user_id).await?;
    Ok(Some(Signal {
        channel: inbox(user_id),
        kind: COUNTS_CHANGED,
        class: Class::State,
        key: None,
        actor: None,
        d: json!({"counts": counts}),
    }))
}

impl Tx {
    /// Has somebody told after the commit how much waits for them.
    pub fn tell_counts(&mut self, user_id: UserId) {
        self.after_commit(move |ctx| tell_counts(ctx, user_id));
    }
}
