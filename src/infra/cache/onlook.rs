//! A tool's way to what others have cached: it takes the running epoch, and never begins one.

use futures_util::future::BoxFuture;
use redis::aio::MultiplexedConnection;

use super::{Cache, store};
use crate::infra::redis::Attached;

/// Attaches a cache without taking part in anything but reads and voids. Where no epoch runs, the
/// cache stays on its own: then nothing that lies in Redis counts.
pub struct Onlooker(pub Cache);

impl Attached for Onlooker {
    fn attach<'a>(
        &'a self,
        conn: &'a mut MultiplexedConnection,
        run_id: &'a str,
    ) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            let mut ask = redis::cmd("HMGET");
            ask.arg(self.0.state_key()).arg("epoch").arg("sequence");
            let (said, sequence): (Option<i64>, Option<u64>) = ask.query_async(conn).await?;
            let mut db = self.0.0.db.acquire().await?;
            let known = store::find_epoch(&mut db, run_id).await?;
            let running = said.filter(|said| Some(*said) == known);
            self.0.begin_ledger(running, sequence.unwrap_or_default());
            Ok(())
        })
    }

    fn detach(&self) {
        self.0.begin_ledger(None, 0);
    }
}
