//! Who is there. Each connection holds a lease; a person is what the most present of theirs is, and
//! whoever asked to know is told of changes, few and not at once: a connection that comes back within
//! the grace has never been away. Leases run out by themselves, so a process that dies leaves nobody
//! behind, and any other process tells.

mod feed;
mod local;
mod memory;
mod shared;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde_json::{Value, json};

use self::local::Lease;
use super::conn::{Conn, Transport};
use super::hub::{Hub, millis};
use super::talk::Talk;
use super::{Channel, Inbound, Signal};
use crate::kernel::ids::Id as _;
use crate::kernel::{Result, UserId};
use crate::platform::Ctx;
use crate::words;

pub(super) use feed::Feed;
pub(super) use local::Local;
pub(super) use memory::Memory;
pub(super) use shared::MARK;
pub use shared::SCRIPTS;

/// How often people are looked at in one look, some at a time: those of an instance that has died are many.
const MOST_ROUNDS: usize = 50;

/// The topic of presences.
pub const TOPIC: &str = "presence";

words! {
    /// How present somebody is; more is greater.
    pub enum Presence {
        /// No device is connected.
        Offline = "offline",
        /// It cannot be known just now.
        Stale = "stale",
        /// A device is connected, and nobody looks at it.
        Away = "away",
        /// Somebody looks at a device.
        Online = "online",
    }
}

/// A connection has come.
pub(super) async fn arrive(ctx: &Ctx, hub: &Hub, conn: &Arc<Conn>) {
    touch(ctx, hub, &[lease(hub, conn, millis(hub.pace().lease()))]).await;
}

/// A connection has gone: for good if its client said so, else for the time of the grace.
pub(super) async fn depart(ctx: &Ctx, hub: &Hub, conn: &Arc<Conn>) {
    touch(ctx, hub, &[lease(hub, conn, lasts(hub, conn))]).await;
}

/// For how many milliseconds the person of a connection that has gone counts as there: 0 if its client
/// has said goodbye.
pub(super) fn lasts(hub: &Hub, conn: &Conn) -> u64 {
    match (conn.transport, conn.said_goodbye.load(Ordering::Relaxed)) {
        // The next poll is on its way.
        (Transport::Poll, _) => millis(hub.pace().lease()),
        (_, true) => 0,
        (_, false) => millis(hub.pace().grace()),
    }
}

/// Renews the leases of all connections.
pub(super) async fn renew(ctx: &Ctx, hub: &Hub, conns: &[Arc<Conn>]) {
    let whole = millis(hub.pace().lease());
    let is_here = |conn: &Conn| hub.find_conn(conn.number).is_some();
    for some in conns.chunks(500) {
        let living = (some.iter()).filter(|conn| is_here(conn) && !conn.is_ending());
        let living: Vec<&Arc<Conn>> = living.collect();
        let leases: Vec<_> = (living.iter())
            .map(|conn| lease(hub, conn, whole))
            .collect();
        touch(ctx, hub, &leases).await;
        // Whoever has gone meanwhile may have said so to Redis before this renewal came there.
        let gone = living.into_iter().filter(|conn| !is_here(conn));
        let ends: Vec<_> = gone
            .map(|conn| lease(hub, conn, lasts(hub, conn)))
            .collect();
        touch(ctx, hub, &ends).await;
    }
}

fn lease(hub: &Hub, conn: &Conn, lasts: u64) -> Option<Lease> {
    let user_id = conn.user_id()?;
    let is_away = conn.is_away.load(Ordering::Relaxed);
    // A long poll has one name for all its requests.
    let device = match (conn.transport, conn.who()) {
        (Transport::Poll, Some(who)) => who.live.clone(),
        _ => hub.signature(conn.number),
    };
    Some(Lease {
        user_id,
        device,
        presence: if is_away {
            Presence::Away
        } else {
            Presence::Online
        },
        lasts,
    })
}

async fn touch(ctx: &Ctx, hub: &Hub, leases: &[Option<Lease>]) {
    let leases: Vec<&Lease> = leases.iter().flatten().collect();
    if leases.is_empty() {
        return;
    }
    let shared = shared::touch(ctx, hub.pace(), &leases).await;
    let here = hub.0.presences.touch(hub, &leases);
    match shared {
        Some(changes) => pass_unheard(ctx, hub, changes),
        None => guess(ctx, hub, here),
    }
}

