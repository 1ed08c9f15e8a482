//! Which comments a viewer sees, for whoever shows what belongs to them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domains::comments::cache::COMMENT;
use crate::domains::comments::model::CommentEntry;
use crate::domains::{posts, relations};
use crate::kernel::{CommentId, Result, distinct};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// Those of the comments that are not deleted and that the viewer sees: where their posts are seen,
/// unless viewer and commenter block each other.
pub async fn seen(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    ids: &[CommentId],
) -> Result<HashMap<CommentId, Arc<CommentEntry>>> {
    let mut rows = reads.get_many(&COMMENT, ids).await?;
    let post_ids = distinct(rows.values().map(|row| row.post_id));
    let posts = posts::seen(reads, viewer, &post_ids).await?;
    let ties = relations::ties_of(reads, viewer).await?;
    rows.retain(|_, row| {
        !row.deleted && posts.contains_key(&row.post_id) && !ties.is_hidden(row.author_id)
    });
    Ok(rows)
}
