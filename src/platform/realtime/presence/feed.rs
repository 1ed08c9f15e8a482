//! What watchers are told when Redis is lost and found again: that it cannot be known who is there, and
//! then how it is, whatever was missed meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Presence, TOPIC, presences, signal};
use crate::kernel::UserId;
use crate::kernel::ids::Id as _;
use crate::platform::Ctx;
use crate::platform::realtime::frame::Frame;
use crate::platform::realtime::hub::{Hub, millis};
use crate::platform::realtime::room::Room;

/// People who are asked about together.
const AT_ONCE: usize = 200;

/// Whether the presences of all instances can be known.
#[derive(Debug, Default)]
pub(in crate::platform::realtime) struct Feed {
    /// Whether there was Redis at any time.
    was_up: bool,
    /// Since when there is no Redis, on the hub's clock.
    lost_since: Option<u64>,
    /// Whether watchers were told so.
    is_told: bool,
    /// When everything is told anew: once every instance has renewed its leases.
    due: Option<u64>,
}

impl Feed {
    /// Looks whether Redis is lost or back, and tells watchers what follows from it.
    pub(in crate::platform::realtime) async fn look(&mut self, ctx: &Ctx, hub: &Hub) {
        if ctx.config().redis_url.is_none() {
            return;
        }
        let (now, pace) = (hub.now(), hub.pace());
        let is_up = ctx.redis().is_up();
        let is_in_doubt = hub.0.presence_in_doubt.swap(false, Ordering::Relaxed);
        if is_up && (self.lost_since.take().is_some() || is_in_doubt) {
            self.due = Some(now + millis(pace.lease()) / 2);
        }
        self.was_up |= is_up;
        if !self.was_up {
            return;
        }
        if !is_up {
            let since = *self.lost_since.get_or_insert(now);
            // A moment without Redis is not worth a word.
            if !self.is_told && now.saturating_sub(since) >= millis(pace.coalesce()) {
                self.is_told = true;
                tell_all(ctx, hub).await;
            }
        } else if self.due.is_some_and(|due| due <= now) {
            self.due = None;
            self.is_told = false;
            tell_all(ctx, hub).await;
        }
    }
}

/// Tells everybody here how those are whom they watch.
async fn tell_all(ctx: &Ctx, hub: &Hub) {
    let rooms = hub.all_rooms().into_iter();
    let rooms: Vec<Arc<Room>> = rooms.filter(|room| room.channel.topic == TOPIC).collect();
    for some in rooms.chunks(AT_ONCE) {
        let ids: Vec<UserId> = some.iter().map(|room| watched(room)).collect();
        let known: HashMap<UserId, Presence> = presences(ctx, &ids).await;
        for room in some {
            let user_id = watched(room);
            let presence = known.get(&user_id).copied().unwrap_or(Presence::Stale);
            if let Ok(frame) = Frame::signal(&signal(user_id, presence), ctx.now()) {
                room.pass(Arc::new(frame), hub.now());
            }
        }
    }
}

fn watched(room: &Room) -> UserId {
    UserId::from_uuid(room.channel.id)
}
