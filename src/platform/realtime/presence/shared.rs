//! Presence as all instances know it, in Redis: the leases of each person, what was told of each, and
//! when somebody is to be looked at again. One of the instances does that.

use std::collections::HashMap;

use redis::Pipeline;

use super::local::Lease;
use super::{Presence, TOPIC};
use crate::infra::redis::{PATIENT, Script};
use crate::kernel::UserId;
use crate::platform::Ctx;
use crate::platform::realtime::hub::{Hub, millis};
use crate::platform::realtime::pace::Pace;

/// The scripts that a connection must have loaded.
pub const SCRIPTS: &[&Script] = &[&TOUCH, &DUE];

/// People who are looked at together.
pub(super) const AT_ONCE: usize = 200;
/// The field beside those of people by which it is known again what was told of them: where it is lost, so
/// are they.
const MEMORY: &str = "memory";

/// What a word of a person's presence begins with, between instances; frames begin with a brace.
pub(in crate::platform::realtime) const MARK: &[u8] = b"@";

/// Renews a lease, or looks whether any has run out, and tells what has changed in the same step: what was told
/// would otherwise stand there although whoever was to tell it had died. It gives that too, for those who do
/// not hear Redis.
static TOUCH: Script = Script::new(|| {
    redis::Script::new(
        r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local user, device, state = ARGV[1], ARGV[2], ARGV[3]
local lasts, calm, life = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
if device ~= '' then
    redis.call('ZREM', KEYS[1], 'o:' .. device, 'a:' .. device)
    if lasts > 0 then redis.call('ZADD', KEYS[1], now + lasts, state .. ':' .. device) end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local leases = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
local is, due = 'f', nil
for place = 1, #leases, 2 do
    local one = string.sub(leases[place], 1, 1)
    if one == 'o' or is == 'f' then is = one end
    local ends = tonumber(leases[place + 1])
    if due == nil or ends < due then due = ends end
end
if #leases > 0 then redis.call('PEXPIRE', KEYS[1], life) end
local told = redis.call('HGET', KEYS[2], user)
local was, at = 'f', 0
if told then
    was = string.sub(told, 1, 1)
    at = tonumber(string.sub(told, 3))
end
local change = ''
if is ~= was then
    if now - at >= calm then
        change = is
        redis.call('PUBLISH', ARGV[7], '@' .. is)
        redis.call('HSET', KEYS[2], user, is .. ':' .. now)
        if is == 'f' then due = now + calm end
    elseif due == nil or at + calm < due then
        due = at + calm
    end
elseif is == 'f' then
    if told and now - at < calm then due = at + calm else redis.call('HDEL', KEYS[2], user) end
end
if due then redis.call('ZADD', KEYS[3], due, user) else redis.call('ZREM', KEYS[3], user) end
redis.call('PEXPIRE', KEYS[2], life)
redis.call('PEXPIRE', KEYS[3], life)
return change
",
    )
});

/// Takes those who are to be looked at; nobody else takes them within the next second. Names the memory
/// that what was told is in, and gives it this name if it has none.
static DUE: Script = Script::new(|| {
    redis::Script::new(
        r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSETNX', KEYS[2], ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
for _, user in ipairs(due) do redis.call('ZADD', KEYS[1], now + 1000, user) end
return {redis.call('HGET', KEYS[2], ARGV[2]), due}
",
    )
});

fn add_touch(pipe: &mut Pipeline, ctx: &Ctx, pace: Pace, user: &str, lease: Option<&Lease>) {
    let redis = ctx.redis();
    let heard_at = redis.key(format_args!("live:{TOPIC}:{user}"));
    let (device, state, lasts) = match lease {
        Some(lease) if lease.presence == Presence::Away => {
            (lease.device.as_str(), "a", lease.lasts)
        }
        Some(lease) => (lease.device.as_str(), "o", lease.lasts),
        None => ("", "", 0),
    };
    pipe.cmd("EVALSHA")
        .arg(TOUCH.get_hash())
        .arg(3)
        .arg(redis.key(format_args!("live:leases:{user}")))
        .arg(redis.key("live:present"))
        .arg(redis.key("live:due"))
        .arg(user)
        .arg(device)
        .arg(state)
        .arg(lasts)
        .arg(millis(pace.coalesce()))
        .arg(millis(pace.lease()) * 4)
        .arg(heard_at);
}

