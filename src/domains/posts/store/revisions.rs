//! What posts said before.

use crate::domains::posts::model::AudienceKind;
use crate::infra::db::Conn;
use crate::kernel::ids::Id as _;
use crate::kernel::page::{RankKey, Slice};
use crate::kernel::{PostId, Result, Timestamp};
use crate::keyset;

/// How many earlier versions of a post are kept.
const MOST: i64 = 50;

/// Keeps what a post says now, before an edit, and forgets the oldest of what it said.
pub async fn insert_revision(conn: &mut Conn, post_id: PostId) -> Result<()> {
    sqlx::query!(
        "with kept as (
             insert into post_revision (post_id, version, content, audience, created_at)
             select post_id, version, content, audience, coalesce(edited_at, created_at)
             from post where post_id = $1
             returning version
         )
         delete from post_revision r using kept
         where r.post_id = $1 and r.version <= kept.version - $2",
        post_id as _,
        MOST
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A version of a post.
#[derive(Debug)]
pub struct RevisionRow {
    /// Counts edits.
    pub version: i64,
    /// The text.
    pub content: String,
    /// The sort of the audience.
    pub audience: AudienceKind,
    /// When the version came to be.
    pub created_at: Timestamp,
}

/// The versions of a post, the present one first.
pub async fn list_history(
    conn: &mut Conn,
    post_id: PostId,
    slice: &Slice<RankKey>,
) -> Result<Vec<(RankKey, RevisionRow)>> {
    let rows = keyset!(
        conn,
        slice,
        newest "h.version",
        "h.post_id",
        RevisionRow,
        r#"select h.version as "version!", h.content as "content!", h.audience as "audience!: _",
                  h.created_at as "created_at!: _"
           from (
               select post_id, version, content, audience, created_at from post_revision
               union all
               select post_id, version, content, audience, coalesce(edited_at, created_at)
               from post
           ) h
           where h.post_id = $4"#,
        post_id as _
    )?;
    let keyed = |row: RevisionRow| (RankKey(row.version, post_id.uuid()), row);
    Ok(rows.into_iter().map(keyed).collect())
}
