//! What others see of comments.

mod list;
mod render;
mod seen;
mod shape;

pub use list::{add_replies, around, page, places, top_comments};
pub use render::{comment, comments, for_everybody, fresh};
pub use seen::seen;
pub use shape::{Comment, CommentState};
