//! All SQL of reactions.

mod lists;
mod own;
mod summaries;

use uuid::Uuid;

use super::model::{Kind, Target, TargetKind};
use crate::infra::db::Conn;
use crate::kernel::Result;
use crate::stored_words;

pub use lists::*;
pub use own::*;
pub use summaries::*;

stored_words!(TargetKind, Kind);

/// Reactions that one statement deletes.
const FORGOTTEN: i64 = 10_000;

/// Deletes reactions to targets that are gone for good, some at a time; says whether none is left.
pub async fn forget(conn: &mut Conn, kind: TargetKind, target_ids: &[Uuid]) -> Result<bool> {
    let done = sqlx::query!(
        "with gone as (
             delete from reaction_summary where target_kind = $1 and target_id = any($2)
         )
         delete from reaction r using (
             select user_id, target_id from reaction
             where target_kind = $1 and target_id = any($2) limit $3
         ) few
         where r.target_kind = $1 and r.target_id = few.target_id and r.user_id = few.user_id",
        kind.as_str(),
        target_ids,
        FORGOTTEN
    )
    .execute(conn)
    .await?;
    Ok(i64::try_from(done.rows_affected()).is_ok_and(|deleted| deleted < FORGOTTEN))
}

fn columns(targets: &[Target]) -> (Vec<&'static str>, Vec<Uuid>) {
    let kinds = targets.iter().map(|target| target.kind.as_str());
    (
        kinds.collect(),
        targets.iter().map(|target| target.id).collect(),
    )
}
