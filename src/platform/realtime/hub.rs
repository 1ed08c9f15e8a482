//! The hub of a process: who is connected, and which channels they listen to.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ahash::RandomState;
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::bus::Change;
use super::calm::Calm;
use super::conn::Conn;
use super::inflow::Inflow;
use super::pace::Pace;
use super::publisher::Post;
use super::room::Room;
use super::sight::Sight;
use super::typing::Typing;
use super::watch::{Exits, Lanes};
use super::{
    Channel, Registry, Signal, Told, anew, attendance, opening, presence, tickets, wishes,
};
use crate::kernel::{Result, Timestamp, UserId};
use crate::platform::Ctx;
use crate::platform::limits::RouteLimits;

/// What the hub asks of domains, beside what each says of its topics.
#[derive(Clone, Copy)]
pub struct Hooks {
    /// What a person sees of others, and others of them.
    pub sight: fn(Ctx, UserId) -> BoxFuture<'static, Result<Sight>>,
    /// How much waits for a person, as it greets them.
    pub counts: fn(Ctx, UserId) -> BoxFuture<'static, Result<Value>>,
    /// The latest states of things in a person's inbox that have changed since an instant, of which there
    /// are not many.
    pub states: fn(Ctx, UserId, Timestamp) -> BoxFuture<'static, Result<Vec<Signal>>>,
    /// The sort of tags, as `relations`, whose voids change whom a person sees and hears.
    pub relations_tag: &'static str,
    /// The sort of tags whose voids change what a person wants to see and show.
    pub settings_tag: &'static str,
}

/// How a hub is set up.
pub struct Options {
    /// What the domains say.
    pub registry: Registry,
    /// What is asked of them.
    pub hooks: Hooks,
    /// What limits the routes that frames are twins of.
    pub limits: RouteLimits,
    /// How often and how long.
    pub pace: Pace,
    /// Most connections of this process.
    pub max_sockets: u32,
    /// Most that are opened in a second; `None` is any number.
    pub connect_rate: Option<u32>,
    /// The name of this process.
    pub instance: String,
}

/// The hub of a process, cheap to clone.
#[derive(Clone)]
pub struct Hub(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) options: Options,
    rooms: Mutex<HashMap<Channel, Arc<Room>, RandomState>>,
    people: Mutex<HashMap<UserId, Vec<Arc<Conn>>, RandomState>>,
    conns: Mutex<HashMap<u64, Arc<Conn>, RandomState>>,
    pub(super) posts_tx: Vec<mpsc::UnboundedSender<Post>>,
    pub(super) posts_rx: Mutex<Option<Vec<mpsc::UnboundedReceiver<Post>>>>,
    pub(super) changes_tx: mpsc::UnboundedSender<Change>,
    pub(super) changes_rx: Mutex<Option<mpsc::UnboundedReceiver<Change>>>,
    pub(super) voids: Lanes,
    pub(super) voids_rx: Mutex<Option<Exits>>,
    epoch: Mutex<Arc<str>>,
    begun: Instant,
    numbers: AtomicU64,
    /// Whether the subscriber hears Redis.
    pub(super) listening: AtomicBool,
    /// When the last probe came back.
    pub(super) probed: AtomicU64,
    pub(super) draining: AtomicBool,
    /// Sockets whose last words may not be written yet.
    pub(super) sockets: TaskTracker,
    pub(super) typing: Typing,
    pub(super) calm: Calm,
    pub(super) presences: presence::Local,
    pub(super) presence_in_doubt: AtomicBool,
    pub(super) memory: presence::Memory,
    pub(super) missed: anew::Missed,
    pub(super) attendance: attendance::Pending,
    pub(super) inflow: Inflow,
    /// Rooms that are to be made ready.
    pub(super) unready: opening::Unready,
    pub(super) used: tickets::Used,
    pub(super) wishes_alone: wishes::Wishes,
    /// Tags whose void concerns a channel that somebody here listens to.
    pub(super) watched: Mutex<HashMap<String, Channel, RandomState>>,
    /// Sorts of tags that were voided and may concern any channel of a topic.
    pub(super) doubts: Mutex<HashSet<String>>,
    hash: RandomState,
    /// Tells processes of one name apart.
    token: u64,
}

