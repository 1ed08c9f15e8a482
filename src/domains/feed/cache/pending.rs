//! Pending posts in Redis: those that are committed and not in all timelines yet. A sorted set holds them by
//! when they were announced, and readers look at the newest of them beside their timelines.

use std::time::Duration;

use redis::Pipeline;
use uuid::Uuid;

use super::super::model::{PendingPost, Reason};
use super::timeline::{TimelineCache, millis};
use crate::infra::redis::Script;
use crate::kernel::ids::Id as _;
use crate::kernel::{Timestamp, UserId};

pub(super) static ANNOUNCE: Script =
    Script::new(|| redis::Script::new(include_str!("announce.lua")));

/// Pending posts that a reader looks at.
const PENDING_READ: i64 = 256;
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

#[cfg(test)]
mod tests {
    use super::*;

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
