//! Who listens on which instance, in Redis: an entry for each instance and channel, which counts while
//! the instance renews its lease. Without Redis an instance knows of itself alone.

use std::collections::HashMap;
use std::sync::Arc;

use redis::Pipeline;

use super::crowd::Crowd;
use crate::infra::redis::{PATIENT, Script};
use crate::platform::Ctx;
use crate::platform::realtime::hub::{Hub, millis};
use crate::platform::realtime::room::Room;
use crate::platform::realtime::{Channel, hot};

/// What the word begins with by which an instance says that it has reported; its name follows.
pub const MARK: &[u8] = b"#";
/// Channels in one round trip.
pub const AT_ONCE: usize = 200;
/// Entries of a channel outlive their last change by so many milliseconds, and are written anew often
/// enough.
const KEPT: u64 = 3 * 60 * 60 * 1_000;
const ANEW: u64 = 60 * 60 * 1_000;

/// Renews the lease of an instance. Says whether there was none, and gives those that live.
pub static RENEW: Script = Script::new(|| {
    redis::Script::new(
        r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local is_new = redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('PEXPIRE', KEYS[1], ARGV[2] * 4)
return {is_new, redis.call('ZRANGE', KEYS[1], 0, -1)}
",
    )
});

/// The instances that live.
#[derive(Debug, Default)]
pub(super) struct Instances {
    /// The others; `None` without Redis.
    others: Option<Vec<String>>,
    /// When it was last said that this one lives, on the hub's clock.
    renewed: u64,
    /// When everything was reported anew, on the hub's clock.
    reported: u64,
    /// Until when others may not have reported anew what Redis has lost, on the hub's clock.
    settles: u64,
    /// Whether there was Redis at any time.
    was_shared: bool,
}

/// What has changed since the round before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct News {
    /// What this instance has reported may be lost.
    pub(super) is_unsure: bool,
    /// What others have may be otherwise everywhere.
    pub(super) have_changed: bool,
}

impl Instances {
    /// Says that this instance lives, and learns which others do. `is_unsure`: Redis may have lost what
    /// was reported.
    pub(super) async fn renew(&mut self, ctx: &Ctx, hub: &Hub, is_unsure: bool) -> News {
        let (living, now) = (find_living(ctx, hub).await, hub.now());
        // A lease that is gone before its time was lost with whatever else there was.
        let is_early = now.saturating_sub(self.renewed) < millis(hub.pace().lease());
        let is_forgotten = is_early && living.as_ref().is_some_and(|living| living.is_new);
        if living.is_some() {
            self.renewed = now;
        }
        let others = living.map(|living| living.others);
        let is_back = others.is_some() && (is_unsure || is_forgotten || self.others.is_none());
        if is_back && self.was_shared {
            // The others need a moment too; until then what was known of them counts.
            self.settles = now + millis(hub.pace().lease()) / 3;
        }
        let is_settled = self.settles > 0 && now >= self.settles;
        if is_settled {
            self.settles = 0;
        }
        let is_time = others.is_some() && now.saturating_sub(self.reported) > ANEW;
        if is_back || is_time {
            self.reported = now;
        }
        let have_changed = is_settled || others != self.others;
        self.was_shared |= others.is_some();
        self.others = others;
        News {
            is_unsure: is_back || is_time,
            have_changed,
        }
    }

    /// Tells the others who is here, unless there is no Redis. Gives for each channel whether there was no
    /// entry of this instance.
    pub(super) async fn report(
        &self,
        ctx: &Ctx,
        hub: &Hub,
        reports: &[(Arc<Room>, Crowd)],
    ) -> Option<Vec<bool>> {
        self.others.as_ref()?;
        let own = hub.signature(0);
        let word = [MARK, own.as_bytes()].concat();
        let mut pipe = Pipeline::new();
        for (room, here) in reports {
            let key = key_of(ctx, &room.channel);
            let entry = serde_json::to_string(here).unwrap_or_default();
            if here.is_empty() {
                pipe.cmd("HDEL").arg(&key).arg(&own);
            } else {
                pipe.cmd("HSET").arg(&key).arg(&own).arg(entry);
                pipe.cmd("PEXPIRE").arg(&key).arg(KEPT).ignore();
            }
            let topic = hot::topic_of(ctx.redis(), &room.channel);
            pipe.cmd("PUBLISH").arg(topic).arg(&word).ignore();
        }
        let told: Vec<i64> = ctx.redis().query_within(&pipe, PATIENT).await.ok()?;
        let had_none = |((_, here), count): (&(_, Crowd), i64)| here.is_empty() != (count > 0);
        Some(reports.iter().zip(told).map(had_none).collect())
    }

    /// Who listens to these channels on other instances, as far as that can be known: not where Redis has
    /// lost what this one has reported.
    pub(super) async fn find(
        &self,
        ctx: &Ctx,
        hub: &Hub,
        rooms: &[Arc<Room>],
    ) -> HashMap<Channel, Crowd> {
        let mut found = HashMap::new();
        let Some(others) = self.others.as_deref().filter(|_| self.settles == 0) else {
            return found;
        };
        if others.is_empty() {
            let channels = rooms.iter().map(|room| room.channel.clone());
            return channels
                .map(|channel| (channel, Crowd::default()))
                .collect();
        }
        let own = hub.signature(0);
        for some in rooms.chunks(AT_ONCE) {
            let mut pipe = Pipeline::new();
            for room in some {
                pipe.cmd("HMGET")
                    .arg(key_of(ctx, &room.channel))
                    .arg(&own)
                    .arg(others);
            }
            let entries: Result<Vec<Vec<Option<String>>>, _> =
                ctx.redis().query_within(&pipe, PATIENT).await;
            let Ok(entries) = entries else {
                // Nobody has gone because they could not be asked about.
                super::doubt(hub);
                continue;
            };
            for (room, mut entries) in some.iter().zip(entries) {
                let is_known = !entries.is_empty() && entries.remove(0).is_some();
                if !is_known && has_reported(room) {
                    super::lose(hub, room);
                    continue;
                }
                let crowds = entries.iter().flatten();
                let crowds = crowds.filter_map(|entry| serde_json::from_str::<Crowd>(entry).ok());
                let all = crowds.fold(Crowd::default(), |all, one| all.with(&one));
                found.insert(room.channel.clone(), all);
            }
        }
        found
    }
}

/// Whether others were told that somebody is here.
pub(super) fn has_reported(room: &Room) -> bool {
    let state = room.lock();
    state.reported.as_ref().is_some_and(|here| !here.is_empty())
}

/// The instances that live, as Redis says.
struct Living {
    /// Whether it did not know this one.
    is_new: bool,
    others: Vec<String>,
}

async fn find_living(ctx: &Ctx, hub: &Hub) -> Option<Living> {
    if !ctx.redis().is_up() {
        return None;
    }
    let own = hub.signature(0);
    let mut pipe = Pipeline::new();
    pipe.cmd("EVALSHA")
        .arg(RENEW.get_hash())
        .arg(1)
        .arg(ctx.redis().key("live:instances"))
        .arg(&own)
        .arg(millis(hub.pace().lease()));
    let found = ctx.redis().query_within(&pipe, PATIENT).await.ok()?;
    let ((is_new, mut others),): ((bool, Vec<String>),) = found;
    others.retain(|name| *name != own);
    others.sort_unstable();
    Some(Living { is_new, others })
}

fn key_of(ctx: &Ctx, channel: &Channel) -> String {
    ctx.redis().key(format_args!("live:room:{channel}"))
}
