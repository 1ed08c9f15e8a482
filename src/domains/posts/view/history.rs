//! What a post said before.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domains::posts::model::AudienceKind;
use crate::domains::posts::store::revisions as store;
use crate::infra::db::Conn;
use crate::kernel::page::{Page, RankKey, Slice};
use crate::kernel::{PostId, Result, Timestamp};

/// A version of a post.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PostRevision {
    /// 1 for the first, and one more with each edit.
    pub version: i64,
    /// What it said.
    pub content: String,
    /// The sort of its audience.
    pub audience: AudienceKind,
    /// When the version came to be.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A page of the versions of a post, the present one first. Whether the post may be seen was asked
/// before.
pub async fn history(
    conn: &mut Conn,
    post_id: PostId,
    slice: &Slice<RankKey>,
) -> Result<Page<RankKey, PostRevision>> {
    let rows = store::list_history(conn, post_id, slice).await?;
    let shown = |row: store::RevisionRow| PostRevision {
        version: row.version,
        content: row.content,
        audience: row.audience,
        created_at: row.created_at,
    };
    let rows = rows.into_iter().map(|(key, row)| (key, shown(row)));
    Ok(slice.page(rows.collect()))
}
