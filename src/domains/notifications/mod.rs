//! What waits for a person: so far the open requests for friendship.
//!
//! Owns no tables. kith keeps neither notifications nor messages yet, so their counts are nought; the
//! object is whole all the same, so that clients need not change when they come.

mod routes;
mod view;

pub use routes::configure;
pub use view::counts;
