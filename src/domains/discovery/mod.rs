//! Finding people and subjects: search by name, suggestions while somebody types, what is talked
//! about.
//!
//! Owns the tables `trending_post` and `trending_hashtag`, which a job fills with what is the same for
//! everybody; each reader is shown what they may see of it. Nobody is found who is hidden from the one
//! who searches, or who does not want to be found.

mod cache;
mod jobs;
mod model;
mod routes;
mod store;
mod view;

pub use cache::{HASHTAGS, SPACES, TRENDING};
pub use jobs::jobs;
pub use routes::{LIMITS, configure};

/// Posts that are kept as talked about.
const TRENDING_POSTS: i64 = 200;
/// Hashtags that are kept. Some of them are shown: a viewer may see nothing under others.
const TRENDING_HASHTAGS: i64 = 50;