/// Tells what this process alone knows. Without the Redis that there should be, whoever is not here may be
/// elsewhere; and Redis may have done and told all the same what it has not answered in time.
fn guess(ctx: &Ctx, hub: &Hub, changes: Vec<(UserId, Presence)>) {
    if changes.is_empty() {
        return;
    }
    let absent = absent(ctx);
    if absent == Presence::Stale {
        doubt(hub);
    }
    let changes = changes.into_iter();
    tell_here(
        ctx,
        hub,
        changes
            .map(|(user_id, presence)| (user_id, presence.max(absent)))
            .collect(),
    );
}

/// How somebody is of whom this process knows nothing.
fn absent(ctx: &Ctx) -> Presence {
    if ctx.config().redis_url.is_some() {
        Presence::Stale
    } else {
        Presence::Offline
    }
}

/// Tells of those whose leases have run out, and of changes that were held back.
pub(super) async fn tell_due(ctx: &Ctx, hub: &Hub) {
    let here = hub.0.presences.due(hub);
    // Nobody has gone whose instance had no time yet to say that they are there.
    let is_settling = hub.0.memory.is_settling();
    let most = if is_settling { 0 } else { shared::AT_ONCE };
    for round in 0..MOST_ROUNDS {
        let due = shared::due(ctx, hub, most).await;
        if round == 0 {
            hub.0.memory.see(due.as_ref().map(|due| due.memory.clone()));
        }
        match due {
            Some(due) => {
                pass_unheard(ctx, hub, due.changes);
                if due.looked < shared::AT_ONCE {
                    return;
                }
            }
            None if round == 0 => return guess(ctx, hub, here),
            None => return,
        }
    }
}

/// Something may not have been heard: watchers are told everything anew.
pub(super) fn doubt(hub: &Hub) {
    hub.0.presence_in_doubt.store(true, Ordering::Relaxed);
}

/// What Redis has told was told to this instance too, unless it does not hear Redis just now.
fn pass_unheard(ctx: &Ctx, hub: &Hub, changes: Vec<(UserId, Presence)>) {
    if !hub.is_listening() {
        tell_here(ctx, hub, changes);
    }
}

fn tell_here(ctx: &Ctx, hub: &Hub, changes: Vec<(UserId, Presence)>) {
    for (user_id, presence) in changes {
        hub.receive_signal(ctx, &signal(user_id, presence));
    }
}

/// Hears how somebody is from Redis, where it is known.
pub(super) fn hear(ctx: &Ctx, hub: &Hub, channel: &Channel, word: &[u8]) {
    if let Some(presence) = std::str::from_utf8(word).ok().and_then(shared::read) {
        let user_id = UserId::from_uuid(channel.id);
        hub.receive_signal(ctx, &signal(user_id, presence));
    }
}

/// How somebody is, as watchers are told it.
pub(super) fn signal(user_id: UserId, presence: Presence) -> Signal {
    let channel = Channel::new(TOPIC, user_id.uuid());
    let d = json!({"user_id": user_id, "state": presence.as_str()});
    Signal::state(channel, "presence.changed", d).by(user_id)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    state: Settable,
}

words! {
    /// What a client may say.
    enum Settable {
        /// Somebody looks at it.
        Online = "online",
        /// Nobody does.
        Away = "away",
    }
}

/// Refuses what says nothing about that.
pub(super) fn check(inbound: &Inbound) -> Result<()> {
    inbound.body::<Set>().map(drop)
}

/// A client says whether somebody looks at its device.
pub(super) async fn set(talk: &Talk, inbound: &Inbound) -> Result<Value> {
    let Set { state } = inbound.body()?;
    let is_away = matches!(state, Settable::Away);
    if talk.conn.is_away.swap(is_away, Ordering::Relaxed) != is_away {
        arrive(&talk.ctx, &talk.hub, &talk.conn).await;
    }
    Ok(json!({}))
}

/// How present these people are, whoever asks. Never more than one question to Redis.
pub async fn presences(ctx: &Ctx, ids: &[UserId]) -> HashMap<UserId, Presence> {
    let Some(hub) = Hub::of(ctx) else {
        return HashMap::new();
    };
    if let Some(known) = shared::find(ctx, &hub, ids).await {
        return known;
    }
    let absent = absent(ctx);
    let known = ids.iter().map(|id| (*id, hub.0.presences.find(*id)));
    known
        .map(|(id, presence)| (id, presence.max(absent)))
        .collect()
}
