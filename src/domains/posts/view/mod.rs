//! What others see of posts.

mod guard;
mod history;
mod post;
mod render;

pub use guard::{guard, guard_for_write};
pub use history::{PostRevision, history};
pub use post::{Post, PostMarks, SharedPost};
pub use render::{marks, own_deleted, post, posts};
