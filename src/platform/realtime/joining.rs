//! Subscribing: attach, take the position, see whether they may, replay, then live. In this order
//! nothing falls between.

use std::sync::Arc;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::asking::{self, ask_if_doubted};
use super::conn::{Conn, Transport};
use super::cursor::MOST_CHANNELS;
use super::hub::Hub;
use super::live::IsHidden;
use super::replay::{Missed, Position, missed};
use super::room::{Room, Sub};
use super::wire::refusal;
use super::{Channel, Offset, Told, attendance, gap, opening, render};
use crate::kernel::ids::Id as _;
use crate::kernel::{Code, Error, Result, UserId};
use crate::platform::Ctx;

/// Most subscriptions of a connection.
pub const MOST_SUBSCRIPTIONS: usize = 128;
/// Most channels of a connection of this kind, beside those of everybody.
pub(super) const fn most(transport: Transport) -> usize {
    match transport {
        Transport::Socket => MOST_SUBSCRIPTIONS,
        Transport::Sse | Transport::Poll => MOST_CHANNELS,
    }
}

/// Refuses more than these.
pub(super) fn too_many(transport: Transport) -> Error {
    let words = match transport {
        Transport::Socket => "A connection listens to at most 128 channels.",
        Transport::Sse | Transport::Poll => {
            "A connection without a socket listens to at most 32 channels."
        }
    };
    Error::new(Code::QuotaExceeded, words)
}

/// The channel that everybody listens to.
pub const EVERYBODY: Channel = Channel::new("all", uuid::Uuid::nil());

/// What somebody asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ask {
    /// The channel.
    pub channel: Channel,
    /// What they have of it.
    pub position: Option<Position>,
}

/// A subscription that waits behind its gate.
pub struct Joined {
    room: Arc<Room>,
    /// What is said of it.
    pub reply: Value,
    replay: Vec<Told>,
    is_allowed: bool,
    /// What the client has before anything is sent.
    start: Offset,
}

/// Attaches a connection to channels, each behind a gate, and says where it stands in each.
/// [`follow`] opens the gates.
pub(super) async fn join(
    ctx: &Ctx,
    hub: &Hub,
    conn: &Arc<Conn>,
    asks: Vec<Ask>,
) -> Result<Vec<Joined>> {
    let channels: Vec<Channel> = asks.iter().map(|ask| ask.channel.clone()).collect();
    let rooms = opening::open(ctx, hub, &channels).await?;
    // An answer that was made before the attachment might be older than what the room tells.
    let joining = asks
        .into_iter()
        .zip(rooms)
        .map(|(ask, room)| join_one(ctx, hub, conn, ask, room));
    let joined = join_all(joining).await;
    conn.stands_at(&places(&joined));
    Ok(joined)
}

async fn join_one(ctx: &Ctx, hub: &Hub, conn: &Arc<Conn>, ask: Ask, room: Arc<Room>) -> Joined {
    let last = attach(hub, conn, &room);
    let outcome = async {
        let last = last.ok_or_else(|| Error::unavailable(anyhow::anyhow!("the room closed")))?;
        may_join(ctx, hub, conn, &ask.channel).await?;
        place(ctx, hub, conn, &room, ask.position.as_ref(), last).await
    };
    let (reply, replay, is_allowed) = match outcome.await {
        Ok((reply, replay)) => (reply, replay, true),
        Err(error) => {
            hub.detach(&room, conn.number);
            conn.rooms().retain(|other| other.channel != room.channel);
            (refused(&ask, &error), Vec::new(), false)
        }
    };
    let is_recovered = reply.get("recovered") == Some(&Value::Bool(true));
    let has = ask.position.filter(|_| is_recovered).map(|at| at.o);
    Joined {
        room,
        reply,
        replay,
        is_allowed,
        start: has.or(last).unwrap_or_default(),
    }
}

/// What is said of a channel that somebody may not listen to; asked with a position, it is one more
/// that could not be recovered.
fn refused(ask: &Ask, error: &Error) -> Value {
    let mut reply = json!({"err": refusal(error)});
    if let (Some(members), Some(_)) = (reply.as_object_mut(), &ask.position) {
        let reason = match error.code() {
            Code::Unavailable | Code::Internal => "unavailable",
            _ => "forbidden",
        };
        members.insert("recovered".to_owned(), json!(false));
        members.insert("reason".to_owned(), json!(reason));
    }
    reply
}

