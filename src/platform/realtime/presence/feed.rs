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
    /// When everything is told anew: where leases may be lost, once every instance has renewed its own.
    due: Option<u64>,
    /// What Redis held in the last look.
    memory: Option<String>,
}

impl Feed {
    /// Looks whether Redis is lost, back, or has forgotten who is there, and tells watchers what follows from
    /// it. Says whether the leases of this instance are to be renewed at once.
    pub(in crate::platform::realtime) async fn look(&mut self, ctx: &Ctx, hub: &Hub) -> bool {
        if ctx.config().redis_url.is_none() {
            return false;
        }
        let now = hub.now();
        if !ctx.redis().is_up() {
            if self.was_up {
                self.miss(ctx, hub, now).await;
            }
            return false;
        }
        // What could not be asked just now is seen in the next look.
        let Some(seen) = hub.0.memory.seen() else {
            return false;
        };
        self.was_up = true;
        let renews = self.compare(hub, now, &seen);
        if self.due.is_some_and(|due| due <= now) {
            self.due = None;
            self.is_told = false;
            hub.0.memory.trust(seen);
            tell_all(ctx, hub).await;
        }
        renews
    }

    /// There is no Redis. A moment without it is not worth a word.
    async fn miss(&mut self, ctx: &Ctx, hub: &Hub, now: u64) {
        let since = *self.lost_since.get_or_insert(now);
        let is_long = now.saturating_sub(since) >= millis(hub.pace().coalesce());
        if !self.is_told && is_long {
            self.is_told = true;
            tell_all(ctx, hub).await;
        }
    }

    /// Compares what Redis holds with what it held; says whether leases may be missing there.
    fn compare(&mut self, hub: &Hub, now: u64, seen: &str) -> bool {
        let lease = millis(hub.pace().lease());
        let is_other = self.memory.as_deref() != Some(seen);
        self.memory = Some(seen.to_owned());
        if !hub.0.memory.is_known() {
            // The first: nobody can tell whether it has forgotten anybody.
            hub.0.memory.trust(seen.to_owned());
            return true;
        }
        let is_missed = hub.0.presence_in_doubt.swap(false, Ordering::Relaxed);
        let lost_since = self.lost_since.take();
        // Leases that nobody could renew for so long may have run out.
        let is_late = lost_since.is_some_and(|since| now.saturating_sub(since) >= lease / 3);
        if is_other || is_late {
            hub.0.memory.settle();
            self.due = Some(now + lease / 2);
        } else if is_missed || lost_since.is_some() {
            self.due = self.due.or(Some(now));
        }
        is_other || is_missed || lost_since.is_some()
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
                let passed = room.pass(Arc::new(frame), ctx.cache().known_voids(), hub.now());
                hub.settle(ctx, room, passed);
            }
        }
    }
}

fn watched(room: &Room) -> UserId {
    UserId::from_uuid(room.channel.id)
}
