//! What leaves the house of feeds.

mod marker;
mod merge;
mod page;
mod sources;

pub use marker::{FeedMarker, marker};
pub use page::page;