/// Puts the connection into the room, behind a gate; gives the last event that was passed on before.
fn attach(hub: &Hub, conn: &Arc<Conn>, room: &Arc<Room>) -> Option<Offset> {
    let mut state = room.lock();
    let last = state.last.filter(|_| !state.closed)?;
    state.remove(hub.now(), |other| other.number == conn.number);
    state.idle_since = None;
    state.subs.push(Sub {
        conn: Arc::clone(conn),
        after: last,
        gate: Some(Vec::new()),
        told: last,
        is_told_who_is_there: false,
    });
    drop(state);
    let mut rooms = conn.rooms();
    if !rooms.iter().any(|other| Arc::ptr_eq(other, room)) {
        rooms.push(Arc::clone(room));
    }
    drop(rooms);
    if conn.is_ending() {
        hub.detach(room, conn.number);
    }
    Some(last)
}

/// Refuses those who may not listen to a channel.
pub(super) async fn may_join(ctx: &Ctx, hub: &Hub, conn: &Conn, channel: &Channel) -> Result<()> {
    let user_id = conn
        .user_id()
        .ok_or_else(|| Error::from(Code::Unauthenticated))?;
    if channel.is_inbox() {
        let is_own = UserId::from_uuid(channel.id) == user_id;
        return if is_own {
            Ok(())
        } else {
            Err(Error::not_found())
        };
    }
    if *channel == EVERYBODY {
        return Ok(());
    }
    let topic = hub.registry().topic(&channel.topic);
    let topic = topic.ok_or_else(Error::not_found)?;
    // Whoever is let in is let in by what holds now.
    ctx.cache().step().await;
    (topic.may_join)(ctx.clone(), user_id, channel.id).await
}

async fn place(
    ctx: &Ctx,
    hub: &Hub,
    conn: &Conn,
    room: &Room,
    position: Option<&Position>,
    last: Offset,
) -> Result<(Value, Vec<Told>)> {
    let epoch = hub.epoch();
    let Some(position) = position else {
        return Ok((json!({"e": *epoch, "o": last}), Vec::new()));
    };
    Ok(
        match missed(ctx, hub, &room.channel, position, last).await? {
            Missed::Events(events) => {
                let reply = json!({"e": *epoch, "o": last, "recovered": true, "n": events.len(),
                "from": position.o + 1, "to": last});
                (reply, events)
            }
            Missed::Ahead => {
                let mut state = room.lock();
                if let Some(sub) = state.find(conn.number) {
                    sub.after = position.o;
                }
                let reply = json!({"e": *epoch, "o": position.o, "recovered": true, "n": 0});
                (reply, Vec::new())
            }
            Missed::Unknown(reason) => {
                let reply = json!({"e": *epoch, "o": last, "recovered": false, "reason": reason});
                (reply, Vec::new())
            }
        },
    )
}

/// Sends what was missed, says so, and lets in what has come meanwhile.
pub(super) async fn follow(
    ctx: &Ctx,
    hub: &Hub,
    conn: &Arc<Conn>,
    joined: Vec<Joined>,
) -> Result<()> {
    let waits_for_replay = has_replay(&joined);
    let mut replayed = serde_json::Map::new();
    let (mut rooms, mut resumed) = (Vec::new(), Vec::new());
    for one in joined.into_iter().filter(|one| one.is_allowed) {
        if let Some(last) = one.replay.last() {
            let place = (last.channel.to_string(), json!(last.offset));
            if !replay(ctx, hub, conn, &one.room, &one.replay).await? {
                continue;
            }
            replayed.extend([place]);
        }
        if one.reply.get("recovered").is_some() {
            resumed.push(Arc::clone(&one.room));
        }
        rooms.push(one.room);
    }
    if waits_for_replay {
        conn.say(&json!({"op": "replayed", "d": replayed}), hub.now());
    }
    for room in rooms {
        if let Some(user_id) = conn.user_id() {
            ask_if_doubted(ctx, hub, &room, user_id).await?;
        }
        room.open_gate(conn.number, hub.now());
        attendance::changed(hub, &room);
    }
    resumed.retain(|room| room.lock().find(conn.number).is_some());
    gap::tell_watched(ctx, hub, conn, &resumed).await;
    Ok(())
}

