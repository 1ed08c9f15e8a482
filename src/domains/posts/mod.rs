//! Posts: what people say, to whom, and what they said before.
//!
//! Owns the tables `post`, `post_audience`, `post_revision`, `post_counter`, `post_hashtag`,
//! `post_view`, `saved_post`, `hidden_post` and `muted_post`. Invariants: who sees a post is decided
//! by one rule on every path, written in SQL as `visible_post` and in Rust as [`can_see_post`]; a share shows its
//! original only to those who may see the original; every edit keeps the former text; a deleted
//! post can be restored for thirty days; counters change last in their transaction, those of posts
//! before those of people.

mod actions;
mod cache;
mod events;
mod jobs;
mod live;
mod model;
mod routes;
mod store;
mod view;

pub use actions::{Views, guard_for_write, guard_within, named_in_body};
pub use cache::{AUTHOR_POSTS, POST, POST_COUNTS, POST_MARKS, SPACES};
pub use events::{
    PostAddressed, PostCreated, PostDeleted, PostEdited, PostRef, PostRestored, PostWidened, events,
};
pub use jobs::jobs;
pub use live::{LIVE, TOPIC, channel, tell_counters};
pub use model::{
    AudienceKind, Circles, Entity, Facts, PostContent as Content, PostEntry, RESTORABLE,
    can_see_post, entities, hashtags, mentioned_names,
};
pub use routes::{LIMITS, Loading, PostExpansion, TopComments, configure};
pub use store::counters::{bump_comments, recount};
pub use store::posts::walk_posts;
pub use view::{
    Mark, Post, Rendered, SharedPost, guard, is_muted, marked, post, posts, rendered, seen,
    warm_pages,
};
