//! Posts: what people say, to whom, and what they said before.
//!
//! Owns the tables `post`, `post_audience`, `post_revision`, `post_counter`, `saved_post` and
//! `hidden_post`. Invariants: who sees a post is decided by `visible_post` alone, on every path; a
//! share shows its original only to those who may see the original; every edit keeps the former
//! text; a deleted post can be restored for thirty days; counters change last in their transaction,
//! those of posts before those of people.

mod actions;
mod events;
mod jobs;
mod model;
mod routes;
mod store;
mod view;

pub use events::{PostCreated, PostDeleted, PostRef, PostRestored, PostWidened, events};
pub use jobs::jobs;
pub use model::{AudienceKind, Entity, Facts, PostContent as Content, RESTORABLE, entities};
pub use routes::{LIMITS, Loading, PostExpansion, TopComments, configure};
pub use store::counters::{bump_comments, recount};
pub use view::{Post, SharedPost, guard, guard_for_write, post, posts};
