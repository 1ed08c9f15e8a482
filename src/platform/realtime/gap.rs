//! What a client was not told between two polls: states, which nobody keeps for it. Each poll compares how
//! things are with what the cursor has told of them, so of each the latest is told in the end.

use std::sync::Arc;

use actix_web::web::Bytes;
use chrono::TimeDelta;
use serde_json::Value;

use super::conn::{Conn, Transport};
use super::frame::Frame;
use super::hub::Hub;
use super::presence::{self, Presence};
use super::room::Room;
use super::{Class, Signal, counts};
use crate::kernel::ids::Id as _;
use crate::kernel::{Error, Result, Timestamp, UserId};
use crate::platform::Ctx;

/// A transaction may end so many seconds after the instant that it writes.
pub(super) const LATE: i64 = 3;

/// The states that the client has not been told: those of whom it watches, those of its inbox that have
/// changed since it was here, and how much waits.
pub(super) async fn missed(
    ctx: &Ctx,
    hub: &Hub,
    conn: &Arc<Conn>,
    reply: &Value,
    is_first: bool,
) -> Result<Vec<Bytes>> {
    let user_id = conn
        .user_id()
        .ok_or_else(|| Error::internal(anyhow::anyhow!("a stranger")))?;
    let now = ctx.now();
    let hooks = hub.0.options.hooks;
    let counts = counts::changed(user_id, reply.get("counts").unwrap_or(&Value::Null));
    let before = conn.with_cursor(|cursor| cursor.states.until);
    let mut signals = watched(ctx, conn).await;
    // A cursor that was no poll's has told of none.
    let before = before.filter(|until| !is_first && *until > 0);
    if let Some(since) = before.and_then(Timestamp::from_micros) {
        let since = since - TimeDelta::seconds(LATE);
        signals.extend((hooks.states)(ctx.clone(), user_id, since).await?);
    }
    let mut news = Vec::new();
    let is_told = note(conn, &counts, now)?;
    // Whoever comes first is greeted with it.
    news.extend(is_told.filter(|_| !is_first));
    for signal in &signals {
        news.extend(note(conn, signal, now)?);
    }
    conn.with_cursor(|cursor| cursor.states.until = now.micros());
    Ok(news)
}

/// How those are whom the connection watches.
async fn watched(ctx: &Ctx, conn: &Conn) -> Vec<Signal> {
    let rooms = conn.rooms().clone();
    states(ctx, &rooms).await
}

/// How those are who are watched in these rooms.
async fn states(ctx: &Ctx, rooms: &[Arc<Room>]) -> Vec<Signal> {
    let watched = rooms
        .iter()
        .filter(|room| room.channel.topic == presence::TOPIC);
    let ids: Vec<UserId> = watched
        .map(|room| UserId::from_uuid(room.channel.id))
        .collect();
    if ids.is_empty() {
        return Vec::new();
    }
    let known = presence::presences(ctx, &ids).await;
    let how = |id: &UserId| known.get(id).copied().unwrap_or(Presence::Stale);
    ids.iter()
        .map(|id| presence::signal(*id, how(id)))
        .collect()
}

/// Tells a client that has come back to these channels how those are whom it watches there: what it was not
/// told meanwhile is in no stream.
pub(super) async fn tell_watched(ctx: &Ctx, hub: &Hub, conn: &Conn, rooms: &[Arc<Room>]) {
    // What a poll has missed is compared with its cursor.
    if conn.transport == Transport::Poll {
        return;
    }
    for signal in states(ctx, rooms).await {
        if let Ok(frame) = Frame::signal(&signal, ctx.now()) {
            conn.put(&Arc::new(frame), hub.now());
        }
    }
}

/// Notes a state; gives what is sent of it if that is news.
fn note(conn: &Conn, signal: &Signal, now: Timestamp) -> Result<Option<Bytes>> {
    let frame = Frame::signal(signal, now)?;
    let thing = frame.key.as_deref().unwrap_or_default();
    let is_news = conn.with_cursor(|cursor| cursor.states.note(thing, &signal.d));
    let text = frame.text.as_ref().filter(|_| is_news == Some(true));
    Ok(text.map(super::frame::Text::json))
}

/// Whether a frame says nothing that the client of a poll does not know: a state that it was told, or
/// that it types itself.
pub(super) fn is_known(conn: &Conn, frame: &Frame, json: &[u8]) -> bool {
    if frame.class == Class::Ephemeral {
        return frame.actor.is_some() && frame.actor == conn.user_id();
    }
    let is_compared = frame.channel.is_inbox() || frame.channel.topic == presence::TOPIC;
    let Some(thing) = frame.key.as_deref().filter(|_| is_compared) else {
        return false;
    };
    let state = serde_json::from_slice::<Value>(json).ok();
    let state = state.as_ref().and_then(|event| event.get("d"));
    let note = |state| conn.with_cursor(|cursor| cursor.states.note(thing, state));
    state.and_then(note) == Some(false)
}