/// Sends what was missed in a room, unless whoever missed it listens there no more: it may take long, and what
/// they may not see any more is rendered as it is today. Says whether they still listen.
async fn replay(
    ctx: &Ctx,
    hub: &Hub,
    conn: &Arc<Conn>,
    room: &Arc<Room>,
    missed: &[Told],
) -> Result<bool> {
    let Some(user_id) = conn.user_id() else {
        return Ok(false);
    };
    if room.lock().find(conn.number).is_none() {
        return Ok(false);
    }
    let rendered = render::rendered(ctx, hub, missed).await?;
    // After that: whoever may listen then may see what was rendered.
    let hidden = match hidden_from(ctx, hub, conn, room).await {
        Ok(hidden) => hidden,
        Err(error) if matches!(error.code(), Code::Unavailable | Code::Internal) => {
            return Err(error);
        }
        Err(_refused) => {
            asking::ask_about(ctx, hub, room, user_id).await?;
            return Ok(false);
        }
    };
    let mut asked = 0;
    for frame in render::frames_but(&hub.epoch(), missed, rendered, hidden.as_ref())? {
        conn.queue.has_room().await;
        let doubt = room.lock().doubts.last();
        if std::mem::replace(&mut asked, doubt) != doubt {
            ask_if_doubted(ctx, hub, room, user_id).await?;
        }
        if !room.give_missed(conn, &frame, hub.now()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is left out of a replay to whoever is at the other end; refuses those who may not listen any more.
async fn hidden_from(ctx: &Ctx, hub: &Hub, conn: &Conn, room: &Room) -> Result<Option<IsHidden>> {
    match (room.topic.and_then(|topic| topic.hidden), conn.user_id()) {
        (Some(hidden), Some(user_id)) => {
            Ok(Some(hidden(ctx.clone(), user_id, room.channel.id).await?))
        }
        _ => may_join(ctx, hub, conn, &room.channel).await.map(|()| None),
    }
}

/// Ends a subscription. Says whether there was one.
pub(super) fn part(hub: &Hub, conn: &Conn, channel: &Channel) -> bool {
    let Some(room) = conn.room(channel) else {
        return false;
    };
    conn.rooms().retain(|other| !Arc::ptr_eq(other, &room));
    hub.detach(&room, conn.number);
    conn.stands_no_more_in(channel, true);
    true
}

/// Whether something that was missed is about to be sent.
pub(super) fn has_replay(joined: &[Joined]) -> bool {
    joined
        .iter()
        .any(|one| one.is_allowed && !one.replay.is_empty())
}

/// How many channels a connection may listen to beside those that it does.
pub(super) fn free(conn: &Conn) -> usize {
    let rooms = conn.rooms();
    let is_own = |channel: &Channel| channel.is_inbox() || *channel == EVERYBODY;
    let count = rooms.iter().filter(|room| !is_own(&room.channel)).count();
    most(conn.transport).saturating_sub(count)
}

/// What is said of each channel, by its name.
pub(super) fn replies(joined: &[Joined]) -> Value {
    let replies = joined
        .iter()
        .map(|one| (one.room.channel.to_string(), one.reply.clone()));
    Value::Object(replies.collect())
}

/// What the client has of each channel that was let in, before anything is sent.
pub(super) fn places(joined: &[Joined]) -> Vec<(Channel, Offset)> {
    let allowed = joined.iter().filter(|one| one.is_allowed);
    allowed
        .map(|one| (one.room.channel.clone(), one.start))
        .collect()
}

/// The same as what to ask for, to go on from there.
pub(super) fn positions(hub: &Hub, joined: &[Joined]) -> Vec<Ask> {
    let e = epoch(hub, joined);
    let places = places(joined).into_iter();
    let ask = |(channel, o)| {
        let position = Some(Position { e: e.clone(), o });
        Ask { channel, position }
    };
    places.map(ask).collect()
}

/// The epoch of these places. Where another began while they were taken, it is one that counts no more:
/// whoever comes with that is told to fetch anew.
pub(super) fn epoch(hub: &Hub, joined: &[Joined]) -> String {
    let now = hub.epoch();
    let mut told = joined.iter().filter_map(|one| one.reply.get("e")?.as_str());
    told.find(|epoch| **epoch != *now)
        .map_or_else(|| now.to_string(), str::to_owned)
}

/// The channels that were let in.
pub(super) fn allowed(joined: &[Joined]) -> Vec<Channel> {
    let allowed = joined.iter().filter(|one| one.is_allowed);
    allowed.map(|one| one.room.channel.clone()).collect()
}
