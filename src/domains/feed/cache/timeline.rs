//! Timelines in Redis: sorted sets of post ids, newest first by score.
//!
//! A timeline holds candidates: posts that its reader may have to be shown, as far as friendships
//! and follows say. Whether they may be shown is judged at each read. Its first member is either
//! the mark, which says down to where it is complete and carries the stamps that it counts under,
//! or the token of whoever builds it. So both are lost with the timeline.
//!
//! A post's member is its instant and its id, 24 bytes. The instant is its score too, but Redis takes
//! longer to write a score out than to find a member.

use std::time::Duration;

use redis::Pipeline;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::stretch::{ReadReply, Spot, Stretch, member};
use crate::infra::cache::{Cache, Stamp};
use crate::infra::redis::{Away, PATIENT, Redis, Script};
use crate::kernel::ids::Id as _;
use crate::kernel::{Timestamp, UserId};

static PUSH: Script = Script::new(|| redis::Script::new(include_str!("push.lua")));
static ANNOUNCE: Script = Script::new(|| redis::Script::new(include_str!("announce.lua")));
static BEGIN: Script = Script::new(|| redis::Script::new(include_str!("begin.lua")));
static FINISH: Script = Script::new(|| redis::Script::new(include_str!("finish.lua")));

/// The scripts that a connection must have loaded.
pub const SCRIPTS: &[&Script] = &[&PUSH, &ANNOUNCE, &BEGIN, &FINISH];

/// Of the form of timelines. Processes with another one keep to timelines of their own.
const VERSION: u16 = 2;
/// Most posts in a timeline.
pub const MOST: i64 = 800;
/// Posts on their way that a reader looks at.
const PENDING_READ: i64 = 256;
/// Posts on their way that are remembered.
const PENDING_KEPT: i64 = 4_096;
/// So long it is known that a post has arrived: its writer is no later than that.
const ARRIVED: Duration = Duration::from_secs(10);
/// How long building may take before somebody else may begin.
const BUILDING: Duration = Duration::from_secs(10);
/// Timelines that are pushed to in one step: Redis serves nobody else for that half of a millisecond.
const PUSHED_AT_ONCE: usize = 32;
/// Steps that this process has before Redis at the same time. All readers wait behind each, and would
/// behind as many as there are posts on their way.
static STEPS: Semaphore = Semaphore::const_new(1);
/// The longest rest between two of them: where Redis is far, most of a step is the way there.
const REST: Duration = Duration::from_millis(2);
/// Every timeline has this tag: whoever loads posts in bulk voids it.
pub const ALL_TIMELINES: &str = "space:timeline";

/// Which timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Line {
    /// The home feed of a person.
    Home(UserId),
    /// What an author has posted for others than themselves.
    Author(UserId),
}

impl Line {
    /// Its name in Redis, which is its own tag too.
    pub fn name(self) -> String {
        match self {
            Self::Home(viewer) => format!("timeline:{viewer}"),
            Self::Author(author) => format!("author-timeline:{author}"),
        }
    }

    fn tags(self) -> [String; 2] {
        [self.name(), ALL_TIMELINES.to_owned()]
    }
}

/// A post between its commit and its arrival in the last timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// Why it is on its way: a post can be so twice at once.
    pub reason: u8,
    /// Its author.
    pub author_id: UserId,
    /// Its place.
    pub spot: Spot,
}

impl Pending {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.reason];
        bytes.extend_from_slice(self.author_id.uuid().as_bytes());
        bytes.extend_from_slice(self.spot.1.as_bytes());
        bytes.extend_from_slice(&self.spot.0.to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (reason, rest) = bytes.split_first()?;
        let (author, rest) = rest.split_first_chunk::<16>()?;
        let (post, rest) = rest.split_first_chunk::<16>()?;
        Some(Self {
            reason: *reason,
            author_id: UserId::from_uuid(Uuid::from_bytes(*author)),
            spot: (
                i64::from_be_bytes(rest.try_into().ok()?),
                Uuid::from_bytes(*post),
            ),
        })
    }
}

/// What the look at posts on their way answers.
pub type PendingReply = Vec<Vec<u8>>;

/// The timelines of one epoch.
#[derive(Clone, Copy)]
pub struct Timelines<'a> {
    cache: &'a Cache,
    epoch: i64,
    life: Duration,
}

/// The right to build a timeline, with the stamps of before the read.
#[derive(Debug)]
pub struct Building {
    line: Line,
    token: [u8; 16],
    stamps: [Stamp; 2],
}

impl<'a> Timelines<'a> {
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

