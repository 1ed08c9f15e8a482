//! What Redis answers about a timeline: positions of posts, and down to where they are all there are.

use std::time::Duration;

use redis::{FromRedisValue as _, Value};
use uuid::Uuid;

use super::super::model::{Position, Segment};

/// A timeline is given a new lifetime when it has lost this part of it, and after a day at the latest: not
/// at each read, and early enough that it ends no more than that before the time that is set.
const WORN_PART: u32 = 8;
const WORN_AFTER: Duration = Duration::from_hours(24);

/// What stands for a post in a timeline: microseconds, then the id.
const MEMBER: usize = 24;

pub(super) fn member((micros, id): &Position) -> [u8; MEMBER] {
    let mut member = [0; MEMBER];
    let (at, of) = member.split_at_mut(8);
    at.copy_from_slice(&micros.to_be_bytes());
    of.copy_from_slice(id.as_bytes());
    member
}

fn position(member: &[u8]) -> Option<Position> {
    let (micros, id) = member.split_first_chunk::<8>()?;
    let id = Uuid::from_slice(id).ok()?;
    Some((i64::from_be_bytes(*micros), id))
}

/// What Redis says of a timeline.
#[derive(Debug)]
pub struct TimelineReply {
    /// Newest first.
    posts: Vec<Position>,
    /// Its first member before they were read.
    before: Option<Vec<u8>>,
    /// Its first member after that.
    first: Option<Vec<u8>>,
    /// The stamps of its tags.
    stamps: Vec<Option<Vec<u8>>>,
    /// Milliseconds that it has left.
    left: i64,
}

impl TimelineReply {
    /// Reads the replies to the commands of `TimelineCache::ask`.
    pub fn read(replies: &mut impl Iterator<Item = Value>) -> Option<Self> {
        let [before, posts, first, stamps, left] = std::array::from_fn(|_| replies.next());
        let Value::Array(posts) = posts? else {
            return None;
        };
        let posts = posts.iter().map(|post| match post {
            Value::BulkString(member) => position(member),
            _ => None,
        });
        let before: Vec<Vec<u8>> = <_>::from_redis_value(before?).ok()?;
        let first: Vec<Vec<u8>> = <_>::from_redis_value(first?).ok()?;
        Some(Self {
            before: before.into_iter().next(),
            posts: posts.collect::<Option<_>>()?,
            first: first.into_iter().next(),
            stamps: <_>::from_redis_value(stamps?).ok()?,
            left: <_>::from_redis_value(left?).ok()?,
        })
    }

    /// The position of the watermark, if it carries the stamps that count now, and did before.
    fn watermark(&self) -> Option<&[u8]> {
        self.counting(self.before.as_deref()?)?;
        self.counting(self.first.as_deref()?)
    }

    /// What a first member says if it is a watermark that counts.
    fn counting<'a>(&self, first: &'a [u8]) -> Option<&'a [u8]> {
        let mut rest = first.strip_prefix(b"m")?;
        for stamp in &self.stamps {
            rest = rest.strip_prefix(stamp.as_deref()?)?;
        }
        Some(rest)
    }

    /// What it says; `None`: there is no timeline that counts. `most` is how many posts were asked for,
    /// `life` what timelines are given.
    pub fn segment(self, most: usize, life: Duration) -> Option<Segment> {
        let watermark = read_watermark(self.watermark()?)?;
        let left = Duration::from_millis(u64::try_from(self.left).unwrap_or_default());
        Some(Segment {
            watermark,
            cut: self.posts.len() >= most,
            posts: self.posts,
            worn: left + (life / WORN_PART).min(WORN_AFTER) < life,
        })
    }
}

#[expect(
    clippy::option_option,
    reason = "no watermark, one at the end, and one at a position are three things"
)]
/// Reads a watermark's position: `Some(None)` is a timeline that is complete to its end.
fn read_watermark(bytes: &[u8]) -> Option<Option<Position>> {
    if bytes.is_empty() {
        return Some(None);
    }
    position(bytes).map(Some)
}
