//! Open connections follow the stream of voids: whoever is signed out, suspended, removed or blocked is
//! so within moments, on every instance. After a gap in that stream, and from time to time without
//! Redis, everybody is asked about.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::close::Close;
use super::conn::{Conn, Who};
use super::frame::Frame;
use super::hub::{Hub, lock};
use super::room::Room;
use super::{Channel, Offset, Signal, attendance, deliver, inbox};
use crate::infra::cache::Witnessed;
use crate::kernel::{Code, Result, SessionId, Timestamp, UserId};
use crate::platform::Ctx;
use crate::platform::sessions::SESSION;

/// Questions that are asked at once.
const AT_ONCE: usize = 16;

/// What a void may have changed.
#[derive(Debug)]
pub(super) enum Voided {
    /// A session.
    Session(SessionId),
    /// All sessions of a person.
    Sessions(UserId),
    /// What lies between a person and others.
    Relations(UserId),
    /// What a person has set.
    Settings(UserId),
    /// Who may listen to a channel.
    Members(Channel),
    /// Anything.
    All,
}

impl Hub {
    /// Takes note of a void, at once: what it may have changed is looked at by a task.
    pub fn witness(&self, witnessed: &Witnessed<'_>) {
        match witnessed {
            Witnessed::Gap => self.voided_all(),
            Witnessed::Tags(tags) if self.count() > 0 => {
                for voided in tags.iter().flat_map(|tag| self.concern(tag)).flatten() {
                    drop(self.0.voids_tx.send(voided));
                }
            }
            Witnessed::Tags(_) => {}
        }
    }

    /// Anything may have changed.
    pub(super) fn voided_all(&self) {
        drop(self.0.voids_tx.send(Voided::All));
    }

    /// What the void of a tag means to those who are connected here: to one of them, and to those who
    /// listen to a channel.
    fn concern(&self, tag: &str) -> [Option<Voided>; 2] {
        let person = |id: &str| {
            let user_id: UserId = id.parse().ok()?;
            self.has_person(user_id).then_some(user_id)
        };
        let (kind, id) = tag.split_once(':').unwrap_or_default();
        let mut topics = self.registry().topics();
        if topics.any(|topic| topic.doubted_by.contains(&kind)) {
            self.doubt(kind);
        }
        let hooks = self.0.options.hooks;
        let own = match kind {
            "session" => id.parse().ok().map(Voided::Session),
            "user-sessions" => person(id).map(Voided::Sessions),
            kind if kind == hooks.relations_tag => person(id).map(Voided::Relations),
            kind if kind == hooks.settings_tag => person(id).map(Voided::Settings),
            _ => None,
        };
        let channel = lock(&self.0.watched).get(tag).cloned();
        [own, channel.map(Voided::Members)]
    }

    /// Has it asked soon who may listen to the channels that voids of this sort may concern, and before anything
    /// else is passed on there.
    fn doubt(&self, kind: &str) {
        for room in self.all_rooms() {
            if is_doubted_by(&room, kind) {
                room.lock().doubts += 1;
            }
        }
        lock(&self.0.doubts).insert(kind.to_owned());
    }
}

fn is_doubted_by(room: &Room, kind: &str) -> bool {
    room.topic
        .is_some_and(|topic| topic.doubted_by.contains(&kind))
}

/// Looks at what was voided, until `stop`.
pub(super) async fn run(
    ctx: Ctx,
    hub: Hub,
    mut voids: mpsc::UnboundedReceiver<Voided>,
    stop: CancellationToken,
) {
    loop {
        let voided = tokio::select! {
            () = stop.cancelled() => return,
            voided = voids.recv() => voided,
        };
        let Some(voided) = voided else { return };
        let looked = match &voided {
            Voided::Session(session_id) => {
                let conns = hub.all_conns().into_iter();
                let is_its = |conn: &Arc<Conn>| {
                    conn.who()
                        .is_some_and(|who| who.user.session_id == *session_id)
                };
                let conns = conns.filter(is_its).collect();
                ask_sessions(&ctx, &hub, conns).await
            }
            Voided::Sessions(user_id) => ask_sessions(&ctx, &hub, hub.conns_of(*user_id)).await,
            Voided::Relations(user_id) | Voided::Settings(user_id) => {
                ask_about_own(&ctx, &hub, *user_id).await
            }
            Voided::Members(channel) => match hub.find_room(channel) {
                Some(room) => ask_members(&ctx, &hub, vec![room]).await,
                None => Ok(()),
            },
            Voided::All => match ask_all(&ctx, &hub).await {
                Ok(()) => see_all_anew(&ctx, &hub).await,
                failed => failed,
            },
        };
        if let Err(error) = looked {
            tracing::warn!(?error, "what was voided could not be looked at: again soon");
            tokio::time::sleep(hub.pace().alone()).await;
            drop(hub.0.voids_tx.send(voided));
        }
    }
}

