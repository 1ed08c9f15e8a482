//! How far a person has read, as they see it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domains::feed::store::marker as store;
use crate::infra::db::Conn;
use crate::kernel::{PostId, Result, Timestamp, UserId};

/// How far one has read one's home feed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FeedMarker {
    /// The newest post that was seen; null before the first.
    #[schema(required)]
    pub post_id: Option<PostId>,
    /// When that post was made. It tells what is newer even when the post has gone.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub created_at: Option<Timestamp>,
}

/// How far a person has read.
pub async fn marker(conn: &mut Conn, user_id: UserId) -> Result<FeedMarker> {
    let row = store::find_marker(conn, user_id).await?;
    Ok(FeedMarker {
        post_id: row.as_ref().map(|row| row.post_id),
        created_at: row.map(|row| row.created_at),
    })
}
