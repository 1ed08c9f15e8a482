//! The home feed: posts by oneself, by friends and by the people one follows, newest first.
//!
//! Owns the table `feed_marker`: how far each person has read. The feed itself is a question and not
//! a copy, so it holds at any time exactly what `visible_post` lets the viewer see, less muted authors
//! and hidden posts. Its cost grows with the number of authors that somebody reads and with nothing
//! else.

mod actions;
mod routes;
mod store;
mod view;

pub use routes::configure;
pub use store::{NEWER, OLDER, PLANNING};
