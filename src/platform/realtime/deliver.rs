//! Passing on what arrives, fetching what is missing, and looking whether anything is.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::close::Close;
use super::frame::Frame;
use super::hub::Hub;
use super::room::{Passed, Room};
use super::{Channel, Offset, Signal, asking, attendance, render, store, typing};
use crate::kernel::Result;
use crate::platform::Ctx;

/// Two events that overtake each other are not worth a question to Postgres.
const OVERTAKING: Duration = Duration::from_millis(15);
/// After Postgres could not be asked.
const PAUSE: Duration = Duration::from_millis(250);
/// Events that are fetched at once.
const BATCH: i64 = 500;
/// Channels whose positions are compared at once.
const COMPARED: usize = 1_000;

impl Hub {
    /// Whether what is told comes by way of Redis just now.
    pub fn is_listening(&self) -> bool {
        self.0.listening.load(Ordering::Relaxed)
    }

    /// Passes on what was told.
    pub(super) fn receive(&self, ctx: &Ctx, frame: Arc<Frame>) {
        let Some(room) = self.find_room(&frame.channel) else {
            return;
        };
        typing::hear(self, &room, &frame);
        let passed = room.pass(frame, ctx.cache().known_voids(), self.now());
        self.settle(ctx, &room, passed);
    }

    /// Passes a signal on to those who listen here, and to nobody elsewhere.
    pub(super) fn receive_signal(&self, ctx: &Ctx, signal: &Signal) {
        if let Ok(frame) = Frame::signal(signal, ctx.now()) {
            self.receive(ctx, Arc::new(frame));
        }
    }

    /// Does what an event has brought about beside being passed on.
    pub(super) fn settle(&self, ctx: &Ctx, room: &Arc<Room>, passed: Passed) {
        for number in passed.removed {
            self.say_removed(room, number);
        }
        for number in passed.lost {
            if let Some(conn) = self.find_conn(number) {
                conn.end(Close::POSITION_LOST, self.now());
            }
        }
        if let Some(offset) = passed.asks {
            let (ctx, hub, room) = (ctx.clone(), self.clone(), Arc::clone(room));
            tokio::spawn(async move { asking::ask_first(&ctx, &hub, &room, offset).await });
        }
        if passed.has_gap {
            self.fill(ctx, room, 0);
        }
    }

    /// Tells a connection that it listens to this channel no more.
    pub(super) fn say_removed(&self, room: &Room, number: u64) {
        let Some(conn) = self.find_conn(number) else {
            return;
        };
        conn.rooms().retain(|other| other.channel != room.channel);
        conn.stands_no_more_in(&room.channel, false);
        let words = json!({"op": "unsubscribed", "ch": room.channel.to_string(),
            "reason": "removed", "retry": false});
        conn.say(&words, self.now());
        attendance::changed(self, room);
    }

    /// Fetches what is missing, up to `top` at least; one task a room.
    pub(super) fn fill(&self, ctx: &Ctx, room: &Arc<Room>, top: Offset) {
        {
            let mut state = room.lock();
            if state.filling {
                return;
            }
            state.filling = true;
        }
        tokio::spawn(fill(ctx.clone(), self.clone(), Arc::clone(room), top));
    }
}

async fn fill(ctx: Ctx, hub: Hub, room: Arc<Room>, top: Offset) {
    loop {
        tokio::time::sleep(OVERTAKING).await;
        let last = {
            let mut state = room.lock();
            let last = state.last.unwrap_or_default();
            if state.closed || state.doubts.asking || (!state.has_held() && last >= top) {
                state.filling = false;
                return;
            }
            last
        };
        match fill_some(&ctx, &hub, &room, last).await {
            Ok(true) => super::figures::gap_filled(),
            Ok(false) => {
                room.lock().filling = false;
                return;
            }
            Err(error) => {
                tracing::debug!(?error, channel = %room.channel, "a gap could not be filled yet");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Passes on some of what Postgres has after `last`; says whether there was any.
async fn fill_some(ctx: &Ctx, hub: &Hub, room: &Arc<Room>, last: Offset) -> Result<bool> {
    let events = {
        let conn = &mut *ctx.conn().await?;
        let events = store::list_events(conn, &room.channel, last, BATCH).await?;
        // Whoever wrote them has not told of them, and may not have told the cache.
        ctx.cache().void_young(conn).await?;
        events
    };
    let Some(first) = events.first() else {
        return Ok(false);
    };
    if first.offset > last + 1 {
        lose(hub, room, last, first.offset - 1);
    }
    let frames = render::frames(ctx, hub, &hub.epoch(), events).await?;
    let known = ctx.cache().known_voids();
    for frame in frames {
        let mut passed = room.pass(frame, known, hub.now());
        passed.has_gap = false;
        hub.settle(ctx, room, passed);
    }
    Ok(true)
}

/// Postgres has not kept what is missing: whoever listens is told, by a close that has them resume.
fn lose(hub: &Hub, room: &Room, last: Offset, until: Offset) {
    let mut state = room.lock();
    if state.last != Some(last) {
        return;
    }
    state.skip_to(until);
    let conns: Vec<_> = state.subs.iter().map(|sub| Arc::clone(&sub.conn)).collect();
    drop(state);
    for conn in conns {
        conn.end(Close::POSITION_LOST, hub.now());
    }
}

/// Compares the positions of all rooms with what Postgres has, and fetches what was told by somebody
/// who could not pass it on: a process that died after its commit, or another one while there is no
/// Redis.
pub(super) async fn sweep(ctx: &Ctx, hub: &Hub) -> Result<()> {
    for rooms in hub.all_rooms().chunks(COMPARED) {
        let channels: Vec<Channel> = rooms.iter().map(|room| room.channel.clone()).collect();
        let (epoch, tops) = {
            let mut conn = ctx.conn().await?;
            store::list_tops(&mut conn, &channels).await?
        };
        hub.set_epoch(&epoch);
        for room in rooms {
            let top = tops.get(&room.channel).copied().unwrap_or_default();
            let is_behind = room.lock().last.is_some_and(|last| last < top);
            if is_behind {
                hub.fill(ctx, room, top);
            }
        }
    }
    Ok(())
}
