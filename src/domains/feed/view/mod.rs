//! What people see of their feeds.

mod choice;
mod marker;
mod page;
mod sources;
mod top;
mod warm;

pub use marker::{FeedMarker, marker};
pub use page::{around, page};
pub use sources::ask_ahead;
pub use top::top;
pub use warm::warm;
