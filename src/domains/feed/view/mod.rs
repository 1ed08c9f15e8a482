//! What people see of their feeds.

mod marker;
mod merge;
mod page;
mod sources;
mod warm;

pub use marker::{FeedMarker, marker};
pub use page::page;
pub use sources::ask_ahead;
pub use warm::{build_timeline, warm};
