//! The ledger of cache tags that committed changes have voided: `cache_void`, written by triggers.

use crate::infra::db::Conn;
use crate::kernel::Result;

/// Rows of one pass.
const BATCH: i64 = 50_000;

/// Deletes what is in the ledger, some at a time.
pub async fn empty(conn: &mut Conn) -> Result<()> {
    sqlx::query!(
        "delete from cache_void where cache_void_id in (
             select cache_void_id from cache_void order by cache_void_id limit $1)",
        BATCH
    )
    .execute(conn)
    .await?;
    Ok(())
}
