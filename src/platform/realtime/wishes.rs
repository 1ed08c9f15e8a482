//! What is known of a connection that is no socket beside its cursor, kept where every instance finds
//! it: what it has asked to listen to since, what it listened to when it came last, whether its person is
//! away from it.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use redis::Pipeline;
use serde::{Deserialize, Serialize};

use super::Channel;
use super::conn::Transport;
use super::cursor::MOST_CHANNELS;
use super::hub::{Hub, lock, millis};
use super::joining::{self, Ask};
use super::replay::Position;
use crate::infra::redis::PATIENT;
use crate::kernel::Result;
use crate::platform::Ctx;

/// What is known of each connection by its name, where there is no Redis, and until when.
pub(super) type Wishes = Mutex<HashMap<String, (u64, Fields)>>;

/// As it is kept: wishes by the names of channels, and the other facts by theirs.
type Fields = HashMap<String, String>;

/// From where to listen to each channel; nothing is no more.
pub(super) type Wanted = HashMap<Channel, Option<Position>>;

/// Channels of one connection that are remembered before those that it has left are forgotten.
const MOST_CHANNELS_NOTED: usize = 2 * MOST_CHANNELS;
/// Names that are remembered without Redis before old ones are forgotten.
const MOST: usize = 10_000;
/// What a connection held when it came last. Names of channels have a colon.
const HELD: &str = "held";
/// Whether the person is away.
const AWAY: &str = "away";

/// What is known of a connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Noted {
    /// What it has asked for.
    pub(super) wanted: Wanted,
    /// What it held when it came last.
    pub(super) held: Option<Held>,
    /// Whether its person is away.
    pub(super) is_away: bool,
}

/// What a connection held when it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    /// Whether it is a stream, and no poll.
    pub(super) is_stream: bool,
    /// Its channels, beside those of everybody.
    pub(super) channels: Vec<String>,
}

impl Noted {
    fn of(fields: &Fields) -> Self {
        let channels = fields.iter().filter_map(|(channel, position)| {
            let channel = channel.parse().ok()?;
            Some((channel, serde_json::from_str(position).ok()?))
        });
        let held = fields.get(HELD);
        Self {
            wanted: channels.collect(),
            held: held.and_then(|held| serde_json::from_str(held).ok()),
            is_away: fields.get(AWAY).is_some_and(|away| away == "true"),
        }
    }

    /// Whether it is known to be a stream, which lasts.
    pub(super) fn is_stream(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.is_stream)
    }

    /// What it listens to by now; nothing where that is not known.
    pub(super) fn channels(&self) -> Option<HashSet<String>> {
        let held = self.held.as_ref()?.channels.iter().cloned();
        Some(self.changed(held.collect()))
    }

    /// These channels, as they are after what it has asked for.
    fn changed(&self, mut channels: HashSet<String>) -> HashSet<String> {
        for (channel, position) in &self.wanted {
            if position.is_some() {
                channels.insert(channel.to_string());
            } else {
                channels.remove(&channel.to_string());
            }
        }
        channels
    }

    /// What it has left for good, once more is noted of it than it may listen to. What it held when it came
    /// last it would listen to again.
    fn left(&self) -> Vec<Channel> {
        if self.wanted.len() < MOST_CHANNELS_NOTED {
            return Vec::new();
        }
        let held = self.held.as_ref().map(|held| &held.channels);
        let is_held = |name: &String| held.is_some_and(|held| held.contains(name));
        let left = self
            .wanted
            .iter()
            .filter(|(channel, position)| position.is_none() && !is_held(&channel.to_string()));
        left.map(|(channel, _)| channel.clone()).collect()
    }

    /// Refuses more channels than a connection of this kind may listen to.
    pub(super) fn guard(&self, asks: &[Ask]) -> Result<()> {
        let known = self.channels();
        let mut channels = known.unwrap_or_else(|| self.changed(HashSet::new()));
        channels.extend(asks.iter().map(|ask| ask.channel.to_string()));
        if channels.len() > MOST_CHANNELS {
            return Err(joining::too_many(Transport::Poll));
        }
        Ok(())
    }
}

