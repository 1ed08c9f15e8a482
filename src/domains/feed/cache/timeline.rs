//! Timelines in Redis: sorted sets of post ids, newest first by score.
//!
//! A timeline holds candidates: posts that its reader may have to be shown, as far as friendships
//! and follows say. Whether they may be shown is judged at each read. Its first member is either
//! the watermark, which says down to where it is complete and carries the stamps that it counts under,
//! or the token of whoever builds it. So both are lost with the timeline.
//!
//! A post's member is its instant and its id, 24 bytes. The instant is its score too, but Redis takes
//! longer to write a score out than to find a member.

use std::time::Duration;

use redis::Pipeline;

use super::super::model::{Position, Segment, Timeline};
use super::reply::{TimelineReply, member};
use crate::infra::cache::{Cache, Stamp};
use crate::infra::redis::{Away, Redis, Script};

static PUSH: Script = Script::new(|| redis::Script::new(include_str!("push.lua")));
static BEGIN: Script = Script::new(|| redis::Script::new(include_str!("begin.lua")));
static FINISH: Script = Script::new(|| redis::Script::new(include_str!("finish.lua")));

/// The scripts that a connection must have loaded.
pub const SCRIPTS: &[&Script] = &[&PUSH, &super::pending::ANNOUNCE, &BEGIN, &FINISH];

/// Of the form of timelines. Processes with another one keep to timelines of their own.
const VERSION: u16 = 2;
/// Most posts in a timeline.
pub const MOST: i64 = 800;
/// How long building may take before somebody else may begin.
const BUILDING: Duration = Duration::from_secs(10);
/// The timelines of one epoch.
#[derive(Clone, Copy)]
pub struct TimelineCache<'a> {
    pub(super) cache: &'a Cache,
    pub(super) epoch: i64,
    pub(super) life: Duration,
}

/// The right to build a timeline, with the stamps of before the read.
#[derive(Debug)]
pub struct Building {
    timeline: Timeline,
    token: [u8; 16],
    stamps: [Stamp; 2],
}

impl<'a> TimelineCache<'a> {
    /// For readers and builders; `None` where nothing is read from Redis.
    pub fn to_read(cache: &'a Cache, life: Duration) -> Option<Self> {
        let epoch = cache.epoch_to_read()?;
        Some(Self { cache, epoch, life })
    }

    /// For whoever adds posts; `None` while Redis is away.
    pub fn to_write(cache: &'a Cache, life: Duration) -> Option<Self> {
        let epoch = cache.epoch()?;
        Some(Self { cache, epoch, life })
    }

