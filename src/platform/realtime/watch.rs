//! Open connections follow the stream of voids: whoever is signed out, suspended, removed or blocked is
//! so within moments, on every instance. After a gap in that stream, and from time to time without
//! Redis, everybody is asked about.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt as _, stream};
use serde_json::json;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::asking::{ask_about_own, ask_members, see_all_anew};
use super::close::Close;
use super::conn::{Conn, Who};
use super::frame::Frame;
use super::hub::{Hub, lock};
use super::room::Room;
use super::{Channel, Signal, deliver, inbox};
use crate::infra::cache::Witnessed;
use crate::kernel::{Result, SessionId, Timestamp, UserId};
use crate::platform::Ctx;
use crate::platform::sessions::SESSION;

/// Voids of a lane that are looked at at once: a question that hangs does not hold up all others.
const AT_ONCE: usize = 2;

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

/// Where voids are put in. What is urgent does not wait for what takes long: each lane goes by itself.
pub(super) struct Lanes {
    sessions: UnboundedSender<Voided>,
    /// A person's own, and the members of a channel.
    some: UnboundedSender<Voided>,
    all: UnboundedSender<Voided>,
    /// Whether everybody is going to be asked about anyway.
    all_waits: AtomicBool,
}

/// Where they are taken out.
pub(super) type Exits = [UnboundedReceiver<Voided>; 3];

impl Lanes {
    /// Lanes with nothing in them.
    pub(super) fn new() -> (Self, Exits) {
        let (sessions, session_voids) = mpsc::unbounded_channel();
        let (some, some_voids) = mpsc::unbounded_channel();
        let (all, all_voids) = mpsc::unbounded_channel();
        let lanes = Self {
            sessions,
            some,
            all,
            all_waits: AtomicBool::new(false),
        };
        (lanes, [session_voids, some_voids, all_voids])
    }

    fn put(&self, voided: Voided) {
        let lane = match voided {
            Voided::Session(_) | Voided::Sessions(_) => &self.sessions,
            Voided::Relations(_) | Voided::Settings(_) | Voided::Members(_) => &self.some,
            Voided::All if self.all_waits.swap(true, Ordering::AcqRel) => return,
            Voided::All => &self.all,
        };
        // In a process that ends nobody takes it.
        drop(lane.send(voided));
    }
}

impl Hub {
    /// Takes note of a void, at once: what it may have changed is looked at by a task.
    pub fn witness(&self, witnessed: &Witnessed<'_>) {
        match witnessed {
            Witnessed::Gap => {
                let rooms = self.all_rooms().into_iter();
                let follows = |room: &Arc<Room>| room.topic.is_some_and(|of| of.follows_voids());
                for room in rooms.filter(follows) {
                    room.lock().doubts.raise();
                }
                self.voided_all();
            }
            Witnessed::Tags(tags) if self.count() > 0 => {
                for voided in tags.iter().flat_map(|tag| self.concern(tag)).flatten() {
                    self.0.voids.put(voided);
                }
            }
            Witnessed::Tags(_) => {}
        }
    }

    /// Anything may have changed.
    pub(super) fn voided_all(&self) {
        self.0.voids.put(Voided::All);
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
        if let Some(Voided::Relations(user_id)) = own {
            self.doubt_what_is_heard_by(user_id);
        }
        let channel = lock(&self.0.watched).get(tag).cloned();
        [own, channel.map(Voided::Members)]
    }

    /// Has it asked about a person before anything else is passed on to them that what lies between them and others
    /// decides about.
    fn doubt_what_is_heard_by(&self, user_id: UserId) {
        for conn in self.conns_of(user_id) {
            let rooms = conn.rooms().clone().into_iter();
            let heeds = |room: &Arc<Room>| room.topic.is_some_and(|of| of.heeds_relations);
            for room in rooms.filter(heeds) {
                room.lock().doubts.raise_of(user_id);
            }
        }
    }

    /// Has it asked soon who may listen to the channels that voids of this sort may concern, and before anything
    /// else is passed on there.
    fn doubt(&self, kind: &str) {
        for room in self.all_rooms() {
            if is_doubted_by(&room, kind) {
                room.lock().doubts.raise();
            }
        }
        lock(&self.0.doubts).insert(kind.to_owned());
    }
}

fn is_doubted_by(room: &Room, kind: &str) -> bool {
    room.topic
        .is_some_and(|topic| topic.doubted_by.contains(&kind))
}

/// Looks at what was voided, until `stop`: each lane by itself.
pub(super) fn run(ctx: &Ctx, hub: &Hub, exits: Exits, stop: &CancellationToken) {
    let tasks = ctx.tasks();
    for (voids, at_once) in exits.into_iter().zip([AT_ONCE, AT_ONCE, 1]) {
        let (ctx, hub, stop) = (ctx.clone(), hub.clone(), stop.clone());
        tasks.spawn(async move {
            let voids = stream::unfold(voids, async |mut voids| Some((voids.recv().await?, voids)));
            let looking = voids.for_each_concurrent(at_once, |voided| look_at(&ctx, &hub, voided));
            tokio::select! {
                () = stop.cancelled() => {}
                () = looking => {}
            }
        });
    }
}

async fn look_at(ctx: &Ctx, hub: &Hub, voided: Voided) {
    let looked = match &voided {
        Voided::Session(session_id) => {
            let conns = hub.all_conns().into_iter();
            let is_its = |conn: &Arc<Conn>| {
                conn.who()
                    .is_some_and(|who| who.user.session_id == *session_id)
            };
            let conns = conns.filter(is_its).collect();
            ask_sessions(ctx, hub, conns).await
        }
        Voided::Sessions(user_id) => ask_sessions(ctx, hub, hub.conns_of(*user_id)).await,
        Voided::Relations(user_id) | Voided::Settings(user_id) => {
            ask_about_own(ctx, hub, *user_id).await
        }
        Voided::Members(channel) => match hub.find_room(channel) {
            Some(room) => ask_members(ctx, hub, vec![room]).await,
            None => Ok(()),
        },
        Voided::All => {
            // Whatever is voided from here on is asked about once more.
            hub.0.voids.all_waits.store(false, Ordering::Release);
            match ask_all(ctx, hub).await {
                Ok(()) => see_all_anew(ctx, hub).await,
                failed => failed,
            }
        }
    };
    if let Err(error) = looked {
        tracing::warn!(?error, "what was voided could not be looked at: again soon");
        let (hub, pause) = (hub.clone(), hub.pace().alone());
        // The others of its lane do not wait for that.
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            hub.0.voids.put(voided);
        });
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
