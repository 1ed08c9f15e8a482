//! What is read of a timeline: places of posts, and down to where they are all there are.

use std::time::Duration;

use redis::{FromRedisValue as _, Value};
use uuid::Uuid;

use crate::kernel::page::TimeKey;

/// A timeline is given a new lifetime when it has lost this part of it, and after a day at the latest: not
/// at each read, and early enough that it ends no more than that before the time that is set.
const WORN_PART: u32 = 8;
const WORN_AFTER: Duration = Duration::from_hours(24);

/// A place among posts: microseconds since 1970, then the id.
pub type Spot = (i64, Uuid);

/// The place of a sort key.
pub fn spot_of(TimeKey(at, id): &TimeKey) -> Spot {
    (at.micros(), *id)
}

/// What stands for a post in a timeline: microseconds, then the id.
const MEMBER: usize = 24;

pub(super) fn member((micros, id): &Spot) -> [u8; MEMBER] {
    let mut member = [0; MEMBER];
    let (at, of) = member.split_at_mut(8);
    at.copy_from_slice(&micros.to_be_bytes());
    of.copy_from_slice(id.as_bytes());
    member
}

fn spot(member: &[u8]) -> Option<Spot> {
    let (micros, id) = member.split_first_chunk::<8>()?;
    let id = Uuid::from_slice(id).ok()?;
    Some((i64::from_be_bytes(*micros), id))
}

/// The newest part of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Newest first.
    pub spots: Vec<Spot>,
    /// Down to where it is complete; `None`: there is nothing below.
    pub mark: Option<Spot>,
    /// Whether as many were found as were asked for.
    pub cut: bool,
    /// Whether its lifetime should be renewed.
    pub worn: bool,
}

/// What Redis says of a timeline.
#[derive(Debug)]
pub struct ReadReply {
    /// Newest first.
    spots: Vec<Spot>,
    /// Its first member before they were read.
    before: Option<Vec<u8>>,
    /// Its first member after that.
    first: Option<Vec<u8>>,
    /// The stamps of its tags.
    stamps: Vec<Option<Vec<u8>>>,
    /// Milliseconds that it has left.
    left: i64,
}

impl ReadReply {
    /// Reads the replies to the commands of `Timelines::ask`.
    pub fn read(replies: &mut impl Iterator<Item = Value>) -> Option<Self> {
        let [before, posts, first, stamps, left] = std::array::from_fn(|_| replies.next());
        let Value::Array(posts) = posts? else {
            return None;
        };
        let spots = posts.iter().map(|post| match post {
            Value::BulkString(member) => spot(member),
            _ => None,
        });
        let before: Vec<Vec<u8>> = <_>::from_redis_value(before?).ok()?;
        let first: Vec<Vec<u8>> = <_>::from_redis_value(first?).ok()?;
        Some(Self {
            before: before.into_iter().next(),
            spots: spots.collect::<Option<_>>()?,
            first: first.into_iter().next(),
            stamps: <_>::from_redis_value(stamps?).ok()?,
            left: <_>::from_redis_value(left?).ok()?,
        })
    }

    /// The place of the mark, if it carries the stamps that count now, and did before.
    fn mark(&self) -> Option<&[u8]> {
        self.place(self.before.as_deref()?)?;
        self.place(self.first.as_deref()?)
    }

    /// What a first member says if it is a mark that counts.
    fn place<'a>(&self, first: &'a [u8]) -> Option<&'a [u8]> {
        let mut rest = first.strip_prefix(b"m")?;
        for stamp in &self.stamps {
            rest = rest.strip_prefix(stamp.as_deref()?)?;
        }
        Some(rest)
    }

    /// What it says; `None`: there is no timeline that counts. `most` is how many posts were asked for,
    /// `life` what timelines are given.
    pub fn stretch(self, most: usize, life: Duration) -> Option<Stretch> {
        let mark = read_mark(self.mark()?)?;
        let left = Duration::from_millis(u64::try_from(self.left).unwrap_or_default());
        Some(Stretch {
            mark,
            cut: self.spots.len() >= most,
            spots: self.spots,
            worn: left + (life / WORN_PART).min(WORN_AFTER) < life,
        })
    }
}

#[expect(
    clippy::option_option,
    reason = "no mark, a mark at the end, and a mark at a place are three things"
)]
/// Reads a mark's place: `Some(None)` is a timeline that is complete to its end.
fn read_mark(place: &[u8]) -> Option<Option<Spot>> {
    if place.is_empty() {
        return Some(None);
    }
    spot(place).map(Some)
}
