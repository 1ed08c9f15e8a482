//! What others see of comments.

mod list;
mod render;
mod shape;

pub use list::{add_replies, places, top_comments};
pub use render::{comment, comments, for_everybody};
pub use shape::{Comment, CommentState};