/// Notes that a connection, of which so much was known, wants to listen to channels, or no more.
pub(super) async fn want(ctx: &Ctx, hub: &Hub, live: &str, noted: &Noted, wanted: Wanted) {
    let mut left = noted.left();
    left.retain(|channel| !wanted.contains_key(channel));
    forget(ctx, hub, live, &left).await;
    let fields = wanted.into_iter().map(|(channel, position)| {
        let position = serde_json::to_string(&position).unwrap_or_default();
        (channel.to_string(), position)
    });
    note(ctx, hub, live, fields.collect()).await;
}

/// Notes what a connection holds that has come.
pub(super) async fn hold(ctx: &Ctx, hub: &Hub, live: &str, held: &Held) {
    let held = serde_json::to_string(held).unwrap_or_default();
    note(ctx, hub, live, Fields::from([(HELD.to_owned(), held)])).await;
}

/// Notes whether the person of a connection is away.
pub(super) async fn set_away(ctx: &Ctx, hub: &Hub, live: &str, is_away: bool) {
    let fields = Fields::from([(AWAY.to_owned(), is_away.to_string())]);
    note(ctx, hub, live, fields).await;
}

async fn note(ctx: &Ctx, hub: &Hub, live: &str, fields: Fields) {
    if fields.is_empty() {
        return;
    }
    let life = millis(hub.pace().resumable());
    if ctx.redis().is_up() {
        let key = ctx.redis().key(format_args!("live:wishes:{live}"));
        let mut pipe = Pipeline::new();
        for (name, value) in &fields {
            pipe.cmd("HSET").arg(&key).arg(name).arg(value).ignore();
        }
        pipe.cmd("PEXPIRE").arg(&key).arg(life).ignore();
        let noted: Result<(), _> = ctx.redis().query_within(&pipe, PATIENT).await;
        if noted.is_ok() {
            return;
        }
    }
    let now = hub.now();
    let mut wishes = lock(&hub.0.wishes_alone);
    if wishes.len() >= MOST {
        wishes.retain(|_, (until, _)| *until > now);
    }
    let (until, known) = wishes.entry(live.to_owned()).or_default();
    *until = now + life;
    known.extend(fields);
}

/// Forgets what was wished of these channels.
pub(super) async fn forget(ctx: &Ctx, hub: &Hub, live: &str, channels: &[Channel]) {
    if channels.is_empty() {
        return;
    }
    if let Some((_, known)) = lock(&hub.0.wishes_alone).get_mut(live) {
        for channel in channels {
            known.remove(&channel.to_string());
        }
    }
    if ctx.redis().is_up() {
        let mut pipe = Pipeline::new();
        pipe.cmd("HDEL")
            .arg(ctx.redis().key(format_args!("live:wishes:{live}")));
        for channel in channels {
            pipe.arg(channel.to_string());
        }
        let forgotten: Result<(i64,), _> = ctx.redis().query_within(&pipe, PATIENT).await;
        if let Err(error) = forgotten {
            tracing::debug!(?error, "wishes could not be forgotten");
        }
    }
}

/// What is known of a connection, which is remembered for a while from now on.
pub(super) async fn find(ctx: &Ctx, hub: &Hub, live: &str) -> Noted {
    let life = millis(hub.pace().resumable());
    let mut fields = lock(&hub.0.wishes_alone)
        .get_mut(live)
        .map(|(until, fields)| {
            *until = hub.now() + life;
            fields.clone()
        })
        .unwrap_or_default();
    fields.extend(find_shared(ctx, hub, live).await);
    Noted::of(&fields)
}

/// What a connection has asked for where every instance finds it. What was noted here alone may be newer, and
/// is left out.
pub(super) async fn find_elsewhere(ctx: &Ctx, hub: &Hub, live: &str) -> Wanted {
    let mut fields = find_shared(ctx, hub, live).await;
    if let Some((_, own)) = lock(&hub.0.wishes_alone).get(live) {
        fields.retain(|name, _| !own.contains_key(name));
    }
    Noted::of(&fields).wanted
}

async fn find_shared(ctx: &Ctx, hub: &Hub, live: &str) -> Fields {
    if !ctx.redis().is_up() {
        return Fields::new();
    }
    let key = ctx.redis().key(format_args!("live:wishes:{live}"));
    let mut pipe = Pipeline::new();
    pipe.cmd("HGETALL").arg(&key);
    pipe.cmd("PEXPIRE")
        .arg(&key)
        .arg(millis(hub.pace().resumable()))
        .ignore();
    let found: Result<(Fields,), _> = ctx.redis().query_within(&pipe, PATIENT).await;
    found.map(|(found,)| found).unwrap_or_default()
}
