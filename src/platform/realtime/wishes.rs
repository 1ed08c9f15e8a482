//! What a connection that is no socket has asked to listen to since its last poll, kept where every
//! instance finds it.

use std::collections::HashMap;
use std::sync::Mutex;

use redis::Pipeline;

use super::Channel;
use super::hub::{Hub, lock, millis};
use super::replay::Position;
use crate::infra::redis::PATIENT;
use crate::platform::Ctx;

/// The wishes of each connection by its name, where there is no Redis.
pub(super) type Wishes = Mutex<HashMap<String, (u64, Wanted)>>;

/// From where to listen to each channel; nothing is no more.
pub(super) type Wanted = HashMap<Channel, Option<Position>>;

/// Names that are remembered without Redis before old ones are forgotten.
const MOST: usize = 10_000;

/// Notes that a connection wants to listen to channels, or no more.
pub(super) async fn note(ctx: &Ctx, hub: &Hub, live: &str, wanted: Wanted) {
    if wanted.is_empty() {
        return;
    }
    let life = millis(hub.pace().resumable());
    if ctx.redis().is_up() {
        let key = ctx.redis().key(format_args!("live:wishes:{live}"));
        let mut pipe = Pipeline::new();
        for (channel, position) in &wanted {
            let position = serde_json::to_string(position).unwrap_or_default();
            pipe.cmd("HSET")
                .arg(&key)
                .arg(channel.to_string())
                .arg(position)
                .ignore();
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
    known.extend(wanted);
}

/// What a connection wants.
pub(super) async fn find(ctx: &Ctx, hub: &Hub, live: &str) -> Wanted {
    let mut wanted = lock(&hub.0.wishes_alone)
        .get(live)
        .map(|(_, wanted)| wanted.clone())
        .unwrap_or_default();
    if ctx.redis().is_up() {
        let mut pipe = Pipeline::new();
        pipe.cmd("HGETALL")
            .arg(ctx.redis().key(format_args!("live:wishes:{live}")));
        let found: Result<(HashMap<String, String>,), _> =
            ctx.redis().query_within(&pipe, PATIENT).await;
        let (found,) = found.unwrap_or_default();
        wanted.extend(found.into_iter().filter_map(|(channel, position)| {
            let channel = channel.parse().ok()?;
            Some((channel, serde_json::from_str(&position).ok()?))
        }));
    }
    wanted
}
