//! What runs beside the server: publishers, the subscriber, the heartbeat, and whatever watches.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::bus::Bus;
use super::close::Close;
use super::hub::{Hub, lock, millis};
use super::{anew, attendance, heartbeat, publisher, store, watch};
use crate::infra::jobs::Registry;
use crate::infra::redis::Server;
use crate::kernel::Result;
use crate::platform::Ctx;

/// Days that events are kept: those of inboxes, and all others.
const DAYS_OF_AN_INBOX: i32 = 30;
const DAYS: i32 = 7;
/// Connections that are told to go at once.
const BATCH: u32 = 500;

/// Starts everything, until `stop`.
pub fn start(ctx: &Ctx, server: Option<Server>, stop: &CancellationToken) {
    let Some(hub) = Hub::of(ctx) else { return };
    let tasks = ctx.tasks();
    let witness = hub.clone();
    ctx.cache()
        .set_witness(Box::new(move |witnessed| witness.witness(witnessed)));
    for posts in lock(&hub.0.posts_rx).take().into_iter().flatten() {
        tasks.spawn(publisher::run(
            ctx.clone(),
            hub.clone(),
            posts,
            stop.clone(),
        ));
    }
    if let Some(voids) = lock(&hub.0.voids_rx).take() {
        watch::run(ctx, &hub, voids, stop);
    }
    let changes = lock(&hub.0.changes_rx).take();
    if let (Some(server), Some(changes)) = (server, changes) {
        let bus = Bus::new(ctx.clone(), hub.clone(), server, changes);
        tasks.spawn(bus.run(stop.clone()));
    }
    tasks.spawn(watch::keep(ctx.clone(), hub.clone(), stop.clone()));
    tasks.spawn(anew::run(ctx.clone(), hub.clone(), stop.clone()));
    tasks.spawn(attendance::run(ctx.clone(), hub.clone(), stop.clone()));
    tasks.spawn(heartbeat::run(ctx.clone(), hub, stop.clone()));
}

/// Registers the job that keeps the tables of streams.
pub fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    registry.every("streams.keep", Duration::from_hours(1), keep_tables)
}

async fn keep_tables(ctx: Ctx) -> Result<()> {
    let mut conn = ctx.conn().await?;
    store::keep_partitions(&mut conn, ctx.now(), DAYS_OF_AN_INBOX, DAYS).await
}

impl Hub {
    /// Whether this instance hears what is told, as far as it should: not if its probes have not come
    /// back for long although Redis answers.
    pub fn is_deaf(&self, ctx: &Ctx) -> bool {
        if ctx.config().redis_url.is_none() || !ctx.redis().is_up() {
            return false;
        }
        let probed = self.0.probed.load(Ordering::Relaxed);
        self.now().saturating_sub(probed) > millis(self.pace().deaf())
    }

    /// Sends everybody away, some at a time, each to come back at another moment, and takes nobody
    /// more. It ends when they have gone, or after `most`.
    pub async fn drain(&self, most: Duration) {
        self.0.draining.store(true, Ordering::Relaxed);
        let conns = self.all_conns();
        // A thousand come back in a second, at most.
        let window = u32::try_from(conns.len())
            .unwrap_or(u32::MAX)
            .clamp(500, 60_000);
        for (place, conn) in conns.iter().enumerate() {
            let place = u32::try_from(place).unwrap_or_default();
            let after = place.wrapping_mul(2_654_435_761) % window;
            conn.end_after_all(Close::DRAINING.after(after), self.now());
            if place % BATCH == BATCH - 1 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        self.0.sockets.close();
        let waited = async {
            while self.count() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            self.0.sockets.wait().await;
        };
        let pause = most.min(self.pace().goodbye());
        drop(tokio::time::timeout(pause, waited).await);
        for conn in self.all_conns() {
            conn.cut();
        }
        // What was begun is finished, as requests are.
        drop(tokio::time::timeout(most, self.0.sockets.wait()).await);
    }
}
