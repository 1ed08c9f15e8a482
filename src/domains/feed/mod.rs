//! The home feed: posts by oneself, by friends and by the people one follows, newest first.
//!
//! A feed is a question to Postgres, and its answer is at any time what `visible_post` lets the
//! viewer see, less muted authors and hidden posts. Timelines in Redis only make the answer quick:
//! each holds the newest posts that its reader may have to be shown, and says down to where it is
//! complete. Who sees what is judged at each read; what a timeline cannot tell, Postgres does, with
//! the same result. Losing timelines loses nothing else.
//!
//! Owns the tables `feed_marker` (how far each person has read), `feed_reader` and `feed_pulled`, and
//! in Redis the timelines and the list of pending posts. Invariants: a post is pending from
//! its commit until it is in all timelines; a timeline carries the stamp of its reader's friendships
//! and follows, so a change of those ends it; whoever has a timeline is in `feed_reader` before it is
//! built.

mod actions;
mod cache;
mod jobs;
mod live;
mod model;
mod routes;
mod store;
mod view;

pub use cache::{SCRIPTS, SPACES};
pub use jobs::{at_once, jobs};
pub use live::LIVE;
pub use model::ALL_TIMELINES;
pub use routes::{PREFETCH, configure};
pub use store::{NEWER, OLDER, PLANNING, READERS, RECIPIENTS};
pub use view::warm;
