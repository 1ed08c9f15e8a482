//! What listeners of a channel learn of each other: who comes and goes while they are few, and how many
//! they are where they are more, or where it is nobody's business who they are.
//!
//! Each instance tells its own listeners, by comparing who is there now with what they were told last;
//! so nothing is lost for good by an event that was lost. What other instances have is in Redis, as one
//! entry an instance and channel, which counts while the instance lives. All of it is done in rounds: a
//! channel costs the same in a round however many come and go.

mod crowd;
mod shared;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use self::shared::Instances;
use super::conn::Conn;
use super::hub::{Hub, lock, millis};
use super::room::Room;
use super::{Attendance, Channel, presence};
use crate::platform::Ctx;

pub(super) use self::crowd::Crowd;
pub(super) use self::shared::MARK;
pub use self::shared::RENEW;

/// Within so many rounds every instance has reported anew what Redis has lost of a channel: the others hear
/// that one has, look, and do.
const ROUNDS_TO_SETTLE: u64 = 5;

/// Channels that are to be looked at in the next round.
#[derive(Default)]
pub(super) struct Pending {
    /// Where somebody here has come or gone.
    changed: Mutex<BTreeSet<Channel>>,
    /// Where somebody elsewhere has.
    heard: Mutex<BTreeSet<Channel>>,
    /// What others know of this instance may be lost.
    unsure: AtomicBool,
}

impl Room {
    fn attendance(&self) -> Attendance {
        self.topic
            .map_or(Attendance::Silent, |topic| topic.attendance)
    }
}

/// Somebody here has come or gone.
pub(super) fn changed(hub: &Hub, room: &Room) {
    if room.attendance() != Attendance::Silent {
        lock(&hub.0.attendance.changed).insert(room.channel.clone());
    }
}

/// An instance says that somebody there has come or gone.
pub(super) fn heard(hub: &Hub, channel: &Channel, by: &[u8]) {
    if by != hub.signature(0).as_bytes() {
        lock(&hub.0.attendance.heard).insert(channel.clone());
    }
}

/// What Redis knows of this instance may be lost.
pub(super) fn doubt(hub: &Hub) {
    hub.0.attendance.unsure.store(true, Ordering::Relaxed);
}

/// A person sees others otherwise than before, or others see them: they are told of everybody anew.
pub(super) fn begin_anew(hub: &Hub, conn: &Arc<Conn>) {
    let rooms = conn.rooms().clone();
    for room in rooms {
        if room.attendance() == Attendance::Named {
            let mut state = room.lock();
            if let Some(sub) = state.find(conn.number) {
                sub.is_told_who_is_there = false;
            }
            drop(state);
            changed(hub, &room);
        }
    }
}

/// A connection is about to leave all that it listens to. Unless its client has said goodbye, its person
/// counts as there for a while: they may be on their way back.
pub(super) fn linger(hub: &Hub, conn: &Conn, rooms: &[Arc<Room>]) {
    let (lasts, now) = (presence::lasts(hub, conn), hub.now());
    let Some(user_id) = conn.user_id().filter(|_| lasts > 0) else {
        return;
    };
    for room in rooms {
        let kind = room.attendance();
        if kind == Attendance::Silent {
            continue;
        }
        let mut state = room.lock();
        if state
            .find(conn.number)
            .is_some_and(|sub| sub.is_there(kind))
        {
            state.lingering.insert(user_id, now + lasts);
        }
    }
}

/// Tells listeners of each other, until `stop`.
pub(super) async fn run(ctx: Ctx, hub: Hub, stop: CancellationToken) {
    let mut looks = interval(hub.pace().look());
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut instances = Instances::default();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = looks.tick() => {}
        }
        if hub.count() > 0 || !lock(&hub.0.attendance.changed).is_empty() {
            round(&ctx, &hub, &mut instances).await;
        }
    }
}

async fn round(ctx: &Ctx, hub: &Hub, instances: &mut Instances) {
    let is_unsure = hub.0.attendance.unsure.swap(false, Ordering::Relaxed);
    let news = instances.renew(ctx, hub, is_unsure).await;
    if news.is_unsure {
        report_all_anew(hub);
    }
    let changed = std::mem::take(&mut *lock(&hub.0.attendance.changed));
    let mut looked = std::mem::take(&mut *lock(&hub.0.attendance.heard));
    if news.have_changed {
        let rooms = hub.all_rooms().into_iter();
        let watched = rooms.filter(|room| room.attendance() != Attendance::Silent);
        looked.extend(watched.map(|room| room.channel.clone()));
    }
    report(ctx, hub, instances, &changed).await;
    looked.extend(changed);
    let rooms: Vec<Arc<Room>> = looked
        .iter()
        .filter_map(|channel| hub.find_room(channel))
        .collect();
    let (now, at) = (hub.now(), ctx.now());
    let (settling, settled): (Vec<_>, Vec<_>) =
        (rooms.iter().cloned()).partition(|room| room.lock().settles > now);
    let again = settling.into_iter().map(|room| room.channel.clone());
    lock(&hub.0.attendance.heard).extend(again);
    let mut elsewhere = instances.find(ctx, hub, &settled).await;
    for room in rooms {
        let others = elsewhere.remove(&room.channel);
        if let Err(error) = room.tell_who_is_there(others, now, at) {
            tracing::debug!(?error, channel = %room.channel, "who is there could not be told");
        }
    }
}

/// Redis has lost who listens to a channel: what was known of others counts until they have reported anew.
fn lose(hub: &Hub, room: &Room) {
    let mut state = room.lock();
    state.reported = None;
    state.settles = hub.now() + millis(hub.pace().look()) * ROUNDS_TO_SETTLE;
    drop(state);
    changed(hub, room);
}

/// What was reported is not known any more.
fn report_all_anew(hub: &Hub) {
    for room in hub.all_rooms() {
        if room.attendance() != Attendance::Silent {
            room.lock().reported = None;
            changed(hub, &room);
        }
    }
}

/// Reports who is here to the other instances, where that has changed.
async fn report(ctx: &Ctx, hub: &Hub, instances: &Instances, changed: &BTreeSet<Channel>) {
    let mut reports: Vec<(Arc<Room>, Crowd)> = Vec::new();
    for room in changed.iter().filter_map(|channel| hub.find_room(channel)) {
        let mut state = room.lock();
        let here = state.here(room.attendance(), hub.now());
        let is_news = state.reported.as_ref() != Some(&here);
        let is_waiting = !state.lingering.is_empty();
        drop(state);
        if is_waiting {
            self::changed(hub, &room);
        }
        if is_news {
            reports.push((room, here));
        }
    }
    if ctx.config().redis_url.is_none() {
        return;
    }
    for some in reports.chunks(shared::AT_ONCE) {
        let Some(had_none) = instances.report(ctx, hub, some).await else {
            for (room, _) in some {
                room.lock().reported = None;
            }
            doubt(hub);
            continue;
        };
        for ((room, here), had_none) in some.iter().zip(had_none) {
            if had_none && shared::has_reported(room) {
                lose(hub, room);
            }
            room.lock().reported = Some(here.clone());
        }
    }
}
