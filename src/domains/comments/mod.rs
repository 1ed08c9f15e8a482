//! Comments on posts, and replies to them.
//!
//! Owns the tables `comment` and `comment_counter`. Invariants: a comment is seen where its post is,
//! unless viewer and commenter block each other, which is written once in SQL, as `visible_comment`,
//! and once in Rust, where [`comments`] are rendered; nobody comments on a post that is deleted or
//! narrowed away from them meanwhile; counters count what is not deleted, and change in the
//! transaction of what they count; a deleted comment stays in its place, without words or author,
//! as long as something below it is alive.

mod actions;
mod cache;
mod events;
mod jobs;
mod live;
mod model;
mod routes;
mod store;
mod view;

pub use cache::{COMMENT, COMMENT_COUNTS, COMMENTS, COMMENTS_NEWEST, REPLIES, SPACES};
pub use events::{CommentCreated, CommentDeleted, CommentEdited, CommentRef, events};
pub use jobs::jobs;
pub use live::LIVE;
pub use model::{CommentContent as Content, CommentEntry, MAX_DEPTH};
pub use routes::{LIMITS, configure};
pub use store::recount;
pub use view::{Comment, comments, seen, top_comments};
