//! The newest events of each stream in Redis, without content: a short absence is made good without
//! asking Postgres. What is missing among them is seen when they are read.

use redis::Pipeline;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::frame::Frame;
use super::hub::millis;
use super::pace::Pace;
use super::{Channel, Offset, Told};
use crate::infra::redis::{Redis, Script};
use crate::kernel::clock::micros;
use crate::kernel::{Error, Result, Timestamp, UserId};
use crate::platform::Ctx;

/// Events that are kept of a stream.
pub const KEPT: i64 = 512;

/// Keeps an event among the newest of its stream and tells it in the same step. Two instances may tell in another
/// order than they wrote: each has its place.
pub static TELL: Script = Script::new(|| {
    redis::Script::new(
        r"
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[1] .. ' ' .. ARGV[2])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return redis.call('PUBLISH', ARGV[5], ARGV[6])
",
    )
});

/// An event as it lies in Redis.
#[derive(Serialize, Deserialize)]
struct Kept {
    k: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    i: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    a: Option<UserId>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    d: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    p: Option<String>,
    #[serde(with = "micros")]
    t: Timestamp,
}

/// The channel of Redis by which instances hear of a channel of ours.
pub(super) fn topic_of(redis: &Redis, channel: &Channel) -> String {
    redis.key(format_args!("live:{channel}"))
}

fn key(redis: &Redis, epoch: &str, channel: &Channel) -> String {
    redis.key(format_args!("live:recent:{epoch}:{channel}"))
}

/// Adds an event to a pipeline: keeps it, and tells the instances.
pub(super) fn add_event(
    pipe: &mut Pipeline,
    ctx: &Ctx,
    pace: Pace,
    epoch: &str,
    told: &Told,
    frame: &Frame,
) -> Result<()> {
    let redis = ctx.redis();
    let kept = Kept {
        k: told.kind.clone(),
        i: told.object_id,
        a: told.actor,
        d: told.detail.clone(),
        p: told.op_id.clone(),
        t: told.at,
    };
    pipe.cmd("EVALSHA")
        .arg(TELL.get_hash())
        .arg(1)
        .arg(key(redis, epoch, &told.channel))
        .arg(told.offset)
        .arg(serde_json::to_vec(&kept).map_err(Error::internal)?)
        .arg(KEPT)
        .arg(millis(pace.resumable() * 2))
        .arg(topic_of(redis, &told.channel))
        .arg(frame.to_wire(ctx.cache().known_voids())?)
        .ignore();
    Ok(())
}

/// Adds a signal to a pipeline.
pub(super) fn add_signal(pipe: &mut Pipeline, ctx: &Ctx, frame: &Frame) -> Result<()> {
    pipe.cmd("PUBLISH")
        .arg(topic_of(ctx.redis(), &frame.channel))
        .arg(frame.to_wire(ctx.cache().known_voids())?)
        .ignore();
    Ok(())
}

/// The events after `after` up to `top`, if all of them are there.
pub(super) async fn find(
    redis: &Redis,
    epoch: &str,
    channel: &Channel,
    after: Offset,
    top: Offset,
) -> Option<Vec<Told>> {
    if top - after > KEPT || !redis.is_up() {
        return None;
    }
    let mut pipe = Pipeline::new();
    pipe.cmd("ZRANGEBYSCORE")
        .arg(key(redis, epoch, channel))
        .arg(after + 1)
        .arg(top);
    let (entries,): (Vec<Vec<u8>>,) = redis.query(&pipe).await.ok()?;
    let told: Vec<Told> = entries
        .iter()
        .filter_map(|entry| read(channel, entry))
        .collect();
    is_whole(&told, after, top).then_some(told)
}

/// Reads an entry: a place, and what stands there.
fn read(channel: &Channel, entry: &[u8]) -> Option<Told> {
    let gap = entry.iter().position(|byte| *byte == b' ')?;
    let (place, facts) = entry.split_at_checked(gap)?;
    let kept: Kept = serde_json::from_slice(facts).ok()?;
    Some(Told {
        channel: channel.clone(),
        offset: std::str::from_utf8(place).ok()?.parse().ok()?,
        kind: kept.k,
        object_id: kept.i,
        actor: kept.a,
        detail: kept.d,
        op_id: kept.p,
        at: kept.t,
    })
}

/// Whether these are all events after `after` up to `top`.
pub(super) fn is_whole(told: &[Told], after: Offset, top: Offset) -> bool {
    let wanted = after + 1..=top;
    told.len() == usize::try_from(top - after).unwrap_or_default()
        && told.iter().map(|told| told.offset).eq(wanted)
}
