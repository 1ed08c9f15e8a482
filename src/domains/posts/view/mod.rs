//! What others see of posts.

mod history;
mod post;
mod render;

pub use history::{PostRevision, history};
pub use post::{Audience, Post, PostCounts, PostMarks, PostViewer, SharedPost};
pub use render::{marks, own_deleted, post, posts};
