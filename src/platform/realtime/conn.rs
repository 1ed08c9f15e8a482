//! A connection: who is at its other end, what waits for them, and what they listen to.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arc_swap::{ArcSwap, Guard};
use serde_json::Value;
use tokio::sync::{Notify, OnceCell};

use super::close::Close;
use super::cursor::Cursor;
use super::frame::{Frame, Text};
use super::queue::{Before, Item, Put, Queue};
use super::room::Room;
use super::sight::Sight;
use super::{Channel, Offset, Topic};
use crate::kernel::UserId;
use crate::platform::http::LineGrip;
use crate::platform::sessions::CurrentUser;
use crate::words;

words! {
    /// How a connection is made.
    pub enum Transport {
        /// A WebSocket.
        Socket = "websocket",
        /// A stream of server-sent events.
        Sse = "sse",
        /// A long poll: it lasts as long as one request.
        Poll = "poll",
    }
}

/// The turn of a connection that took its name over from nobody.
const FIRST: i64 = 0;

/// Who is at the other end.
#[derive(Debug, Clone)]
pub struct Who {
    /// The person and their session.
    pub user: CurrentUser,
    /// The name under which this connection is resumed.
    pub live: String,
}

/// A connection.
pub struct Conn {
    /// Tells connections of this process apart.
    pub number: u64,
    /// How it is made.
    pub transport: Transport,
    /// Where it comes from.
    pub address: IpAddr,
    /// What waits to be sent.
    pub queue: Queue,
    /// What it listens to.
    pub rooms: Mutex<Vec<Arc<Room>>>,
    /// When the access token runs out, in seconds since 1970; 0 where there is none.
    pub token_ends: AtomicU64,
    /// When it came, in milliseconds of the hub's clock.
    pub begun: u64,
    /// When something was heard last, in milliseconds of the hub's clock.
    pub heard: AtomicU64,
    /// When something was taken from the queue last, on the same clock.
    pub wrote: AtomicU64,
    /// Since when something has waited and nothing was taken, on the same clock; 0 is never.
    pub waits: AtomicU64,
    /// When it was asked for a sign of life, on the same clock.
    pub pinged: AtomicU64,
    /// Of which end of a token the client was told.
    pub noticed: AtomicU64,
    /// When it was told to end, on the same clock; 0 is never.
    pub ended: AtomicU64,
    /// Whether its client has said hello, and is being asked who it is or known.
    pub greets: AtomicBool,
    /// Whether the person is away from the device.
    pub is_away: AtomicBool,
    /// Whether the client said goodbye, and does not mean to come back.
    pub said_goodbye: AtomicBool,
    /// Told when it ends.
    pub gone: Notify,
    /// Held by whoever has it listen to more for another instance.
    pub joins: tokio::sync::Mutex<()>,
    /// Whether its cursor is to be told although nothing was sent that moved it.
    pub has_moved: AtomicBool,
    /// Where its client stands, where that is a cursor.
    cursor: OnceLock<Mutex<Cursor>>,
    who: OnceLock<Who>,
    turn: OnceCell<i64>,
    sight: ArcSwap<Sight>,
    line: Option<LineGrip>,
}

impl Conn {
    /// A connection of somebody who is not known yet.
    pub fn new(
        number: u64,
        transport: Transport,
        address: IpAddr,
        line: Option<LineGrip>,
        now: u64,
    ) -> Self {
        Self {
            number,
            transport,
            address,
            queue: Queue::default(),
            rooms: Mutex::default(),
            token_ends: AtomicU64::new(0),
            begun: now,
            heard: AtomicU64::new(now),
            wrote: AtomicU64::new(now),
            waits: AtomicU64::new(0),
            pinged: AtomicU64::new(now),
            noticed: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            greets: AtomicBool::new(false),
            is_away: AtomicBool::new(false),
            said_goodbye: AtomicBool::new(false),
            gone: Notify::new(),
            joins: tokio::sync::Mutex::default(),
            has_moved: AtomicBool::new(false),
            cursor: OnceLock::new(),
            who: OnceLock::new(),
            turn: OnceCell::new(),
            sight: ArcSwap::from_pointee(Sight::default()),
            line,
        }
    }

    /// Says who it is, once.
    pub fn identify(&self, who: Who) {
        self.who.set(who).unwrap_or_default();
    }

    /// Who it is, once that is known.
    pub fn who(&self) -> Option<&Who> {
        self.who.get()
    }

    /// Notes that it has its name from nobody: whoever takes that over comes after it.
    pub fn comes_first(&self) {
        // Whoever has taken a turn keeps it.
        self.turn.set(FIRST).unwrap_or_default();
    }

    /// When it took over its name, as `take` says if that was not asked before.
    pub async fn take_turn(&self, take: impl Future<Output = i64>) -> i64 {
        *self.turn.get_or_init(|| take).await
    }

    /// When it took over its name, in microseconds since 1970 on the clock of Redis: in the far future before it has,
    /// and in the far past where the name is its own.
    pub fn turn(&self) -> i64 {
        self.turn.get().copied().unwrap_or(i64::MAX)
    }

    /// The person, once they are known.
    pub fn user_id(&self) -> Option<UserId> {
        self.who().map(|who| who.user.id)
    }

