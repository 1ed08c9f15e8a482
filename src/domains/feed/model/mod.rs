//! The nouns of the feed; pure.
//!
//! A post fans out: it is pushed to the timelines of those who read its author, some at a time, and is
//! pending until all of them have it. Posts by authors with too many readers are pulled instead: from a
//! timeline of the author, when somebody reads a feed. A page is merged from the segments of its reader's
//! timeline and of those that are pulled, and from pending posts.

mod fan_out;
mod merge;
mod ranking;
mod timeline;

pub use fan_out::{FanOut, FanOutPost, PendingPost, Reason};
pub use merge::{Merged, merge};
pub use ranking::{Ranking, score};
pub use timeline::{ALL_TIMELINES, Position, Segment, Timeline, position_of};