/// Compares positions from time to time; without Redis more often, and asks about everybody then.
pub(super) async fn keep(ctx: Ctx, hub: Hub, stop: CancellationToken) {
    let mut looks = interval(hub.pace().alone());
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let per_sweep = hub.pace().sweep().as_millis() / hub.pace().alone().as_millis().max(1);
    let mut look: u128 = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = looks.tick() => {}
        }
        look += 1;
        if hub.count() == 0 {
            continue;
        }
        let follows_voids = ctx.cache().follows_voids();
        let mut looked = Ok(());
        let doubts = std::mem::take(&mut *lock(&hub.0.doubts));
        if !follows_voids {
            looked = ask_all(&ctx, &hub).await;
        } else if !doubts.is_empty() {
            looked = ask_doubted(&ctx, &hub, &doubts).await;
        }
        if !hub.is_listening() || look.is_multiple_of(per_sweep.max(1)) {
            looked = looked.and(deliver::sweep(&ctx, &hub).await);
        }
        if let Err(error) = looked {
            tracing::debug!(?error, "connections could not be looked at");
        }
    }
}

async fn ask_all(ctx: &Ctx, hub: &Hub) -> Result<()> {
    ask_sessions(ctx, hub, hub.all_conns()).await?;
    let rooms = hub.all_rooms().into_iter();
    let rooms = rooms.filter(|room| room.topic.is_some()).collect();
    ask_members(ctx, hub, rooms).await
}

/// Asks about every channel of the topics that voids of these sorts may concern.
async fn ask_doubted(ctx: &Ctx, hub: &Hub, kinds: &HashSet<String>) -> Result<()> {
    let rooms = hub.all_rooms().into_iter();
    let is_doubted = |room: &Arc<Room>| kinds.iter().any(|kind| is_doubted_by(room, kind));
    let asked = ask_members(ctx, hub, rooms.filter(is_doubted).collect()).await;
    if asked.is_err() {
        lock(&hub.0.doubts).extend(kinds.iter().cloned());
    }
    asked
}

/// Ends connections whose session counts no more; asked in one query.
async fn ask_sessions(ctx: &Ctx, hub: &Hub, mut conns: Vec<Arc<Conn>>) -> Result<()> {
    // Whoever says who they are while this is asked was not asked about.
    conns.retain(|conn| conn.who().is_some());
    let keys: Vec<(UserId, SessionId)> = conns
        .iter()
        .filter_map(|conn| conn.who())
        .map(|who| (who.user.id, who.user.session_id))
        .collect();
    if keys.is_empty() {
        return Ok(());
    }
    let found = ctx.cache().get_many(&SESSION, &keys).await?;
    let now = ctx.now();
    for conn in conns {
        let Some(who) = conn.who() else { continue };
        let session = found.get(&(who.user.id, who.user.session_id));
        let close = match session {
            None => Some(Close::REVOKED),
            Some(session) if session.is_suspended(now) => Some(Close::SUSPENDED),
            Some(session) if !session.is_alive(now) => Some(Close::REVOKED),
            Some(_) => None,
        };
        match close {
            Some(close) if close == Close::REVOKED => {
                let last = Arc::new(revoked(who, now)?);
                conn.end_after(&last, close, hub.now());
            }
            Some(close) => conn.end(close, hub.now()),
            None => {}
        }
    }
    Ok(())
}

/// What a device is told last whose session has ended.
fn revoked(who: &Who, now: Timestamp) -> Result<Frame> {
    let d = json!({"session_id": who.user.session_id});
    let signal = Signal::state(inbox(who.user.id), "session.revoked", d);
    Frame::signal(&signal, now)
}

/// Learns anew whom a person is spared, and asks whether they may still listen to what they do.
async fn ask_about_own(ctx: &Ctx, hub: &Hub, user_id: UserId) -> Result<()> {
    see_anew(ctx, hub, user_id).await?;
    let mut rooms: HashMap<Channel, Arc<Room>> = HashMap::new();
    for conn in hub.conns_of(user_id) {
        let listened = conn.rooms().clone().into_iter();
        let listened = listened.filter(|room| room.topic.is_some());
        rooms.extend(listened.map(|room| (room.channel.clone(), room)));
    }
    for room in rooms.into_values() {
        ask_about(ctx, hub, &room, user_id).await?;
    }
    Ok(())
}