    /// Where its client stands, from now on: a cursor, which changes with what it listens to. Once.
    pub(super) fn keep(&self, cursor: Cursor) {
        self.cursor.set(Mutex::new(cursor)).unwrap_or_default();
    }

    /// Does something with the cursor, if the connection has one.
    pub(super) fn with_cursor<T>(&self, act: impl FnOnce(&mut Cursor) -> T) -> Option<T> {
        let cursor = self.cursor.get()?;
        let mut cursor = cursor.lock().unwrap_or_else(PoisonError::into_inner);
        Some(act(&mut cursor))
    }

    /// Notes where its client stands in channels before anything of them is sent.
    pub(super) fn stands_at(&self, places: &[(Channel, Offset)]) {
        self.move_cursor(|cursor| {
            for (channel, offset) in places {
                cursor.note(channel, *offset);
            }
        });
    }

    /// Notes that it listens to a channel no more: `for_good` even where its address names it.
    pub(super) fn stands_no_more_in(&self, channel: &Channel, for_good: bool) {
        self.move_cursor(|cursor| {
            if for_good {
                cursor.leave(channel);
            } else {
                cursor.forget(channel);
            }
        });
    }

    /// Changes the cursor; the client of a stream is told it soon.
    fn move_cursor(&self, change: impl FnOnce(&mut Cursor)) {
        if self.with_cursor(change).is_some() && self.transport == Transport::Sse {
            self.has_moved.store(true, Ordering::Relaxed);
            // Where there is no room for it, what waits brings the cursor too.
            self.queue.put_control(super::sse::comment());
        }
    }

    /// What the person sees of others, from now on; unless it is known by somebody who began to look later. Says
    /// whether it is something else than before.
    pub fn set_sight(&self, sight: &Arc<Sight>) -> bool {
        let is_older = |known: &Sight| known.number > sight.number;
        let before = self
            .sight
            .rcu(|known| Arc::clone(if is_older(known) { known } else { sight }));
        !is_older(&before) && !before.is_as(sight)
    }

    /// What the person sees of others.
    pub fn sight(&self) -> Guard<Arc<Sight>> {
        self.sight.load()
    }

    /// Whether the person is spared an event of a channel of this topic.
    pub fn is_spared(&self, topic: &Topic, frame: &Frame) -> bool {
        topic.may_spare(frame) && self.sight().spares(topic, frame, self.user_id())
    }

    /// Sends an event or a signal.
    pub fn put(&self, frame: &Arc<Frame>, now: u64) {
        self.enqueue(frame, now);
        self.queue.wake();
    }

    /// The same, but it is the caller's to wake the reader. A reader who is too slow for what must not
    /// be lost is told so, and comes back to be given it.
    pub fn enqueue(&self, frame: &Arc<Frame>, now: u64) {
        let Some(user_id) = self.user_id() else {
            return;
        };
        match self.queue.put(frame, user_id) {
            Put::Waits | Put::Dropped(_) => {}
            Put::Full => self.end(Close::TOO_SLOW, now),
        }
    }

    /// Sends a word of control.
    pub fn say(&self, value: &Value, now: u64) {
        if self.queue.put_control(Text::json_of(value)) == Put::Full {
            self.end(Close::TOO_SLOW, now);
        }
    }

    /// Ends it at once: what waits is not sent, because the client may not have it or does not take it.
    pub fn end(&self, close: Close, now: u64) {
        self.finish(close, Before::Nothing, now);
    }

    /// The same after one last event.
    pub fn end_after(&self, last: &Arc<Frame>, close: Close, now: u64) {
        let text = self.user_id().and_then(|id| last.text_for(id)).cloned();
        let item = text.map(|text| Item {
            text,
            frame: Some(Arc::clone(last)),
        });
        self.finish(close, item.map_or(Before::Nothing, Before::Only), now);
    }

    /// Ends it after what waits is sent.
    pub fn end_after_all(&self, close: Close, now: u64) {
        self.finish(close, Before::All, now);
    }

    fn finish(&self, close: Close, before: Before, now: u64) {
        let name = close.name;
        if self.queue.close(close, before) {
            self.ended.store(now.max(1), Ordering::Relaxed);
            self.gone.notify_one();
            super::figures::closed(name);
        }
    }

    /// Whether it was told to end.
    pub fn is_ending(&self) -> bool {
        self.ended.load(Ordering::Relaxed) > 0
    }

    /// Cuts the line, for a client that does not even take the goodbye.
    pub fn cut(&self) {
        if let Some(line) = &self.line {
            line.cut();
        }
    }

    /// Waits until the line is cut; for the one who reads and writes it.
    pub async fn is_cut(&self) {
        match &self.line {
            Some(line) => line.is_cut().await,
            None => std::future::pending().await,
        }
    }

    /// What it listens to.
    pub fn rooms(&self) -> MutexGuard<'_, Vec<Arc<Room>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The room of this channel, if it listens to it.
    pub fn room(&self, channel: &Channel) -> Option<Arc<Room>> {
        let rooms = self.rooms();
        rooms.iter().find(|room| room.channel == *channel).cloned()
    }
}
