//! Rows that are deleted for good, some at a time.

use futures_util::future::BoxFuture;

use super::tx::{Tx, job_transaction};
use crate::kernel::Result;
use crate::platform::Ctx;

/// Runs `batch` again and again, each time in a transaction of its own, until nothing is left. `batch` says
/// how many it was at, 0 when none is left, and `what` those are. What a job that is cut short has deleted
/// stays deleted, and the next one goes on from there.
pub async fn purge(
    ctx: &Ctx,
    what: &'static str,
    batch: impl for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<usize>> + Send + Sync,
) -> Result<()> {
    loop {
        let purged = job_transaction(ctx, &batch).await?;
        if purged == 0 {
            return Ok(());
        }
        tracing::debug!(purged, what, "rows are being deleted for good");
    }
}