    pub(super) fn redis(&self) -> &'a Redis {
        self.cache.redis()
    }

    fn key(&self, timeline: Timeline) -> String {
        let name = timeline.name();
        self.cache
            .structure_key(self.epoch, format_args!("{name}:v{VERSION}"))
    }

    /// Where the stamps of its tags lie.
    fn tag_keys(&self, timeline: Timeline) -> [String; 2] {
        timeline
            .tags()
            .map(|tag| self.cache.tag_key(self.epoch, &tag))
    }

    fn add_script(&self, pipe: &mut Pipeline, script: &Script, timeline: Timeline) {
        let [own, all] = self.tag_keys(timeline);
        pipe.cmd("EVALSHA")
            .arg(script.get_hash())
            .arg(3)
            .arg(self.key(timeline))
            .arg(own)
            .arg(all);
    }

    /// Asks for up to `most` posts of a timeline, at `below` and older. The replies are for
    /// [`TimelineReply::read`].
    ///
    /// It is no script, which costs Redis three times as much, so others may come in between. Before the
    /// posts and after them it has to be the same timeline, built to its end. A push or a trim in between
    /// moves the watermark up, and what lies below the later one is believed to be missing. A void or another
    /// timeline in between leaves stamps that are not those of the watermark, or both are new, and the change
    /// that they tell of is not acknowledged yet.
    pub fn ask(&self, pipe: &mut Pipeline, timeline: Timeline, below: Option<i64>, most: usize) {
        let key = self.key(timeline);
        pipe.cmd("ZRANGE").arg(&key).arg(0).arg(0);
        let range = pipe.cmd("ZRANGE").arg(&key);
        match below {
            Some(micros) => range.arg(micros),
            None => range.arg("+inf"),
        };
        range
            .arg("(-inf")
            .arg("BYSCORE")
            .arg("REV")
            .arg("LIMIT")
            .arg(0)
            .arg(most);
        pipe.cmd("ZRANGE").arg(&key).arg(0).arg(0);
        pipe.cmd("MGET").arg(&self.tag_keys(timeline)[..]);
        pipe.cmd("PTTL").arg(&key);
    }

    /// Reads such a reply; `None`: there is no timeline that counts.
    pub fn segment(&self, reply: TimelineReply, most: usize) -> Option<Segment> {
        reply.segment(most, self.life)
    }

    /// Puts a post into those of these timelines that there are.
    pub fn add_push(&self, pipe: &mut Pipeline, timelines: &[Timeline], position: Position) {
        pipe.cmd("EVALSHA")
            .arg(PUSH.get_hash())
            .arg(timelines.len());
        for timeline in timelines {
            pipe.arg(self.key(*timeline));
        }
        pipe.arg(position.0)
            .arg(&member(&position)[..])
            .arg(MOST)
            .ignore();
    }

    /// Begins to build a timeline; `None`: there is one, or somebody else is at it.
    pub async fn begin(
        &self,
        timeline: Timeline,
        token: [u8; 16],
    ) -> Result<Option<Building>, Away> {
        let stamps = self
            .cache
            .stamps(self.epoch, &timeline.tags(), self.life * 2)
            .await?;
        let mut pipe = Pipeline::new();
        self.add_script(&mut pipe, &BEGIN, timeline);
        pipe.arg(&token[..]).arg(millis(BUILDING));
        let (begun,): (bool,) = self.redis().query(&pipe).await?;
        Ok(begun.then_some(Building {
            timeline,
            token,
            stamps,
        }))
    }

    /// Merges what was read, newest first, and marks the timeline as complete down to the last row,
    /// or wholly if there are `no_more` rows. Says whether it counts now.
    pub async fn finish(
        &self,
        building: &Building,
        rows: &[Position],
        no_more: bool,
    ) -> Result<bool, Away> {
        let mut pipe = Pipeline::new();
        self.add_script(&mut pipe, &FINISH, building.timeline);
        let [own, all] = building.stamps;
        pipe.arg(&building.token[..])
            .arg(&own[..])
            .arg(&all[..])
            .arg(MOST)
            .arg(millis(self.life));
        match rows.last().filter(|_| !no_more) {
            Some(lowest) => pipe.arg(lowest.0).arg(&member(lowest)[..]),
            None => pipe.arg("").arg(""),
        };
        for row in rows {
            pipe.arg(row.0).arg(&member(row)[..]);
        }
        let (done,): (bool,) = self.redis().query(&pipe).await?;
        Ok(done)
    }

    /// Gives a timeline and its stamps their lifetimes anew.
    pub async fn renew(&self, timeline: Timeline) -> Result<(), Away> {
        let mut pipe = Pipeline::new();
        pipe.cmd("PEXPIRE")
            .arg(self.key(timeline))
            .arg(millis(self.life))
            .ignore();
        for tag in timeline.tags() {
            pipe.cmd("PEXPIRE")
                .arg(self.cache.tag_key(self.epoch, &tag))
                .arg(millis(self.life * 2))
                .arg("GT")
                .ignore();
        }
        self.redis().query(&pipe).await
    }
}

pub(super) fn millis(life: Duration) -> u64 {
    u64::try_from(life.as_millis()).unwrap_or(u64::MAX).max(1)
}
