//! Delivers voids that their writer could not: another program's change, a process that died.

use std::sync::PoisonError;
use std::time::Duration;

use sqlx::Connection as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::store::{self, VoidRow};
use super::{Cache, Mode};
use crate::infra::db::Conn;
use crate::kernel::Result;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(250);
/// Younger voids are their writer's business.
const OVERDUE_MILLIS: f64 = 250.0;
/// Where there is no Redis at all, nobody waits for voids this old.
const NOBODY_WAITS_MILLIS: f64 = 60_000.0;
/// Older voids have been delivered, or nothing is believed that lacks them.
const YOUNG_MILLIS: f64 = 5_000.0;
/// Rows of one pass.
const BATCH: i64 = 1_000;
/// Delivered rows that may wait for their deletion; what does not fit is delivered again.
pub(super) const BACKLOG: usize = 65_536;

/// The task that delivers and deletes voids.
pub struct Relay {
    cache: Cache,
    delivered: mpsc::Receiver<i64>,
}

impl Relay {
    /// Runs until `stop`. `redis_expected` says whether a Redis is set up at all.
    pub async fn run(mut self, redis_expected: bool, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(PAUSE) => {}
            }
            if let Err(error) = self.pass(redis_expected).await {
                tracing::debug!(%error, "voids could not be relayed");
            }
        }
        // What was delivered is not delivered again by the next start.
        self.delete_delivered().await.unwrap_or_default();
    }

    async fn pass(&mut self, redis_expected: bool) -> Result<()> {
        self.delete_delivered().await?;
        let overdue = if redis_expected {
            OVERDUE_MILLIS
        } else {
            NOBODY_WAITS_MILLIS
        };
        if redis_expected && !self.cache.redis().is_up() {
            return Ok(());
        }
        while self.relay_some(overdue).await? {}
        Ok(())
    }

    /// Delivers and deletes a batch; says whether there may be more.
    async fn relay_some(&self, overdue: f64) -> Result<bool> {
        let mut conn = self.cache.0.db.acquire().await?;
        let mut transaction = conn.begin().await?;
        let taken = store::take_overdue(&mut transaction, overdue, BATCH).await?;
        if taken.ids.is_empty() {
            return Ok(false);
        }
        let is_waited_for = overdue < NOBODY_WAITS_MILLIS;
        let told = match &taken.tags {
            Some(tags) => self.cache.void(tags).await,
            None => false,
        };
        if !told && is_waited_for {
            if taken.tags.is_none() {
                // Whoever makes a connection ready begins another epoch and forgets them: they are too
                // many there too.
                transaction.rollback().await?;
                tracing::info!("more voids wait than are told one by one: a new epoch begins");
                self.cache.redis().reconnect();
            }
            return Ok(false);
        }
        store::forget(&mut transaction, &taken.ids).await?;
        if !told {
            // Another process may have a Redis after all, which was away all that time: whoever finds it
            // again begins another epoch.
            store::end_epochs(&mut transaction).await?;
        }
        transaction.commit().await?;
        Ok(taken.is_full(BATCH))
    }

    async fn delete_delivered(&mut self) -> Result<()> {
        let mut ids = Vec::new();
        while let Ok(id) = self.delivered.try_recv() {
            ids.push(id);
        }
        if ids.is_empty() {
            return Ok(());
        }
        let mut conn = self.cache.0.db.acquire().await?;
        let mut transaction = conn
            .begin_with("begin; set local synchronous_commit = off")
            .await?;
        store::forget(&mut transaction, &ids).await?;
        transaction.commit().await?;
        Ok(())
    }
}

impl Cache {
    /// The relay of this process; there is one.
    pub fn relay(&self) -> Option<Relay> {
        let mut receiver = self
            .0
            .undeleted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        receiver.take().map(|delivered| Relay {
            cache: self.clone(),
            delivered,
        })
    }

    /// Voids what transactions have changed that committed lately and may not have told it yet. Whoever has read in
    /// Postgres of a change calls this, on the connection that it was read with, before reading from the cache
    /// what has changed.
    pub async fn void_young(&self, conn: &mut Conn) -> Result<()> {
        if self.0.mode == Mode::Off {
            return Ok(());
        }
        let mut tags = store::list_young(conn, YOUNG_MILLIS, BATCH).await?.concat();
        tags.sort_unstable();
        tags.dedup();
        self.void(&tags).await;
        // A row that was gone already had been delivered.
        self.step().await;
        Ok(())
    }

    /// Voids what a committed transaction has changed. The row is deleted some time later, unless
    /// Redis is away: then it waits for the relay.
    pub async fn deliver(&self, (id, mut tags): VoidRow) {
        tags.sort_unstable();
        tags.dedup();
        if self.void(&tags).await {
            // A full backlog leaves the row to the relay.
            self.0.delivered.try_send(id).unwrap_or_default();
        }
    }
}
