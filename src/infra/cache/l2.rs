//! The layer in Redis: entries beside the stamps of their tags.
//!
//! An entry is believed only if every stamp that it carries is there and equal. Voiding a tag sets a
//! new stamp, so an entry that was loaded before and arrives late is void by itself.

use std::collections::HashMap;
use std::time::Duration;

use redis::{Pipeline, Value};

use super::entry::{Head, Stamp};
use crate::infra::redis::{Away, Redis, Script};

/// Makes a void known to all processes.
pub(super) static VOID: Script = Script::new(|| redis::Script::new(include_str!("void.lua")));
/// Begins an epoch.
pub(super) static ADOPT: Script = Script::new(|| redis::Script::new(include_str!("adopt.lua")));

/// How long the state of the sequence stays while nobody writes.
pub(super) const STATE_LIFE: Duration = Duration::from_hours(7 * 24);
/// How long one process may keep others from loading what it loads.
const LEASE: Duration = Duration::from_secs(3);

/// An entry that somebody wants: its key, and the keys of its tags' stamps.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) key: String,
    pub(super) tags: Vec<String>,
}

/// What Redis has of an entry.
#[derive(Debug)]
pub(super) enum Seen {
    /// It counts.
    Hit(Head, Vec<u8>),
    /// There is none; the stamps that its tags have.
    Miss(Vec<Option<Stamp>>),
    /// There is one that no longer counts.
    Void(Vec<Option<Stamp>>),
    /// There is something that is no entry.
    Foreign(Vec<Option<Stamp>>),
}

/// What was made ready for a load.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The stamps of all tags, before the load.
    pub(super) stamps: Vec<Stamp>,
    /// Whether this process is the one to load.
    pub(super) leads: bool,
}

/// One command for some entries and the stamps of all their tags.
pub(super) struct Look {
    places: HashMap<String, usize>,
    names: Vec<String>,
}

impl Look {
    /// What is to be asked for.
    pub(super) fn at(wanted: &[Wanted]) -> Self {
        let mut places = HashMap::new();
        let mut names: Vec<String> = wanted.iter().map(|one| one.key.clone()).collect();
        for tag in wanted.iter().flat_map(|one| &one.tags) {
            places.entry(tag.clone()).or_insert_with(|| {
                names.push(tag.clone());
                names.len() - 1
            });
        }
        Self { places, names }
    }

    /// Adds the command to a pipeline.
    pub(super) fn ask(&self, pipe: &mut Pipeline) {
        pipe.cmd("MGET").arg(&self.names);
    }

    /// What the reply says of each entry.
    pub(super) fn judge(&self, wanted: &[Wanted], found: &[Reply]) -> Vec<Seen> {
        let stamp = |tag: &String| -> Option<Stamp> {
            let place = self.places.get(tag)?;
            found.get(*place)?.as_deref()?.try_into().ok()
        };
        let judged = wanted.iter().enumerate().map(|(index, one)| {
            let stamps: Vec<Option<Stamp>> = one.tags.iter().map(stamp).collect();
            let Some(bytes) = found.get(index).and_then(Option::as_deref) else {
                return Seen::Miss(stamps);
            };
            match Head::decode(bytes) {
                Some((head, value)) if believed(&head.stamps, &stamps) => {
                    Seen::Hit(head, value.to_vec())
                }
                Some(_) => Seen::Void(stamps),
                None => Seen::Foreign(stamps),
            }
        });
        judged.collect()
    }
}

/// Reads entries and stamps in one command.
pub(super) async fn read(redis: &Redis, wanted: &[Wanted]) -> Result<Vec<Seen>, Away> {
    let look = Look::at(wanted);
    let mut pipe = Pipeline::new();
    look.ask(&mut pipe);
    let (found,): (Vec<Reply>,) = redis.query(&pipe).await?;
    Ok(look.judge(wanted, &found))
}

/// Whether every stamp is there and equal.
fn believed(carried: &[Stamp], present: &[Option<Stamp>]) -> bool {
    carried.len() == present.len()
        && carried
            .iter()
            .zip(present)
            .all(|(carried, present)| Some(*carried) == *present)
}

/// Makes the stamps that are missing, and asks for the right to load each entry.
pub(super) async fn prepare(
    redis: &Redis,
    wanted: &[(Wanted, Vec<Option<Stamp>>)],
    stamp_life: Duration,
) -> Result<Vec<Prepared>, Away> {
    let mut pipe = Pipeline::new();
    for (one, _) in wanted {
        pipe.cmd("SET")
            .arg(lease(&one.key))
            .arg(1)
            .arg("NX")
            .arg("PX")
            .arg(millis(LEASE));
    }
    let (stamps, leases) = stamp(redis, pipe, wanted, stamp_life).await?;
    let prepared = stamps.into_iter().zip(leases);
    Ok(prepared
        .map(|(stamps, lease)| Prepared {
            stamps,
            leads: lease.is_some(),
        })
        .collect())
}

