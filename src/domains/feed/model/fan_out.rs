//! The fan-out of a post: to whom it goes, and how far it has come.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Position;
use crate::domains::posts::{AudienceKind, PostCreated, PostRef, PostRestored, PostWidened};
use crate::kernel::UserId;
use crate::kernel::ids::Id as _;

/// The fan-out of a post, and how far it has come: what its job saves after each step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FanOut {
    /// The post.
    pub post: PostRef,
    /// Of which event it is: each ends the waiting that it began, and no other.
    pub reason: Reason,
    /// Readers up to this one have it.
    pub after: UserId,
    /// Whether its author's posts are pulled from now on, and this one is pushed too, for those who
    /// read while that became so.
    pub crossing: bool,
}

impl FanOut {
    fn of(post: PostRef, reason: Reason) -> Self {
        Self {
            post,
            reason,
            after: UserId::from_uuid(Uuid::nil()),
            crossing: false,
        }
    }

    /// The post as it is looked for until it is in all timelines.
    pub fn pending(&self) -> PendingPost {
        PendingPost {
            reason: self.reason,
            author_id: self.post.author_id,
            position: (self.post.created_at.micros(), self.post.post_id.uuid()),
        }
    }
}

impl From<PostCreated> for FanOut {
    fn from(event: PostCreated) -> Self {
        Self::of(event.0, Reason::Created)
    }
}

impl From<PostRestored> for FanOut {
    fn from(event: PostRestored) -> Self {
        Self::of(event.0, Reason::Restored)
    }
}

impl From<PostWidened> for FanOut {
    fn from(event: PostWidened) -> Self {
        Self::of(event.0, Reason::Widened)
    }
}

/// Why a post fans out. The number of a letter stands for it in Redis and in the progress of the job, and must
/// stay what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Reason {
    /// It is new.
    Created,
    /// It was deleted, and is there again.
    Restored,
    /// Others than before may see it.
    Widened,
}

impl From<Reason> for u8 {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Created => b'c',
            Reason::Restored => b'r',
            Reason::Widened => b'w',
        }
    }
}

impl TryFrom<u8> for Reason {
    type Error = &'static str;
    fn try_from(letter: u8) -> Result<Self, Self::Error> {
        match letter {
            b'c' => Ok(Self::Created),
            b'r' => Ok(Self::Restored),
            b'w' => Ok(Self::Widened),
            _ => Err("no reason for a fan-out has this letter"),
        }
    }
}

/// A post between its commit and its arrival in the last timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingPost {
    /// Why it is pending: a post can be so twice at once.
    pub reason: Reason,
    /// Its author.
    pub author_id: UserId,
    /// Its position.
    pub position: Position,
}

/// What decides of a post to whom it fans out.
#[derive(Debug)]
pub struct FanOutPost {
    /// The sort of its audience.
    pub audience: AudienceKind,
    /// How many friends and followers its author has.
    pub readers: i64,
    /// Whether its author's posts are pulled.
    pub pulled: bool,
}

impl FanOutPost {
    /// Whether it goes to anybody at all.
    pub fn is_for_others(&self) -> bool {
        self.audience != AudienceKind::OnlyMe
    }

    /// Whether it goes to followers too.
    pub fn is_public(&self) -> bool {
        self.audience == AudienceKind::Public
    }

    /// Whether its author has chosen who sees it, by people and circles.
    pub fn is_chosen(&self) -> bool {
        self.audience == AudienceKind::Custom
    }

    /// Whether it is pushed, where authors with more readers than `most` are pulled from.
    pub fn is_pushed(&self, most: i64) -> bool {
        !self.pulled && self.readers <= most
    }
}
