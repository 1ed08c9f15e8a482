//! What people see of their feeds.

mod marker;
mod merge;
mod page;
mod sources;

pub use marker::{FeedMarker, marker};
pub use page::page;
pub use sources::ask_ahead;