    fn redis(&self) -> &'a Redis {
        self.cache.redis()
    }

    fn key(&self, line: Line) -> String {
        let name = line.name();
        self.cache
            .structure_key(self.epoch, format_args!("{name}:v{VERSION}"))
    }

    fn pending_key(&self) -> String {
        self.cache.structure_key(self.epoch, "pending")
    }

    fn arrived_key(&self, post: &Pending) -> String {
        let name = format!("arrived:{}:{}", post.spot.1, char::from(post.reason));
        self.cache.structure_key(self.epoch, &name)
    }

    /// Where the stamps of its tags lie.
    fn tag_keys(&self, line: Line) -> [String; 2] {
        line.tags().map(|tag| self.cache.tag_key(self.epoch, &tag))
    }

    fn add_script(&self, pipe: &mut Pipeline, script: &Script, line: Line) {
        let [own, all] = self.tag_keys(line);
        pipe.cmd("EVALSHA")
            .arg(script.get_hash())
            .arg(3)
            .arg(self.key(line))
            .arg(own)
            .arg(all);
    }

    /// Asks for up to `most` posts of a timeline, at `below` and older. The replies are for
    /// [`ReadReply::read`].
    ///
    /// It is no script, which costs Redis three times as much, so others may come in between. Before the
    /// posts and after them it has to be the same timeline, built to its end. A push or a trim in between
    /// moves the mark up, and what lies below the later one is believed to be missing. A void or another
    /// timeline in between leaves stamps that are not those of the mark, or both are new, and the change
    /// that they tell of is not acknowledged yet.
    pub fn ask(&self, pipe: &mut Pipeline, line: Line, below: Option<i64>, most: usize) {
        let key = self.key(line);
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
        pipe.cmd("MGET").arg(&self.tag_keys(line)[..]);
        pipe.cmd("PTTL").arg(&key);
    }

    /// Reads such a reply; `None`: there is no timeline that counts.
    pub fn stretch(&self, reply: ReadReply, most: usize) -> Option<Stretch> {
        reply.stretch(most, self.life)
    }

    /// Asks for the posts on their way. The reply is a [`PendingReply`]. It comes before timelines
    /// in a pipeline: what has left it by then is in them.
    pub fn ask_pending(&self, pipe: &mut Pipeline) {
        pipe.cmd("ZREVRANGE")
            .arg(self.pending_key())
            .arg(0)
            .arg(PENDING_READ - 1);
    }

    /// Reads such a reply.
    pub fn pending(reply: &PendingReply) -> Vec<Pending> {
        reply
            .iter()
            .filter_map(|one| Pending::decode(one))
            .collect()
    }

    /// Puts a post into those of these timelines that there are.
    pub fn add_push(&self, pipe: &mut Pipeline, lines: &[Line], spot: Spot) {
        pipe.cmd("EVALSHA").arg(PUSH.get_hash()).arg(lines.len());
        for line in lines {
            pipe.arg(self.key(*line));
        }
        pipe.arg(spot.0).arg(&member(&spot)[..]).arg(MOST).ignore();
    }

    /// Puts a post on its way into those of these timelines that there are, some at a time, and notes at
    /// the `last` that it has arrived.
    pub async fn push(&self, lines: &[Line], post: &Pending, last: bool) -> Result<(), Away> {
        let mut some = lines.chunks(PUSHED_AT_ONCE).peekable();
        while let Some(lines) = some.next() {
            let mut pipe = Pipeline::new();
            self.add_push(&mut pipe, lines, post.spot);
            if last && some.peek().is_none() {
                self.add_arrived(&mut pipe, post);
            }
            // The semaphore is never closed.
            let _step = STEPS.acquire().await.ok();
            let began = Instant::now();
            self.redis().query_within::<()>(&pipe, PATIENT).await?;
            if some.peek().is_some() {
                // Readers have Redis for as long: who has many friends is no burden to them.
                sleep(began.elapsed().min(REST)).await;
            }
        }
        Ok(())
    }

    /// Notes that a post is on its way, unless it has arrived.
    pub fn add_pending(&self, pipe: &mut Pipeline, post: &Pending, now: Timestamp) {
        pipe.cmd("EVALSHA")
            .arg(ANNOUNCE.get_hash())
            .arg(2)
            .arg(self.pending_key())
            .arg(self.arrived_key(post))
            .arg(now.micros())
            .arg(post.encode())
            .arg(PENDING_KEPT)
            .arg(millis(self.life))
            .ignore();
    }

    /// Notes that a post has arrived.
    fn add_arrived(&self, pipe: &mut Pipeline, post: &Pending) {
        pipe.cmd("ZREM")
            .arg(self.pending_key())
            .arg(post.encode())
            .ignore();
        pipe.cmd("SET")
            .arg(self.arrived_key(post))
            .arg(1)
            .arg("PX")
            .arg(millis(ARRIVED))
            .ignore();
    }

    /// Begins to build a timeline; `None`: there is one, or somebody else is at it.
    pub async fn begin(&self, line: Line, token: [u8; 16]) -> Result<Option<Building>, Away> {
        let stamps = self
            .cache
            .stamps(self.epoch, &line.tags(), self.life * 2)
            .await?;
        let mut pipe = Pipeline::new();
        self.add_script(&mut pipe, &BEGIN, line);
        pipe.arg(&token[..]).arg(millis(BUILDING));
        let (begun,): (bool,) = self.redis().query(&pipe).await?;
        Ok(begun.then_some(Building {
            line,
            token,
            stamps,
        }))
    }

    /// Merges what was read, newest first, and marks the timeline as complete down to the last row,
    /// or wholly if there are `no_more` rows. Says whether it counts now.
    pub async fn finish(
        &self,
        building: &Building,
        rows: &[Spot],
        no_more: bool,
    ) -> Result<bool, Away> {
        let mut pipe = Pipeline::new();
        self.add_script(&mut pipe, &FINISH, building.line);
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
    pub async fn renew(&self, line: Line) -> Result<(), Away> {
        let mut pipe = Pipeline::new();
        pipe.cmd("PEXPIRE")
            .arg(self.key(line))
            .arg(millis(self.life))
            .ignore();
        for tag in line.tags() {
            pipe.cmd("PEXPIRE")
                .arg(self.cache.tag_key(self.epoch, &tag))
                .arg(millis(self.life * 2))
                .arg("GT")
                .ignore();
        }
        self.redis().query(&pipe).await
    }
}

fn millis(life: Duration) -> u64 {
    u64::try_from(life.as_millis()).unwrap_or(u64::MAX).max(1)
}
