//! Which posts a person has saved, hidden or muted.

use std::collections::HashSet;

use crate::domains::posts::cache::POST_MARKS;
use crate::domains::posts::store::marks as store;
use crate::infra::db::Conn;
use crate::kernel::ids::Id as _;
use crate::kernel::{PostId, Result, UserId};
use crate::platform::Reads;

/// What a person may do to a post for themselves alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Kept for later.
    Saved,
    /// Left out of one's feeds.
    Hidden,
}

/// Those of the posts that a person has marked so. What is older than the entry reaches is looked
/// up.
pub async fn marked(
    reads: &mut Reads<'_>,
    user_id: UserId,
    mark: Mark,
    ids: &[PostId],
) -> Result<HashSet<PostId>> {
    let (mut found, unknown) = if matches!(reads, Reads::Within(_)) {
        // A few rows, in place of the thousands of an entry that nobody keeps.
        (HashSet::new(), ids.to_vec())
    } else {
        let entry = reads.load(&POST_MARKS, &user_id).await?;
        let newest = match mark {
            Mark::Saved => &entry.saved,
            Mark::Hidden => &entry.hidden,
        };
        let (known, older): (Vec<PostId>, Vec<PostId>) =
            ids.iter().partition(|id| newest.knows(id.uuid()));
        let marked = known
            .into_iter()
            .filter(|id| newest.get(id.uuid()).is_some());
        (marked.collect(), older)
    };
    if !unknown.is_empty() {
        let conn = &mut *reads.conn().await?;
        found.extend(match mark {
            Mark::Saved => store::list_saved_of(conn, user_id, &unknown).await?,
            Mark::Hidden => store::list_hidden_of(conn, user_id, &unknown).await?,
        });
    }
    Ok(found)
}

/// Whether a person wants to hear no more of what is said of a post.
pub async fn is_muted(conn: &mut Conn, user_id: UserId, post_id: PostId) -> Result<bool> {
    let muted = store::list_muted_of(conn, user_id, &[post_id]).await?;
    Ok(!muted.is_empty())
}
