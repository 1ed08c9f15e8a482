//! All SQL of comments.

mod comments;
mod counters;
mod heads;
mod lists;
mod purge;

pub use comments::*;
pub use counters::*;
pub use heads::*;
pub use lists::*;
pub use purge::*;
