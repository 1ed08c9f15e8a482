//! All SQL of comments.

mod comments;
mod counters;
mod lists;

pub use comments::*;
pub use counters::*;
pub use lists::*;
