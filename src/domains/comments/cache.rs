//! What is cached of comments.

use std::time::Duration;

use smallvec::smallvec;

use super::model::CommentEntry;
use super::store::{self, Listed};
use crate::domains::posts;
use crate::infra::cache::{Described, Kind, Policy, Space, Value};
use crate::kernel::kept::Head;
use crate::kernel::{CommentId, PostId};

/// The spaces of this domain.
pub const SPACES: &[Described] = &[
    COMMENT.described(),
    COMMENT_COUNTS.described(),
    COMMENTS.described(),
    COMMENTS_NEWEST.described(),
    REPLIES.described(),
];

/// Comments by id, deleted ones too. Who sees one depends on its post and on blocks, and is judged
/// at each read.
pub static COMMENT: Space<CommentId, CommentEntry> = Space {
    name: "comment",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(30)).deciding(),
    tags: |comment_id| smallvec![format!("comment:{comment_id}")],
    tables: &["comment"],
    load: |conn, ids| {
        Box::pin(async move {
            let rows = store::list_entries(conn, ids).await?.into_iter();
            Ok(rows.map(|entry| (entry.comment_id, entry)).collect())
        })
    },
    walk: Some(|conn, after, limit| Box::pin(store::walk_comments(conn, after, limit))),
};

/// How many replies a comment has that are not deleted.
pub static COMMENT_COUNTS: Space<CommentId, i32> = Space {
    name: "comment-counts",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(30)),
    tags: |comment_id| smallvec![format!("comment-counts:{comment_id}")],
    tables: &["comment_counter"],
    load: |conn, ids| Box::pin(store::list_counters(conn, ids)),
    walk: Some(|conn, after, limit| Box::pin(store::walk_comments(conn, after, limit))),
};

/// The first comments on a post, oldest first, whoever reads them.
pub static COMMENTS: Space<PostId, Head<Listed>> = Space {
    name: "comments",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(10)),
    tags: |post_id| smallvec![format!("comments:{post_id}")],
    tables: &["comment"],
    load: |conn, ids| Box::pin(store::list_oldest(conn, ids)),
    walk: Some(|conn, after, limit| Box::pin(posts::walk_posts(conn, after, limit))),
};

/// The last comments on a post, newest first, whoever reads them.
pub static COMMENTS_NEWEST: Space<PostId, Head<Listed>> = Space {
    name: "comments-newest",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(10)),
    tags: |post_id| smallvec![format!("comments:{post_id}")],
    tables: &["comment"],
    load: |conn, ids| Box::pin(store::list_newest(conn, ids)),
    walk: Some(|conn, after, limit| Box::pin(posts::walk_posts(conn, after, limit))),
};

/// The first replies to a comment, oldest first, whoever reads them. The post is part of the key
/// because a deleted reply is listed as long as anything stands below it: every change under the
/// post counts.
pub static REPLIES: Space<(PostId, CommentId), Head<Listed>> = Space {
    name: "replies",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(10)),
    tags: |(post_id, _)| smallvec![format!("comments:{post_id}")],
    tables: &["comment"],
    load: |conn, keys| Box::pin(store::list_replies(conn, keys)),
    walk: Some(|conn, after, limit| Box::pin(store::walk_threads(conn, after, limit))),
};

impl Value for CommentEntry {
    fn weight(&self) -> usize {
        self.content.len() + size_of::<Self>()
    }
}

impl Value for Head<Listed> {
    fn weight(&self) -> usize {
        self.rows().len() * 56 + size_of::<Self>()
    }
}
