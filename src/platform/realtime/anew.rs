//! What nobody keeps and nobody heard: while the subscriber was away, others may have told inboxes of
//! states, and have asked streams to listen to more. Once it hears again, everybody here is told how things
//! are, a few at a time, and streams do what was asked of them.

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::conn::{Conn, Transport};
use super::gap::LATE;
use super::hub::{Hub, lock};
use super::joining::{self, Ask};
use super::{counts, session, wishes};
use crate::kernel::{Result, Timestamp, UserId};
use crate::platform::Ctx;

/// People who are told at once, and streams that are looked at: it leaves connections for those who ask.
const AT_ONCE: usize = 4;
/// After so many failures the others are told nothing: they are told of what changes next.
const MOST_FAILURES: usize = 100;

/// Since when something may have been missed, until it is made good.
#[derive(Default)]
pub(super) struct Missed {
    since: Mutex<Option<Timestamp>>,
    news: Notify,
}

impl Hub {
    /// Nothing was heard for so many milliseconds until now.
    pub(super) fn heard_nothing(&self, ctx: &Ctx, millis: u64) {
        let millis = u32::try_from(millis).unwrap_or(u32::MAX);
        let since = ctx.now() - TimeDelta::milliseconds(millis.into()) - TimeDelta::seconds(LATE);
        let mut known = lock(&self.0.missed.since);
        *known = Some(known.map_or(since, |known| known.min(since)));
        drop(known);
        self.0.missed.news.notify_one();
    }
}

/// Makes good what was missed, until `stop`.
pub(super) async fn run(ctx: Ctx, hub: Hub, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = hub.0.missed.news.notified() => {}
        }
        let since = lock(&hub.0.missed.since).take();
        let Some(since) = since else { continue };
        tokio::select! {
            () = stop.cancelled() => return,
            () = make_good(&ctx, &hub, since) => {}
        }
    }
}

async fn make_good(ctx: &Ctx, hub: &Hub, since: Timestamp) {
    let conns = hub.all_conns().into_iter();
    let streams = conns.filter(|conn| conn.transport == Transport::Sse && !conn.is_ending());
    let obeying = futures_util::stream::iter(streams);
    obeying
        .for_each_concurrent(AT_ONCE, |conn| async move { obey(ctx, hub, &conn).await })
        .await;
    let mut failures = 0;
    let mut people = hub.all_people();
    while !people.is_empty() && failures < MOST_FAILURES {
        let some = people.split_off(people.len().saturating_sub(AT_ONCE));
        let told = join_all(some.iter().map(|id| tell(ctx, hub, *id, since))).await;
        let told = some.into_iter().zip(told);
        let failed: Vec<UserId> = told
            .filter_map(|(id, told)| told.err().map(|_| id))
            .collect();
        if !failed.is_empty() {
            failures += failed.len();
            // The others are not kept waiting by what one of them alone cannot be told.
            people.splice(0..0, failed);
            tokio::time::sleep(hub.pace().alone()).await;
        }
    }
}

/// Tells somebody how much waits for them, and what has changed in their inbox.
async fn tell(ctx: &Ctx, hub: &Hub, user_id: UserId, since: Timestamp) -> Result<()> {
    if !hub.has_person(user_id) {
        return Ok(());
    }
    let told = async {
        let counts = counts::counted(ctx, hub, user_id).await?;
        let changed = (hub.0.options.hooks.states)(ctx.clone(), user_id, since).await?;
        for signal in [counts].iter().chain(&changed) {
            hub.receive_signal(ctx, signal);
        }
        Ok(())
    };
    told.await.inspect_err(
        |error| tracing::debug!(?error, %user_id, "what was missed could not be told yet"),
    )
}

/// Has a stream listen to what it has asked for by way of another instance, and no more to what it has left.
async fn obey(ctx: &Ctx, hub: &Hub, conn: &Arc<Conn>) {
    // One that is still arriving takes all that was asked for by itself.
    let (Some(who), Some(())) = (conn.who(), conn.with_cursor(|_cursor| ())) else {
        return;
    };
    let mut asks = Vec::new();
    for (channel, position) in wishes::find_elsewhere(ctx, hub, &who.live).await {
        if position.is_some() {
            asks.push(Ask { channel, position });
        } else {
            joining::part(hub, conn, &channel);
        }
    }
    session::obey_join(ctx, hub, conn, asks).await;
}
