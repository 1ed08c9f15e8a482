//! What happens when Redis comes and goes: which epoch it is, and what it must still be told.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Instant;

use futures_util::future::BoxFuture;
use redis::Pipeline;
use redis::aio::MultiplexedConnection;

use super::l2::{ADOPT, STATE_LIFE, millis};
use super::{Cache, store};
use crate::infra::redis::Attached;

/// Most waiting rows that a new connection is told of. With more, or with too many tags in them, nothing of
/// its epoch counts any more.
const MOST_WAITING: i64 = 20_000;
/// Tags a void.
const MOST_TAGS: usize = 512;

impl Attached for Cache {
    fn attach<'a>(
        &'a self,
        conn: &'a mut MultiplexedConnection,
        run_id: &'a str,
    ) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(self.make_ready(conn, run_id))
    }

    fn handed_out(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.tell_missed())
    }

    fn detach(&self) {
        self.begin_ledger(None, 0);
    }
}

impl Cache {
    async fn make_ready(
        &self,
        conn: &mut MultiplexedConnection,
        run_id: &str,
    ) -> anyhow::Result<()> {
        // What is voided from here on, nobody tells this Redis before `tell_missed`.
        *self.lock_ready_since() = Some(Instant::now());
        self.0.behind.store(true, Ordering::Release);
        let (epoch, sequence, is_new) = self.agree_on_epoch(conn, run_id).await?;
        // The ledger first: what is voided from now on counts in it.
        self.begin_ledger(Some(epoch), sequence);
        if is_new {
            return Ok(());
        }
        let mut tags = self.recent_voids();
        let mut db = self.0.db.acquire().await?;
        let waiting = store::list_waiting(&mut db, MOST_WAITING).await?;
        let is_full = waiting.is_full(MOST_WAITING);
        let Some(named) = waiting.tags.filter(|_| !is_full) else {
            store::end_epochs(&mut db).await?;
            let (epoch, sequence, _) = self.agree_on_epoch(conn, run_id).await?;
            self.begin_ledger(Some(epoch), sequence);
            // All that is cached from here on was read after those changes.
            store::forget(&mut db, &waiting.ids).await?;
            return Ok(());
        };
        tags.extend(named);
        tags.sort_unstable();
        tags.dedup();
        for some in tags.chunks(MOST_TAGS) {
            let mut pipe = Pipeline::new();
            self.add_void(&mut pipe, epoch, some);
            let _told: ((String, u64),) = pipe.query_async(conn).await?;
        }
        Ok(())
    }

    /// Voids again what was voided while the connection was made ready: its writers had none. Until
    /// then entries of Redis are not read here, or they would not see their own writes.
    async fn tell_missed(&self) {
        let since = *self.lock_ready_since();
        let missed = since.map_or_else(Vec::new, |since| self.voids_since(since));
        let mut told = true;
        for some in missed.chunks(MOST_TAGS) {
            told &= self.void_some(some).await;
        }
        // What could not be told has given the connection up: the next one begins again.
        if told {
            self.0.behind.store(false, Ordering::Release);
        }
    }

    fn lock_ready_since(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.0
            .ready_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The epoch of this run of Redis. Postgres and Redis must name the same one; else a new one
    /// begins, with nothing in it.
    async fn agree_on_epoch(
        &self,
        conn: &mut MultiplexedConnection,
        run_id: &str,
    ) -> anyhow::Result<(i64, u64, bool)> {
        let mut db = self.0.db.acquire().await?;
        for _attempt in 0..5 {
            let said: (Option<String>,) = redis::pipe()
                .cmd("HGET")
                .arg(self.state_key())
                .arg("epoch")
                .query_async(conn)
                .await?;
            let said = said.0.unwrap_or_default();
            let known = store::find_epoch(&mut db, run_id).await?;
            let is_known = known.is_some_and(|known| said.parse() == Ok(known));
            let wanted = match known {
                Some(known) if is_known => known,
                _ => store::begin_epoch(&mut db, run_id).await?,
            };
            let mut pipe = Pipeline::new();
            pipe.cmd("EVALSHA")
                .arg(ADOPT.get_hash())
                .arg(1)
                .arg(self.state_key())
                .arg(&said)
                .arg(wanted)
                .arg(millis(STATE_LIFE));
            let ((now, sequence),): ((String, u64),) = pipe.query_async(conn).await?;
            if now.parse() == Ok(wanted) {
                return Ok((wanted, sequence, !is_known));
            }
            // Another process began one at the same time: look again.
        }
        anyhow::bail!("no epoch could be agreed on")
    }
}
