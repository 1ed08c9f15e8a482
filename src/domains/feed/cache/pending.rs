//! Pending posts in Redis: those that are committed and not in all timelines yet. A sorted set holds them by
//! when they were announced, and readers look at the newest of them beside their timelines. Where there are more,
//! a page is read from Postgres from the first instant on that they may be missing from.

use std::time::Duration;

use redis::Pipeline;
use uuid::Uuid;

use super::super::model::{PendingPost, Position, Reason};
use super::timeline::{TimelineCache, millis};
use crate::infra::redis::Script;
use crate::kernel::ids::Id as _;
use crate::kernel::{Timestamp, UserId};

pub(super) static ANNOUNCE: Script =
    Script::new(|| redis::Script::new(include_str!("announce.lua")));

/// Pending posts that a reader looks at.
const PENDING_READ: usize = 1_024;
/// Pending posts that are remembered.
const PENDING_KEPT: i64 = 4_096;
/// So long it is known that a post has arrived: its writer is no later than that.
const ARRIVED: Duration = Duration::from_secs(10);

/// What the look at pending posts answers.
pub type PendingReply = Vec<Vec<u8>>;

/// What stands for a pending post.
impl PendingPost {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.reason.into()];
        bytes.extend_from_slice(self.author_id.uuid().as_bytes());
        bytes.extend_from_slice(self.position.1.as_bytes());
        bytes.extend_from_slice(&self.position.0.to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (reason, rest) = bytes.split_first()?;
        let (author, rest) = rest.split_first_chunk::<16>()?;
        let (post, rest) = rest.split_first_chunk::<16>()?;
        Some(Self {
            reason: Reason::try_from(*reason).ok()?,
            author_id: UserId::from_uuid(Uuid::from_bytes(*author)),
            position: (
                i64::from_be_bytes(rest.try_into().ok()?),
                Uuid::from_bytes(*post),
            ),
        })
    }
}

impl TimelineCache<'_> {
    fn pending_key(&self) -> String {
        self.cache.structure_key(self.epoch, "pending")
    }

    fn arrived_key(&self, post: &PendingPost) -> String {
        let name = format!(
            "arrived:{}:{}",
            post.position.1,
            char::from(u8::from(post.reason))
        );
        self.cache.structure_key(self.epoch, &name)
    }

    /// Asks for the pending posts. The reply is a [`PendingReply`]. It comes before timelines
    /// in a pipeline: what has left it by then is in them.
    pub fn ask_pending(&self, pipe: &mut Pipeline) {
        pipe.cmd("ZREVRANGE")
            .arg(self.pending_key())
            .arg(0)
            .arg(PENDING_READ - 1);
    }

    /// Reads such a reply.
    pub fn pending(reply: &PendingReply) -> Vec<PendingPost> {
        reply
            .iter()
            .filter_map(|one| PendingPost::decode(one))
            .collect()
    }

    /// The last one of such a reply, if there may be more.
    pub fn last_of_more(reply: &PendingReply) -> Option<&[u8]> {
        let last = reply.last().filter(|_| reply.len() >= PENDING_READ);
        last.map(Vec::as_slice)
    }

    /// Above which position a reply has all pending posts that ends with `last`; `None`: that cannot be
    /// told. It is asked for by itself, where it is wanted: Redis takes ten times as long to write the scores
    /// out too.
    pub async fn pending_floor(&self, last: &[u8]) -> Option<Position> {
        let mut pipe = Pipeline::new();
        pipe.cmd("ZSCORE").arg(self.pending_key()).arg(last);
        let (announced,): (Option<f64>,) = self.redis().query(&pipe).await.ok()?;
        floor(announced?)
    }

    /// Notes that a post is pending, unless it has arrived.
    pub fn add_pending(&self, pipe: &mut Pipeline, post: &PendingPost, now: Timestamp) {
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
    pub(super) fn add_arrived(&self, pipe: &mut Pipeline, post: &PendingPost) {
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
}

/// Above this there is no post that was announced then or before: none is announced before it is written.
fn floor(announced: f64) -> Option<Position> {
    let micros = format!("{announced:.0}").parse().ok()?;
    Some((micros, Uuid::max()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_are_looked_at_are_all_only_above_the_last_of_them() {
        let post = PendingPost {
            reason: Reason::Created,
            author_id: UserId::from_uuid(Uuid::from_u128(7)),
            position: (1_700_000_000_000_000, Uuid::from_u128(9)),
        };
        let mut reply = vec![post.encode(); PENDING_READ - 1];
        assert_eq!(TimelineCache::last_of_more(&reply), None);
        reply.push(b"the last".to_vec());
        let last = TimelineCache::last_of_more(&reply);
        assert_eq!(last, Some(b"the last".as_slice()));
        let announced = 1_700_000_000_000_000.0;
        assert_eq!(floor(announced), Some((1_700_000_000_000_000, Uuid::max())));
    }

    #[test]
    fn a_pending_post_is_read_as_it_was_written() {
        for reason in [Reason::Created, Reason::Restored, Reason::Widened] {
            let post = PendingPost {
                reason,
                author_id: UserId::from_uuid(Uuid::from_u128(7)),
                position: (1_700_000_000_000_000, Uuid::from_u128(9)),
            };
            assert_eq!(PendingPost::decode(&post.encode()), Some(post));
        }
        assert_eq!(PendingPost::decode(b"c"), None);
        assert_eq!(PendingPost::decode(&[b'x'; 41]), None);
    }
}
