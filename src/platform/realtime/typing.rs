//! Who types: told when it begins, and ended by the server if the client does not.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use serde::Deserialize;
use serde_json::{Value, json};

use super::conn::Conn;
use super::frame::{Frame, Text};
use super::hub::{Hub, lock, millis};
use super::room::Room;
use super::talk::Talk;
use super::{Channel, Class, Inbound, Signal, Topic, joining, opening};
use crate::kernel::{Code, Error, Result, UserId};
use crate::platform::Ctx;

const STARTED: &str = "typing.started";
const STOPPED: &str = "typing.stopped";
/// In place of the number of a connection, for those who are between two polls.
const APART: u64 = 0;

/// Who types where.
#[derive(Default)]
pub(super) struct Typing {
    /// On connections of this instance.
    own: Mutex<HashMap<(Channel, UserId), Since>>,
    /// As this instance was told, and until when that counts: the instance that told it may have died.
    heard: Mutex<HashMap<(Channel, UserId), u64>>,
}

struct Since {
    /// The connection that it ends with.
    conn: u64,
    /// When it was told last.
    told: u64,
    ends: u64,
    /// The end that listeners know.
    known: u64,
}

impl Since {
    /// Whether it is to be told: at most once within half of the time.
    fn tell(&mut self, hub: &Hub) -> bool {
        let now = hub.now();
        let is_news =
            self.told == 0 || now.saturating_sub(self.told) >= millis(hub.pace().typing()) / 2;
        if is_news {
            self.told = now;
            self.known = self.ends;
        }
        is_news
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Where {
    ch: Channel,
}

/// Somebody types.
pub(super) fn start(talk: &Talk, inbound: &Inbound) -> Result<Value> {
    let channel = place(talk, inbound)?;
    begin(&talk.hub, channel, talk.user.id, talk.conn.number);
    Ok(answer(&talk.hub, true))
}

fn begin(hub: &Hub, channel: Channel, user_id: UserId, conn: u64) {
    let now = hub.now();
    let lasts = millis(hub.pace().typing());
    let is_news = {
        let mut typing = lock(&hub.0.typing.own);
        let since = typing.entry((channel.clone(), user_id)).or_insert(Since {
            conn,
            told: 0,
            ends: 0,
            known: 0,
        });
        since.conn = conn;
        since.ends = now + lasts;
        since.tell(hub)
    };
    if is_news {
        hub.signal(signal(channel, user_id, STARTED, lasts));
    }
}

/// Somebody types no more.
pub(super) fn stop(talk: &Talk, inbound: &Inbound) -> Result<Value> {
    let channel = place(talk, inbound)?;
    stopped(&talk.hub, &channel, talk.user.id);
    Ok(answer(&talk.hub, false))
}

/// Where somebody types whose connection is not here. `known` are the channels that they listen to, if that is
/// known.
pub(super) async fn place_apart(
    talk: &Talk,
    inbound: &Inbound,
    known: Option<&HashSet<String>>,
) -> Result<Channel> {
    let Where { ch } = inbound.body()?;
    let topic = talk.hub.registry().topic(&ch.topic);
    let listens = known.is_none_or(|known| known.contains(&ch.to_string()));
    if !listens || !topic.is_some_and(|topic| topic.typing) {
        return Err(not_there());
    }
    joining::may_join(&talk.ctx, &talk.hub, &talk.conn, &ch).await?;
    Ok(ch)
}

/// What whoever types, or no more, is answered.
pub(super) fn answer(hub: &Hub, starts: bool) -> Value {
    if starts {
        json!({"expires_ms": millis(hub.pace().typing())})
    } else {
        json!({})
    }
}

/// Somebody between two polls types (`starts`), or no more. It is of no connection: what ends it is the time,
/// a message, or their word.
pub(super) async fn apart(talk: &Talk, ch: Channel, starts: bool) -> Result<Value> {
    let (ctx, hub, user_id) = (&talk.ctx, &talk.hub, talk.user.id);
    if starts {
        // Its room, which stays longer than this counts, hears what ends it.
        opening::open(ctx, hub, std::slice::from_ref(&ch)).await?;
        begin(hub, ch, user_id, APART);
    } else {
        lock(&hub.0.typing.own).remove(&(ch.clone(), user_id));
        // It may have begun on another instance, which hears this too.
        hub.signal(signal(ch, user_id, STOPPED, 0));
    }
    Ok(answer(hub, starts))
}

fn place(talk: &Talk, inbound: &Inbound) -> Result<Channel> {
    let Where { ch } = inbound.body()?;
    let room = talk.conn.room(&ch);
    let topic = room.and_then(|room| room.topic);
    if topic.is_some_and(|topic| topic.typing) {
        return Ok(ch);
    }
    Err(not_there())
}

fn not_there() -> Error {
    Error::new(Code::NotFound, "Subscribe to a conversation first.")
}

/// Ends it, if they did type; a message of theirs does that too.
pub(super) fn stopped(hub: &Hub, channel: &Channel, user_id: UserId) {
    let mut typing = lock(&hub.0.typing.own);
    if typing.is_empty() {
        return;
    }
    let did = typing.remove(&(channel.clone(), user_id)).is_some();
    drop(typing);
    if did {
        hub.signal(signal(channel.clone(), user_id, STOPPED, 0));
    }
}

/// Takes note of what a frame says that is about to be passed on.
pub(super) fn hear(hub: &Hub, room: &Room, frame: &Frame) {
    let Some(actor) = frame.actor else { return };
    let ends = |topic: &Topic| topic.typing_ends_at.contains(&&*frame.kind);
    let is_said = room.topic.as_ref().is_some_and(ends);
    let who = || (frame.channel.clone(), actor);
    if frame.kind == STARTED {
        let ends = hub.now() + lasts(hub, frame);
        let until = ends + patience(hub);
        lock(&hub.0.typing.heard).insert(who(), until);
        renew_apart(hub, &who(), ends);
    } else if frame.kind == STOPPED || is_said {
        lock(&hub.0.typing.heard).remove(&who());
        if is_said {
            stopped(hub, &frame.channel, actor);
        } else {
            let mut own = lock(&hub.0.typing.own);
            if own.get(&who()).is_some_and(|since| since.conn == APART) {
                own.remove(&who());
            }
        }
    }
}

/// For how long it is told that somebody types.
fn lasts(hub: &Hub, frame: &Frame) -> u64 {
    let told = frame.text.as_ref().map(Text::json);
    let told = told.and_then(|json| serde_json::from_slice::<Value>(&json).ok());
    let lasts = told.and_then(|event| event.pointer("/d/expires_ms")?.as_u64());
    let most = millis(hub.pace().typing());
    lasts.map_or(most, |lasts| lasts.min(most))
}

/// How much later than its end listeners take it for ended by themselves.
fn patience(hub: &Hub) -> u64 {
    millis(hub.pace().look()) * 2
}

/// Whoever polls may say so again on any instance: none ends what another has renewed.
fn renew_apart(hub: &Hub, who: &(Channel, UserId), ends: u64) {
    let mut own = lock(&hub.0.typing.own);
    if let Some(since) = own.get_mut(who).filter(|since| since.conn == APART) {
        since.ends = since.ends.max(ends);
        since.known = since.ends;
        since.told = hub.now();
    }
}

/// Ends what a connection that is gone was typing.
pub(super) fn left(hub: &Hub, conn: &Conn) {
    end(hub, |since| since.conn == conn.number);
}

/// Ends what was not renewed: for everybody who types here, and for listeners here what an instance told
/// that did not take it back in time.
pub(super) fn expire(ctx: &Ctx, hub: &Hub) {
    let now = hub.now();
    end(hub, |since| since.ends <= now);
    tell_renewed(hub, now);
    let mut ended = Vec::new();
    lock(&hub.0.typing.heard).retain(|who, until| {
        let stays = *until > now;
        if !stays {
            ended.push(who.clone());
        }
        stays
    });
    for (channel, user_id) in ended {
        hub.receive_signal(ctx, &signal(channel, user_id, STOPPED, 0));
    }
}

/// Tells of those who said so again too soon to be told of it then, and later than listeners know.
fn tell_renewed(hub: &Hub, now: u64) {
    let patience = patience(hub);
    let mut renewed = Vec::new();
    for ((channel, user_id), since) in &mut *lock(&hub.0.typing.own) {
        if since.ends > since.known + patience && since.tell(hub) {
            renewed.push((channel.clone(), *user_id, since.ends.saturating_sub(now)));
        }
    }
    for (channel, user_id, lasts) in renewed {
        hub.signal(signal(channel, user_id, STARTED, lasts));
    }
}

fn end(hub: &Hub, which: impl Fn(&Since) -> bool) {
    let mut ended = Vec::new();
    lock(&hub.0.typing.own).retain(|who, since| {
        let ends = which(since);
        if ends {
            ended.push(who.clone());
        }
        !ends
    });
    for (channel, user_id) in ended {
        hub.signal(signal(channel, user_id, STOPPED, 0));
    }
}

fn signal(channel: Channel, user_id: UserId, kind: &'static str, lasts: u64) -> Signal {
    let d = if lasts > 0 {
        json!({"user_id": user_id, "expires_ms": lasts})
    } else {
        json!({"user_id": user_id})
    };
    Signal {
        channel,
        kind,
        class: Class::Ephemeral,
        key: None,
        actor: Some(user_id),
        d,
    }
}