/// The stamps of all tags; those that are missing are made.
pub(super) async fn make_stamps(
    redis: &Redis,
    wanted: &[(Wanted, Vec<Option<Stamp>>)],
    stamp_life: Duration,
) -> Result<Vec<Vec<Stamp>>, Away> {
    let (stamps, _) = stamp(redis, Pipeline::new(), wanted, stamp_life).await?;
    Ok(stamps)
}

/// A reply that may be nothing.
pub(super) type Reply = Option<Vec<u8>>;

/// The bytes of a reply; an `OK`, which has none, is something too.
fn reply(value: Value) -> Reply {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::Okay | Value::SimpleString(_) => Some(Vec::new()),
        _ => None,
    }
}

/// Makes missing stamps at the end of `pipe`, and gives back what its first commands answered.
async fn stamp(
    redis: &Redis,
    mut pipe: Pipeline,
    wanted: &[(Wanted, Vec<Option<Stamp>>)],
    stamp_life: Duration,
) -> Result<(Vec<Vec<Stamp>>, Vec<Reply>), Away> {
    let before = pipe.len();
    let mut made: HashMap<&str, Stamp> = HashMap::new();
    let mut order = Vec::new();
    for (one, stamps) in wanted {
        for (tag, stamp) in one.tags.iter().zip(stamps) {
            if stamp.is_none() && !made.contains_key(tag.as_str()) {
                let fresh: Stamp = rand::random();
                made.insert(tag, fresh);
                order.push(tag.as_str());
                let set = pipe
                    .cmd("SET")
                    .arg(tag)
                    .arg(&fresh[..])
                    .arg("NX")
                    .arg("GET");
                set.arg("PX").arg(millis(stamp_life));
            }
        }
    }
    let mut replies: Vec<Reply> = if pipe.is_empty() {
        Vec::new()
    } else {
        let replies: Vec<Value> = redis.query(&pipe).await?;
        replies.into_iter().map(reply).collect()
    };
    let earlier = replies.split_off(before.min(replies.len()));
    for (tag, earlier) in order.iter().zip(earlier) {
        // Somebody else was faster: theirs is the one.
        if let Some(Ok(earlier)) = earlier.as_deref().map(Stamp::try_from) {
            made.insert(tag, earlier);
        }
    }
    let stamps = wanted.iter().map(|(one, stamps)| {
        let stamps = one.tags.iter().zip(stamps);
        let all = stamps.map(|(tag, stamp)| {
            stamp.unwrap_or_else(|| made.get(tag.as_str()).copied().unwrap_or_default())
        });
        all.collect()
    });
    Ok((stamps.collect(), replies))
}

/// An entry on its way to Redis; without bytes only the right to load it is given back.
pub(super) struct Filled<'a> {
    pub(super) wanted: &'a Wanted,
    pub(super) bytes: Option<Vec<u8>>,
    pub(super) life: Duration,
}

impl<'a> Filled<'a> {
    /// Gives back the right to load and stores nothing.
    pub(super) fn nothing(wanted: &'a Wanted) -> Self {
        Self {
            wanted,
            bytes: None,
            life: Duration::ZERO,
        }
    }
}

/// Stores entries with their lifetimes in one step each, renews the stamps, and gives back the
/// rights to load.
pub(super) async fn write(
    redis: &Redis,
    filled: &[Filled<'_>],
    stamp_life: Duration,
) -> Result<(), Away> {
    write_by(redis, Pipeline::new(), filled, stamp_life).await
}

/// The same, all or nothing.
pub(super) async fn write_at_once(
    redis: &Redis,
    filled: &[Filled<'_>],
    stamp_life: Duration,
) -> Result<(), Away> {
    let mut pipe = Pipeline::new();
    pipe.atomic();
    write_by(redis, pipe, filled, stamp_life).await
}

async fn write_by(
    redis: &Redis,
    mut pipe: Pipeline,
    filled: &[Filled<'_>],
    stamp_life: Duration,
) -> Result<(), Away> {
    let mut renewed: Vec<&str> = Vec::new();
    for one in filled {
        if let Some(bytes) = &one.bytes {
            pipe.cmd("SET")
                .arg(&one.wanted.key)
                .arg(bytes)
                .arg("PX")
                .arg(millis(one.life))
                .ignore();
            renewed.extend(one.wanted.tags.iter().map(String::as_str));
        }
        pipe.cmd("DEL").arg(lease(&one.wanted.key)).ignore();
    }
    renewed.sort_unstable();
    renewed.dedup();
    for tag in renewed {
        pipe.cmd("PEXPIRE")
            .arg(tag)
            .arg(millis(stamp_life))
            .ignore();
    }
    redis.query(&pipe).await
}

/// The key of the right to load an entry.
fn lease(key: &str) -> String {
    format!("{key}:lease")
}

/// Whole milliseconds, at least one: a lifetime of zero is refused by Redis.
pub(super) fn millis(life: Duration) -> u64 {
    u64::try_from(life.as_millis()).unwrap_or(u64::MAX).max(1)
}