/// Learns anew what a person sees of others, and others of them.
async fn see_anew(ctx: &Ctx, hub: &Hub, user_id: UserId) -> Result<()> {
    let sight = (hub.0.options.hooks.sight)(ctx.clone(), user_id).await?;
    let sight = Arc::new(sight);
    for conn in hub.conns_of(user_id) {
        conn.set_sight(Arc::clone(&sight));
        attendance::begin_anew(hub, &conn);
    }
    Ok(())
}

async fn see_all_anew(ctx: &Ctx, hub: &Hub) -> Result<()> {
    let mut seeing = futures_util::stream::iter(hub.all_people())
        .map(|user_id| see_anew(ctx, hub, user_id))
        .buffer_unordered(AT_ONCE);
    let mut outcome = Ok(());
    while let Some(seen) = seeing.next().await {
        outcome = outcome.and(seen);
    }
    outcome
}

/// Asks of everybody in these rooms whether they may be there.
async fn ask_members(ctx: &Ctx, hub: &Hub, rooms: Vec<Arc<Room>>) -> Result<()> {
    let mut asked: Vec<(Arc<Room>, UserId)> = Vec::new();
    let mut doubts: Vec<u64> = Vec::with_capacity(rooms.len());
    for room in &rooms {
        let state = room.lock();
        doubts.push(state.doubts);
        let mut people: Vec<UserId> = state
            .subs
            .iter()
            .filter_map(|sub| sub.conn.user_id())
            .collect();
        drop(state);
        people.sort_unstable();
        people.dedup();
        asked.extend(
            people
                .into_iter()
                .map(|user_id| (Arc::clone(room), user_id)),
        );
    }
    let mut asking = futures_util::stream::iter(asked)
        .map(|(room, user_id)| async move { ask_about(ctx, hub, &room, user_id).await })
        .buffer_unordered(AT_ONCE);
    let mut outcome = Ok(());
    while let Some(asked) = asking.next().await {
        outcome = outcome.and(asked);
    }
    if outcome.is_ok() {
        // What has cast doubt meanwhile is asked about by itself.
        for (room, doubts) in rooms.iter().zip(doubts) {
            let mut state = room.lock();
            state.resolved = state.resolved.max(doubts);
        }
    }
    outcome
}

/// Ends the subscriptions of a person who may not listen to a channel any more.
async fn ask_about(ctx: &Ctx, hub: &Hub, room: &Arc<Room>, user_id: UserId) -> Result<()> {
    let Some(topic) = room.topic else {
        return Ok(());
    };
    let refusal = match (topic.may_join)(ctx.clone(), user_id, room.channel.id).await {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    if matches!(refusal.code(), Code::Unavailable | Code::Internal) {
        return Err(refusal);
    }
    let goes = |conn: &Conn| conn.user_id() == Some(user_id);
    let removed = room.lock().remove(hub.now(), goes);
    let farewell = topic.farewell.map(|farewell| farewell(room.channel.id));
    let farewell = farewell.map(|(kind, d)| say_farewell(ctx, room, kind, d));
    let farewell = farewell.transpose()?.map(Arc::new);
    for number in removed {
        if let (Some(frame), Some(conn)) = (&farewell, hub.find_conn(number)) {
            conn.put(frame, hub.now());
        }
        hub.say_removed(room, number);
    }
    Ok(())
}

/// What whoever may listen no longer is told last.
fn say_farewell(ctx: &Ctx, room: &Room, kind: &'static str, d: Value) -> Result<Frame> {
    let signal = Signal::state(room.channel.clone(), kind, d);
    Frame::signal(&signal, ctx.now())
}

/// Asks of everybody in a room whether they may be there, and has it pass on the event at `offset`, which
/// waits for that. What may not be asked now is asked again: nobody is sent what they may not see.
pub(super) async fn ask_first(ctx: &Ctx, hub: &Hub, room: &Arc<Room>, offset: Offset) {
    loop {
        // The voids of the write that the event tells of are delivered before it is told.
        ctx.cache().step().await;
        match ask_members(ctx, hub, vec![Arc::clone(room)]).await {
            Ok(()) => break,
            Err(_) if room.lock().closed => return,
            Err(error) => {
                tracing::warn!(?error, channel = %room.channel, "who may listen could not be asked: again soon");
                tokio::time::sleep(hub.pace().alone()).await;
            }
        }
    }
    let passed = room.has_asked(offset, hub.now());
    hub.settle(ctx, room, passed);
}