/// Tasks that render and tell; a channel always has the same.
const PUBLISHERS: usize = 4;

impl Hub {
    /// A hub that passes nothing on yet.
    pub fn new(options: Options) -> Self {
        let (posts_tx, posts_rx) = (0..PUBLISHERS).map(|_| mpsc::unbounded_channel()).unzip();
        let (changes_tx, changes_rx) = mpsc::unbounded_channel();
        let (voids, voids_rx) = Lanes::new();
        let inflow = Inflow::new(options.connect_rate);
        Self(Arc::new(Inner {
            options,
            rooms: Mutex::default(),
            people: Mutex::default(),
            conns: Mutex::default(),
            posts_tx,
            posts_rx: Mutex::new(Some(posts_rx)),
            changes_tx,
            changes_rx: Mutex::new(Some(changes_rx)),
            voids,
            voids_rx: Mutex::new(Some(voids_rx)),
            epoch: Mutex::new(Arc::from("")),
            begun: Instant::now(),
            numbers: AtomicU64::new(1),
            listening: AtomicBool::new(false),
            probed: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            sockets: TaskTracker::new(),
            typing: Typing::default(),
            calm: Calm::default(),
            presences: presence::Local::default(),
            presence_in_doubt: AtomicBool::new(false),
            memory: presence::Memory::default(),
            missed: anew::Missed::default(),
            attendance: attendance::Pending::default(),
            inflow,
            unready: opening::Unready::default(),
            used: tickets::Used::default(),
            wishes_alone: wishes::Wishes::default(),
            watched: Mutex::default(),
            doubts: Mutex::default(),
            hash: RandomState::new(),
            token: RandomState::new().hash_one("token"),
        }))
    }

    /// The hub of this process; none in tools that do not serve.
    pub fn of(ctx: &Ctx) -> Option<Self> {
        ctx.part::<Self>().cloned()
    }

    /// What the domains say.
    pub fn registry(&self) -> &Registry {
        &self.0.options.registry
    }

    /// How often and how long.
    pub fn pace(&self) -> Pace {
        self.0.options.pace
    }

    /// Names a connection among those of all instances.
    pub(super) fn signature(&self, number: u64) -> String {
        format!("{}-{:x}:{number}", self.0.options.instance, self.0.token)
    }

    /// Milliseconds since the hub began.
    pub(super) fn now(&self) -> u64 {
        millis(self.0.begun.elapsed()) + 1
    }

    /// How long the hub has been there.
    pub fn uptime(&self) -> Duration {
        self.0.begun.elapsed()
    }

    /// Tells an event that is committed, `ready` being what it says if its writer had that at hand.
    pub(super) fn announce(&self, epoch: String, told: Told, ready: Option<Value>) {
        let channel = told.channel.clone();
        self.post(&channel, Post::Event(epoch, told, ready));
    }

    /// Tells a signal.
    pub(super) fn signal(&self, signal: Signal) {
        let channel = signal.channel.clone();
        self.post(&channel, Post::Signal(signal));
    }

    /// Gives something to the publisher of a channel.
    pub(super) fn post(&self, channel: &Channel, post: Post) {
        let hash = usize::try_from(self.0.hash.hash_one(channel) % 1_024).unwrap_or_default();
        if let Some(publisher) = self.0.posts_tx.get(hash % PUBLISHERS) {
            // Without a receiver the process is about to end.
            drop(publisher.send(post));
        }
    }

    /// The epoch of this database's offsets; empty until something was read.
    pub(super) fn epoch(&self) -> Arc<str> {
        Arc::clone(&lock(&self.0.epoch))
    }

