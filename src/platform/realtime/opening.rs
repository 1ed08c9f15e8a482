//! Rooms come when somebody listens, and go some time after the last has left.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;

use super::bus::Change;
use super::hub::{Hub, lock, millis};
use super::room::{Ready, Room};
use super::{Channel, Offset, store};
use crate::kernel::{Error, Result};
use crate::platform::Ctx;

/// Rooms that are made ready together at most.
const TOGETHER: usize = 1_000;
/// How long a listener waits for a room.
const PATIENCE: Duration = Duration::from_secs(3);
/// Whoever wrote an event before that has told the cache of it, or the relay has. Clocks may differ.
pub(super) const YOUNG: TimeDelta = TimeDelta::seconds(10);
/// How long the subscription in Redis may take. Later, what was told meanwhile is found in Postgres.
const SUBSCRIBE: Duration = Duration::from_millis(500);

/// The rooms of these channels, each of which hears Redis and knows its position: whatever is told
/// after that is passed on.
pub(super) async fn open(ctx: &Ctx, hub: &Hub, channels: &[Channel]) -> Result<Vec<Arc<Room>>> {
    let mut found = Vec::with_capacity(channels.len());
    let mut fresh = Vec::new();
    {
        let mut rooms = hub.rooms();
        for channel in channels {
            let room = rooms.entry(channel.clone()).or_insert_with(|| {
                let topic = hub.registry().topic(&channel.topic).copied();
                let room = Arc::new(Room::new(channel.clone(), topic, hub.now()));
                hub.watch(&room);
                fresh.push(Arc::clone(&room));
                room
            });
            // Whoever comes now must not find it closed a moment later.
            if let Some(since) = &mut room.lock().idle_since {
                *since = hub.now();
            }
            found.push(Arc::clone(room));
        }
    }
    if !fresh.is_empty() && hub.0.unready.add(fresh) {
        // A task of its own: others wait for these rooms, whatever becomes of this connection.
        tokio::spawn(make_all_ready(ctx.clone(), hub.clone()));
    }
    for room in &found {
        wait_for(room).await?;
    }
    Ok(found)
}

/// Rooms that are to be made ready. Those that come while others are made so are made ready together: when a
/// server has ended, thousands of people come to another within seconds, each with an inbox.
#[derive(Default)]
pub(super) struct Unready(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    rooms: Vec<Arc<Room>>,
    /// Whether somebody makes rooms ready.
    is_taken: bool,
}

impl Unready {
    /// Adds rooms; says whether whoever does has to see to them.
    fn add(&self, rooms: Vec<Arc<Room>>) -> bool {
        let mut queue = lock(&self.0);
        queue.rooms.extend(rooms);
        !std::mem::replace(&mut queue.is_taken, true)
    }

    /// The next ones; without any it is somebody else's turn again.
    fn next(&self) -> Option<Vec<Arc<Room>>> {
        let mut queue = lock(&self.0);
        let count = queue.rooms.len().min(TOGETHER);
        queue.is_taken = count > 0;
        queue.is_taken.then(|| queue.rooms.drain(..count).collect())
    }
}

/// Makes rooms ready until none waits for it.
async fn make_all_ready(ctx: Ctx, hub: Hub) {
    while let Some(rooms) = hub.0.unready.next() {
        // By itself, so that others are made ready whatever becomes of these.
        drop(tokio::spawn(make_ready(ctx.clone(), hub.clone(), rooms)).await);
    }
}

async fn wait_for(room: &Room) -> Result<()> {
    let mut ready = room.ready.subscribe();
    let waiting = ready.wait_for(|ready| *ready != Ready::Opening);
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(Ok(ready)) if *ready == Ready::Open => Ok(()),
        _ => Err(Error::unavailable(anyhow::anyhow!(
            "the channel {} could not be opened",
            room.channel
        ))),
    }
}

async fn make_ready(ctx: Ctx, hub: Hub, rooms: Vec<Arc<Room>>) {
    let channels: Vec<Channel> = rooms.iter().map(|room| room.channel.clone()).collect();
    // Asked for in any case: whoever is about to connect to Redis hears it then.
    let (done, heard) = tokio::sync::oneshot::channel();
    hub.change_subscription(Change::Subscribe(channels.clone(), done));
    if hub.is_listening() {
        drop(tokio::time::timeout(SUBSCRIBE, heard).await);
    }
    match find_tops(&ctx, &channels).await {
        Ok((epoch, tops)) => {
            hub.set_epoch(&epoch);
            for room in rooms {
                let top = tops.get(&room.channel).copied().unwrap_or_default();
                let passed = room.open_at(top, hub.now());
                hub.settle(&ctx, &room, passed);
            }
        }
        Err(error) => {
            tracing::warn!(?error, "channels could not be opened");
            let mut known = hub.rooms();
            for room in rooms {
                room.lock().closed = true;
                hub.unwatch(&room);
                known.remove(&room.channel);
                room.ready.send_replace(Ready::Failed);
            }
            drop(known);
            hub.change_subscription(Change::Unsubscribe(channels));
        }
    }
}

/// Where channels stand. Their position must not be ahead of what the cache knows to be changed: what is read from
/// it afterwards, for a snapshot or a replay, would lack what nobody tells again.
async fn find_tops(ctx: &Ctx, channels: &[Channel]) -> Result<(String, HashMap<Channel, Offset>)> {
    let conn = &mut *ctx.conn().await?;
    let (epoch, tops) = store::list_tops(conn, channels).await?;
    if tops.is_empty() {
        return Ok((epoch, tops));
    }
    if store::is_one_younger(conn, &tops, ctx.now() - YOUNG).await? {
        ctx.cache().void_young(conn).await?;
    }
    Ok((epoch, tops))
}

impl Hub {
    /// Listens for voids of the tag that says who may be in a room.
    fn watch(&self, room: &Room) {
        if let Some(tag) = tag_of(room) {
            lock(&self.0.watched).insert(tag, room.channel.clone());
        }
    }

    /// Asks the subscriber for something. In a process that ends there is none.
    fn change_subscription(&self, change: Change) {
        drop(self.0.changes_tx.send(change));
    }

    fn unwatch(&self, room: &Room) {
        if let Some(tag) = tag_of(room) {
            lock(&self.0.watched).remove(&tag);
        }
    }
}

fn tag_of(room: &Room) -> Option<String> {
    let tag = room.topic?.member_tag?;
    Some(tag(room.channel.id))
}

/// Closes rooms that nobody has listened to for a while.
pub(super) fn close_idle(hub: &Hub) {
    let (now, linger) = (hub.now(), millis(hub.pace().linger()));
    let mut closed = Vec::new();
    hub.rooms().retain(|channel, room| {
        let mut state = room.lock();
        let idle = state.is_deserted()
            && *room.ready.borrow() == Ready::Open
            && state
                .idle_since
                .is_some_and(|since| now.saturating_sub(since) > linger);
        if idle {
            state.closed = true;
            hub.unwatch(room);
            closed.push(channel.clone());
        }
        !idle
    });
    if !closed.is_empty() {
        hub.change_subscription(Change::Unsubscribe(closed));
    }
}
