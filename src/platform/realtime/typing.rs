//! Who types: told when it begins, and ended by the server if the client does not.

use std::collections::HashMap;
use std::sync::Mutex;

use serde::Deserialize;
use serde_json::{Value, json};

use super::conn::Conn;
use super::hub::{Hub, lock, millis};
use super::talk::Talk;
use super::{Channel, Class, Inbound, Signal};
use crate::kernel::{Code, Error, Result, UserId};

/// Who types where.
#[derive(Default)]
pub(super) struct Typing(Mutex<HashMap<(Channel, UserId), Since>>);

struct Since {
    conn: u64,
    told: u64,
    ends: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Where {
    ch: Channel,
}

/// Somebody types.
pub(super) fn start(talk: &Talk, inbound: &Inbound) -> Result<Value> {
    let channel = place(talk, inbound)?;
    let (hub, user_id, now) = (&talk.hub, talk.user.id, talk.hub.now());
    let lasts = millis(hub.pace().typing());
    let is_news = {
        let mut typing = lock(&hub.0.typing.0);
        let since = typing.entry((channel.clone(), user_id)).or_insert(Since {
            conn: talk.conn.number,
            told: 0,
            ends: 0,
        });
        since.conn = talk.conn.number;
        since.ends = now + lasts;
        // Twice within half of the time says nothing new.
        let is_news = since.told == 0 || now.saturating_sub(since.told) >= lasts / 2;
        if is_news {
            since.told = now;
        }
        is_news
    };
    if is_news {
        tell(hub, channel, user_id, "typing.started", lasts);
    }
    Ok(json!({"expires_ms": lasts}))
}

/// Somebody types no more.
pub(super) fn stop(talk: &Talk, inbound: &Inbound) -> Result<Value> {
    let channel = place(talk, inbound)?;
    stopped(&talk.hub, &channel, talk.user.id);
    Ok(json!({}))
}

fn place(talk: &Talk, inbound: &Inbound) -> Result<Channel> {
    let Where { ch } = inbound.body()?;
    let room = talk.conn.room(&ch);
    let topic = room.and_then(|room| room.topic);
    if topic.is_some_and(|topic| topic.typing) {
        return Ok(ch);
    }
    let words = "Subscribe to a conversation first.";
    Err(Error::new(Code::NotFound, words))
}

/// Ends it, if they did type; a message of theirs does that too.
pub(super) fn stopped(hub: &Hub, channel: &Channel, user_id: UserId) {
    let mut typing = lock(&hub.0.typing.0);
    if typing.is_empty() {
        return;
    }
    let did = typing.remove(&(channel.clone(), user_id)).is_some();
    drop(typing);
    if did {
        tell(hub, channel.clone(), user_id, "typing.stopped", 0);
    }
}

/// Ends what a connection that is gone was typing.
pub(super) fn left(hub: &Hub, conn: &Conn) {
    end(hub, |since| since.conn == conn.number);
}

/// Ends what was not renewed.
pub(super) fn expire(hub: &Hub) {
    let now = hub.now();
    end(hub, |since| since.ends <= now);
}

fn end(hub: &Hub, which: impl Fn(&Since) -> bool) {
    let mut ended = Vec::new();
    lock(&hub.0.typing.0).retain(|who, since| {
        let ends = which(since);
        if ends {
            ended.push(who.clone());
        }
        !ends
    });
    for (channel, user_id) in ended {
        tell(hub, channel, user_id, "typing.stopped", 0);
    }
}

fn tell(hub: &Hub, channel: Channel, user_id: UserId, kind: &'static str, lasts: u64) {
    let d = if lasts > 0 {
        json!({"user_id": user_id, "expires_ms": lasts})
    } else {
        json!({"user_id": user_id})
    };
    hub.signal(Signal {
        channel,
        kind,
        class: Class::Ephemeral,
        key: None,
        actor: Some(user_id),
        d,
    });
}
