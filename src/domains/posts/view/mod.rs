//! What others see of posts.

mod author;
mod card;
mod guard;
mod history;
mod list;
mod marks;
mod post;
mod render;
mod seen;
mod splice;
mod told;
mod warm;

pub use author::Author;
pub use guard::guard;
pub use history::{PostRevision, history};
pub use list::{deleted, saved, timeline, with_hashtag};
pub use marks::{Mark, is_muted, marked};
pub use post::{Post, PostCounts, PostMarks, SharedPost};
pub use render::{fresh, marks, post, posts};
pub use seen::seen;
pub use splice::{Rendered, rendered};
pub use told::{counts, for_everybody};
pub use warm::{warm_behind, warm_pages};
