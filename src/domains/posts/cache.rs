//! What is cached of posts.

use std::time::Duration;

use smallvec::smallvec;

use super::model::{PostCounters, PostEntry, PostMarksEntry};
use super::store::{counters, lists, marks, posts};
use crate::domains::users;
use crate::infra::cache::{Described, Kind, Policy, Space, Value};
use crate::kernel::kept::Head;
use crate::kernel::{PostId, UserId};

/// The spaces of this domain.
pub const SPACES: &[Described] = &[
    POST.described(),
    POST_COUNTS.described(),
    POST_MARKS.described(),
    AUTHOR_POSTS.described(),
];

/// Posts with the lists of their audiences, deleted ones too. Who sees one is judged at each read,
/// by [`can_see_post`](super::can_see_post).
pub static POST: Space<PostId, PostEntry> = Space {
    name: "post",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(30))
        .deciding()
        .popular(),
    tags: |post_id| smallvec![format!("post:{post_id}")],
    tables: &["post", "post_audience"],
    load: |conn, ids| {
        Box::pin(async move {
            let rows = posts::list_entries(conn, ids).await?.into_iter();
            Ok(rows.map(|entry| (entry.post_id, entry)).collect())
        })
    },
    walk: Some(|conn, after, limit| Box::pin(posts::walk_posts(conn, after, limit))),
};

/// Numbers of posts, apart from the posts: a comment voids no post.
pub static POST_COUNTS: Space<PostId, PostCounters> = Space {
    name: "post-counts",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(30)).popular(),
    tags: |post_id| smallvec![format!("post-counts:{post_id}")],
    tables: &["post_counter"],
    load: |conn, ids| Box::pin(counters::list_counters(conn, ids)),
    walk: Some(|conn, after, limit| Box::pin(posts::walk_posts(conn, after, limit))),
};

/// The newest posts that a person has saved, and those that they have hidden.
pub static POST_MARKS: Space<UserId, PostMarksEntry> = Space {
    name: "post-marks",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(30)),
    tags: |user_id| smallvec![format!("marks:{user_id}")],
    tables: &["saved_post", "hidden_post"],
    load: |conn, ids| Box::pin(marks::list_newest(conn, ids)),
    walk: Some(|conn, after, limit| Box::pin(users::walk_accounts(conn, after, limit))),
};

/// A person's newest posts that are not deleted, whomever they are for.
pub static AUTHOR_POSTS: Space<UserId, Head<PostId>> = Space {
    name: "author-posts",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(30)),
    tags: |author_id| smallvec![format!("author-posts:{author_id}")],
    tables: &["post"],
    load: |conn, ids| Box::pin(lists::list_heads(conn, ids)),
    walk: Some(|conn, after, limit| Box::pin(users::walk_accounts(conn, after, limit))),
};

impl Value for PostEntry {
    fn weight(&self) -> usize {
        self.content.len() + 24 * self.members.len() + size_of::<Self>()
    }
}

impl Value for PostCounters {}

impl Value for PostMarksEntry {
    fn weight(&self) -> usize {
        16 * (self.saved.len() + self.hidden.len()) + size_of::<Self>()
    }
}

impl Value for Head<PostId> {
    fn weight(&self) -> usize {
        self.rows().len() * 40 + size_of::<Self>()
    }
}
