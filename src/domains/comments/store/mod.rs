//! All SQL of comments.

mod comments;
mod counters;
mod lists;
mod purge;

pub use comments::*;
pub use counters::*;
pub use lists::*;
pub use purge::*;
