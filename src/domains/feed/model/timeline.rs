//! Timelines: whose they are, and what is read of one.

use uuid::Uuid;

use crate::kernel::UserId;
use crate::kernel::page::TimeKey;

/// Every timeline has this tag: whoever loads posts in bulk voids it.
pub const ALL_TIMELINES: &str = "space:timeline";

/// Which timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Timeline {
    /// The home feed of a person.
    Home(UserId),
    /// What an author has posted for others than themselves.
    Author(UserId),
}

impl Timeline {
    /// Its name in Redis, which is its own tag too.
    pub fn name(self) -> String {
        match self {
            Self::Home(viewer) => format!("timeline:{viewer}"),
            Self::Author(author) => format!("author-timeline:{author}"),
        }
    }

    /// The tags that end it.
    pub fn tags(self) -> [String; 2] {
        [self.name(), ALL_TIMELINES.to_owned()]
    }
}

/// The position of a post among all: microseconds since 1970, then the id.
pub type Position = (i64, Uuid);

/// The position of a sort key.
pub fn position_of(TimeKey(at, id): &TimeKey) -> Position {
    (at.micros(), *id)
}

/// A part of a timeline, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Newest first.
    pub posts: Vec<Position>,
    /// Down to where the timeline is complete; `None`: there is nothing below.
    pub watermark: Option<Position>,
    /// Whether as many were found as were asked for.
    pub cut: bool,
    /// Whether the lifetime of the timeline should be renewed.
    pub worn: bool,
}

impl Segment {
    /// A source that has nothing, and nothing to say of what lies at `floor` or below.
    pub fn above(floor: Position) -> Self {
        Self {
            posts: Vec::new(),
            watermark: Some(floor),
            cut: false,
            worn: false,
        }
    }
}