    pub(super) fn set_epoch(&self, epoch: &str) {
        let mut known = lock(&self.0.epoch);
        if **known != *epoch {
            *known = Arc::from(epoch);
        }
    }

    pub(super) fn rooms(&self) -> MutexGuard<'_, HashMap<Channel, Arc<Room>, RandomState>> {
        lock(&self.0.rooms)
    }

    /// The room of a channel that somebody here listens to.
    pub(super) fn find_room(&self, channel: &Channel) -> Option<Arc<Room>> {
        self.rooms().get(channel).cloned()
    }

    /// All rooms.
    pub(super) fn all_rooms(&self) -> Vec<Arc<Room>> {
        self.rooms().values().cloned().collect()
    }

    /// All connections.
    pub(super) fn all_conns(&self) -> Vec<Arc<Conn>> {
        lock(&self.0.conns).values().cloned().collect()
    }

    /// How many connections there are.
    pub fn count(&self) -> usize {
        lock(&self.0.conns).len()
    }

    /// How many people are connected.
    pub fn count_people(&self) -> usize {
        lock(&self.0.people).len()
    }

    /// Who is connected.
    pub(super) fn all_people(&self) -> Vec<UserId> {
        lock(&self.0.people).keys().copied().collect()
    }

    /// Whether somebody is connected.
    pub(super) fn has_person(&self, user_id: UserId) -> bool {
        lock(&self.0.people).contains_key(&user_id)
    }

    /// The connections of a person.
    pub(super) fn conns_of(&self, user_id: UserId) -> Vec<Arc<Conn>> {
        lock(&self.0.people)
            .get(&user_id)
            .cloned()
            .unwrap_or_default()
    }

    /// A number for a connection.
    pub(super) fn next_number(&self) -> u64 {
        self.0.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether there is room for another connection.
    pub(super) fn has_room(&self) -> bool {
        let most = usize::try_from(self.0.options.max_sockets).unwrap_or(usize::MAX);
        !self.is_draining() && self.count() < most
    }

    /// Whether the process is about to end.
    pub(super) fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }

    /// Counts a connection.
    pub(super) fn enter(&self, conn: &Arc<Conn>) {
        lock(&self.0.conns).insert(conn.number, Arc::clone(conn));
    }

    /// Counts a connection among those of its person, and gives the others.
    pub(super) fn seat(&self, conn: &Arc<Conn>) -> Vec<Arc<Conn>> {
        let Some(user_id) = conn.user_id() else {
            return Vec::new();
        };
        let mut people = lock(&self.0.people);
        let conns = people.entry(user_id).or_default();
        let others = conns.clone();
        conns.push(Arc::clone(conn));
        others
    }

    /// Forgets a connection and all that it listens to. Says whether it was there.
    pub(super) fn leave(&self, conn: &Arc<Conn>) -> bool {
        let was_there = lock(&self.0.conns).remove(&conn.number).is_some();
        if let Some(user_id) = conn.user_id() {
            let mut people = lock(&self.0.people);
            if let Some(conns) = people.get_mut(&user_id) {
                conns.retain(|other| other.number != conn.number);
                if conns.is_empty() {
                    people.remove(&user_id);
                }
            }
        }
        let rooms = std::mem::take(&mut *conn.rooms());
        if was_there {
            attendance::linger(self, conn, &rooms);
        }
        for room in rooms {
            self.detach(&room, conn.number);
        }
        was_there
    }

    /// Takes a listener out of a room.
    pub(super) fn detach(&self, room: &Room, number: u64) {
        let mut state = room.lock();
        state.remove(self.now(), |conn| conn.number == number);
        drop(state);
        attendance::changed(self, room);
    }

    /// The connection of this number.
    pub(super) fn find_conn(&self, number: u64) -> Option<Arc<Conn>> {
        lock(&self.0.conns).get(&number).cloned()
    }
}

/// Milliseconds of a duration.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
