//! The arrival of a client without a first frame: who it is, what its cursor and its address name, and
//! what it has asked for since.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::conn::{Conn, Transport};
use super::cursor::{Cursor, MOST_CHANNELS};
use super::greet::{Hello, Resume, greet};
use super::hub::Hub;
use super::joining::{self, Ask, Joined};
use super::wishes::{self, Held, Noted};
use super::{Channel, wire};
use crate::kernel::{Error, Result};
use crate::platform::Ctx;
use crate::platform::sessions::CurrentUser;

/// What a client asks for.
pub(super) struct Wanted {
    /// Where it stands.
    pub(super) cursor: Option<Cursor>,
    /// What its address names.
    channels: Vec<Channel>,
    /// What it has asked for, and there is no room for.
    over: Vec<Channel>,
    /// What is known of it beside its cursor.
    pub(super) noted: Noted,
}

impl Wanted {
    /// Reads a cursor and a list of channels, and adds what the connection has asked for by commands since
    /// its cursor was made.
    pub(super) async fn read(
        (ctx, hub): (&Ctx, &Hub),
        user: CurrentUser,
        cursor: Option<&str>,
        channels: Option<&str>,
    ) -> Result<Self> {
        let names = channels.unwrap_or_default().split(',');
        let channels: Vec<Channel> = names
            .filter(|name| !name.is_empty())
            .map(|name| name.parse().map_err(|_no_channel| no_channel()))
            .collect::<Result<_>>()?;
        if channels.len() > MOST_CHANNELS {
            return Err(no_channel());
        }
        let cursor = cursor.filter(|text| !text.is_empty());
        let mut wanted = Self {
            cursor: cursor
                .map(|text| Cursor::open(ctx, text, user.id))
                .transpose()?,
            channels,
            over: Vec::new(),
            noted: Noted::default(),
        };
        if let Some(cursor) = &mut wanted.cursor {
            wanted.noted = wishes::find(ctx, hub, &cursor.live).await;
            wanted.over = add_noted(cursor, &wanted.noted);
            let has_left = |channel: &Channel| cursor.has_left(channel);
            // What was left stays left, although the address still names it.
            wanted.channels.retain(|channel| !has_left(channel));
        }
        Ok(wanted)
    }
}

/// Adds wishes to a cursor; gives those for which there is no room.
fn add_noted(cursor: &mut Cursor, noted: &Noted) -> Vec<Channel> {
    let (wanted, unwanted): (Vec<_>, Vec<_>) = (noted.wanted.iter())
        .map(|(channel, position)| (channel, position.as_ref()))
        .partition(|(_, position)| position.is_some());
    for (channel, _) in unwanted {
        cursor.leave(channel);
    }
    let mut over = Vec::new();
    for (channel, position) in wanted {
        if position.is_some_and(|position| !cursor.add(channel, position)) {
            over.push(channel.clone());
        }
    }
    over
}

fn no_channel() -> Error {
    let words = "Up to 32 channels as `conv:{id}`, with commas between them.";
    Error::invalid_field("?chs", "invalid", words)
}

/// What came of an arrival.
pub(super) struct Arrived {
    pub(super) reply: Value,
    pub(super) joined: Vec<Joined>,
}

/// Greets somebody, and joins what their cursor and their address name.
pub(super) async fn arrive(
    ctx: &Ctx,
    hub: &Hub,
    conn: &Arc<Conn>,
    user: CurrentUser,
    wanted: Wanted,
) -> Result<Arrived> {
    let known = wanted.cursor.as_ref().map(Cursor::positions);
    let hello = Hello {
        resume: Some(Resume {
            session: wanted.cursor.as_ref().map(|cursor| cursor.live.clone()),
            pos: known
                .into_iter()
                .flatten()
                .map(|(channel, position)| (channel.to_string(), position))
                .collect(),
        }),
        ..Hello::default()
    };
    let greeted = greet(ctx, hub, conn, Some(user), hello).await;
    let (mut reply, mut joined) = greeted.map_err(|(_close, error)| error)?;
    let (asks, over) = named(conn, wanted.channels);
    let more = joining::join(ctx, hub, conn, asks).await?;
    if let (Some(Value::Object(subs)), Value::Object(replies)) =
        (reply.get_mut("subs"), joining::replies(&more))
    {
        subs.extend(replies);
        let error = wire::refusal(&joining::too_many(conn.transport));
        let over = over.iter().chain(&wanted.over);
        subs.extend(over.map(|channel| (channel.to_string(), json!({"err": error}))));
    }
    joined.extend(more);
    let live = conn.who().map(|who| who.live.clone()).unwrap_or_default();
    let epoch = joining::epoch(hub, &joined);
    let mut cursor = match wanted.cursor {
        Some(cursor) => cursor.renewed(live, epoch),
        None => Cursor::new(user.id, live, epoch),
    };
    for (channel, offset) in joining::places(&joined) {
        cursor.note(&channel, offset);
    }
    note(ctx, hub, conn, &cursor, &wanted.noted, &reply).await;
    conn.keep(cursor);
    Ok(Arrived { reply, joined })
}

/// What an address names and is not listened to yet, as far as there is room, and what there is none for.
fn named(conn: &Conn, mut channels: Vec<Channel>) -> (Vec<Ask>, Vec<Channel>) {
    let mut named = HashSet::new();
    channels.retain(|channel| conn.room(channel).is_none() && named.insert(channel.clone()));
    let over = channels.split_off(joining::free(conn).min(channels.len()));
    let asks = channels.into_iter().map(|channel| Ask {
        channel,
        position: None,
    });
    (asks.collect(), over)
}

/// Has every instance know what the connection holds, and forget wishes that were refused for good.
async fn note(ctx: &Ctx, hub: &Hub, conn: &Conn, cursor: &Cursor, noted: &Noted, reply: &Value) {
    let refused: Vec<Channel> = refused(reply)
        .filter_map(|(name, _)| name.parse().ok())
        .filter(|channel| noted.wanted.contains_key(channel))
        .collect();
    wishes::forget(ctx, hub, &cursor.live, &refused).await;
    let held = Held {
        is_stream: conn.transport == Transport::Sse,
        channels: cursor
            .channels()
            .map(|channel| channel.to_string())
            .collect(),
    };
    if noted.held.as_ref() != Some(&held) {
        wishes::hold(ctx, hub, &cursor.live, &held).await;
    }
}

/// The channels that somebody may not listen to, and why; not those of which it is not known just now.
pub(super) fn refused(reply: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let subs = reply.get("subs").and_then(Value::as_object);
    subs.into_iter().flatten().filter_map(|(channel, sub)| {
        let error = sub.get("err")?;
        (error.get("retry") != Some(&json!(true))).then_some((channel, error))
    })
}

/// Whether it is not known just now of some channel whether somebody may listen to it.
pub(super) fn is_unsure(reply: &Value) -> bool {
    let subs = reply.get("subs").and_then(Value::as_object);
    subs.into_iter()
        .flatten()
        .any(|(_, sub)| sub.pointer("/err/retry") == Some(&json!(true)))
}
