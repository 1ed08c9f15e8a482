//! Views of posts, written behind: a request only notes them, and a process writes what it has noted
//! every second, one statement a batch.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::domains::posts::store::views::{self as store, View};
use crate::infra::write_behind::WriteBehind;
use crate::kernel::{Code, Error, PostId, Result, UserId};
use crate::platform::Ctx;

/// Between two writes.
const EVERY: Duration = Duration::from_secs(1);
/// Most views that are noted between two writes.
const MOST: usize = 50_000;

/// The views that this process was told of and has not written yet.
#[derive(Debug, Clone)]
pub struct Views(Arc<WriteBehind<View, ()>>);

impl Default for Views {
    fn default() -> Self {
        Self(Arc::new(WriteBehind::new("views", MOST)))
    }
}

impl Views {
    /// Notes that somebody has seen these posts today. A view counts once a day, and only of a post
    /// that the person may see when it is written.
    pub async fn note(&self, ctx: &Ctx, user_id: UserId, posts: &[PostId]) -> Result<()> {
        let day = ctx.now().utc().date_naive();
        for post_id in posts {
            let view = (*post_id, user_id, day);
            if self.0.put(view, ()).is_err() {
                self.fold(ctx).await?;
                self.0.put(view, ()).map_err(|_full| busy())?;
            }
        }
        Ok(())
    }

    /// Writes what was noted until `stop`, and a last time then.
    pub async fn run(self, ctx: Ctx, stop: CancellationToken) {
        self.0.run(EVERY, stop, |batch| write(&ctx, batch)).await;
    }

    async fn fold(&self, ctx: &Ctx) -> Result<()> {
        self.0.fold(|batch| write(ctx, batch)).await
    }
}

async fn write(ctx: &Ctx, batch: Vec<(View, ())>) -> Result<()> {
    let views: Vec<View> = batch.into_iter().map(|(view, ())| view).collect();
    store::count_views(&mut *ctx.conn().await?, &views).await
}

fn busy() -> Error {
    Error::new(Code::Unavailable, "Too many views wait to be counted.").with_retry_after(1)
}