/// Renews leases and tells what has changed; gives that, or nothing without Redis.
pub(super) async fn touch(
    ctx: &Ctx,
    pace: Pace,
    leases: &[&Lease],
) -> Option<Vec<(UserId, Presence)>> {
    if !ctx.redis().is_up() {
        return None;
    }
    let mut pipe = Pipeline::new();
    for lease in leases {
        add_touch(
            &mut pipe,
            ctx,
            pace,
            &lease.user_id.to_string(),
            Some(lease),
        );
    }
    let told: Vec<String> = ctx.redis().query_within(&pipe, PATIENT).await.ok()?;
    let changes = leases.iter().zip(told);
    Some(
        changes
            .filter_map(|(lease, told)| Some((lease.user_id, read(&told)?)))
            .collect(),
    )
}

/// What was found when people were looked at.
pub(super) struct Due {
    /// Names the memory that it was found in.
    pub(super) memory: String,
    /// How many people were looked at.
    pub(super) looked: usize,
    /// What was told of them.
    pub(super) changes: Vec<(UserId, Presence)>,
}

/// Tells what has changed of at most so many people because leases ran out, or what was held back; nothing
/// without Redis.
pub(super) async fn due(ctx: &Ctx, hub: &Hub, most: usize) -> Option<Due> {
    let run = ctx.redis().run_id()?;
    let mut pipe = Pipeline::new();
    pipe.cmd("EVALSHA")
        .arg(DUE.get_hash())
        .arg(2)
        .arg(ctx.redis().key("live:due"))
        .arg(ctx.redis().key("live:present"))
        .arg(most)
        .arg(MEMORY)
        .arg(format!("{}@{}", hub.signature(0), hub.now()))
        .arg(millis(hub.pace().lease()) * 4);
    let found = ctx.redis().query_within(&pipe, PATIENT).await.ok()?;
    let ((memory, users),): ((String, Vec<String>),) = found;
    let mut pipe = Pipeline::new();
    for user in &users {
        add_touch(&mut pipe, ctx, hub.pace(), user, None);
    }
    let mut told: Vec<String> = Vec::new();
    if !users.is_empty() {
        told = ctx.redis().query_within(&pipe, PATIENT).await.ok()?;
    }
    let changes = users.iter().zip(told);
    Some(Due {
        memory: named(&run, &memory),
        looked: users.len(),
        changes: changes
            .filter_map(|(user, told)| Some((user.parse().ok()?, read(&told)?)))
            .collect(),
    })
}

/// Another run of the server may have begun with an old copy of the same memory.
fn named(run: &str, memory: &str) -> String {
    format!("{run} {memory}")
}

/// What was told of these people last; nothing without Redis. Where it may have forgotten some, it cannot
/// be known how those are of whom it knows nothing.
pub(super) async fn find(
    ctx: &Ctx,
    hub: &Hub,
    ids: &[UserId],
) -> Option<HashMap<UserId, Presence>> {
    if ids.is_empty() {
        return None;
    }
    let run = ctx.redis().run_id()?;
    let mut pipe = Pipeline::new();
    pipe.cmd("HMGET").arg(ctx.redis().key("live:present"));
    for id in ids {
        pipe.arg(id.to_string());
    }
    pipe.arg(MEMORY);
    let (mut told,): (Vec<Option<String>>,) = ctx.redis().query(&pipe).await.ok()?;
    let memory = told.pop().flatten().unwrap_or_default();
    let absent = if hub.0.memory.is_doubted(&named(&run, &memory)) {
        Presence::Stale
    } else {
        Presence::Offline
    };
    let known = ids.iter().zip(told);
    Some(
        known
            .map(|(id, told)| {
                let presence = told.as_deref().and_then(read);
                (*id, presence.unwrap_or(absent))
            })
            .collect(),
    )
}

/// Reads how somebody is said to be.
pub(super) fn read(told: &str) -> Option<Presence> {
    match told.as_bytes().first()? {
        b'o' => Some(Presence::Online),
        b'a' => Some(Presence::Away),
        b'f' => Some(Presence::Offline),
        _ => None,
    }
}
