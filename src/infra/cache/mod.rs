//! A layered cache over Postgres that is never older than the last void.
//!
//! Three layers: L1 in the process, L2 in Redis, then a loader that asks Postgres. What
//! is stored is a [`Space`]: a typed family of entries with its rules as data. Whoever reads calls
//! [`Cache::get`] or [`Cache::get_many`] and gets values; nothing else has to be said at the place
//! of reading.
//!
//! **What makes an entry void.** Every entry has tags. A tag has a stamp in Redis, 64 random bits,
//! and an entry carries the stamps that its tags had before its load began. It is believed only
//! while every stamp is there and equal. So voiding means to set new stamps where there are any, and a late fill, a
//! writer's put or a background refresh that raced with it is void by itself. An evicted stamp makes
//! its entries void too.
//!
//! **What keeps processes near.** After the stamps, a void takes the next number of one sequence and
//! leaves its tags in a stream. A process knows up to which number it has applied voids (its ledger),
//! and an entry in L1 carries the position of before its read. Before a request is handled,
//! [`Cache::step`] brings what was missed, so an L1 hit is never older than the last void before the
//! request. A gap, or another epoch, empties L1.
//!
//! **What may not be trusted.** The epoch is part of every key and comes from a row in Postgres, one
//! a run of Redis: no snapshot of Redis brings old entries back. Where voids come from is the
//! business of triggers: they leave the tags of changed rows in the table `cache_void`, in the
//! writer's own transaction ([`store`]): one row a statement, or one for all of them where the transaction
//! gathers. The writer delivers it after its commit, and the [`Relay`] delivers what a dead writer left.
//!
//! **Without Redis** L1 entries live a second at most, spaces that decide who may see what are read
//! from Postgres, and loads stay bounded.
//!
//! # Elsewhere
//!
//! It knows no domain. To lift it out, take this folder with `infra::redis` (the connection and its
//! supervisor), `infra::meter` and `infra::metrics` (what counts for it), of `infra::db` the two words `Conn` and
//! `admit`, and the error type. It needs two tables, `cache_void` and `cache_epoch`, and the procedure
//! `void_on_change(table, tags...)`, which makes the triggers of a table:
//!
//! ```sql
//! call void_on_change('thing', 'thing:{name}');
//! ```
//!
//! A space over that table, and a read of it:
//!
//! ```ignore
//! static THINGS: Space<ThingId, Thing> = Space {
//!     name: "thing",
//!     version: 1,
//!     kind: Kind::Exact,
//!     policy: Policy::lasting(Duration::from_mins(30)),
//!     tags: |name| smallvec![format!("thing:{name}")],
//!     tables: &["thing"],
//!     load: |conn, names| Box::pin(load_things(conn, names)),
//!     walk: None,
//! };
//!
//! let thing = cache.get(&THINGS, &name).await?;
//! ```
//!
//! A process has one [`Cache`] ([`Cache::new`]), the tasks of [`Cache::relay`], [`follow_voids`] and
//! [`check_while_serving`], and calls [`Cache::step`] before it handles a request.

mod ahead;
mod attach;
mod behind;
mod entry;
mod fetch;
mod fill;
mod flights;
mod gathering;
mod keep;
mod l1;
mod l2;
mod ledger;
mod marks;
mod memo;
mod nines;
mod onlook;
mod read;
mod reader;
mod refresh;
mod relay;
mod served;
mod sketch;
mod space;
mod stats;
mod step;
pub mod store;
mod structure;
mod table;
mod verify;
mod void;
mod warm;
mod witness;

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ahash::RandomState;
use arc_swap::ArcSwap;
use sqlx::PgPool;
use tokio::sync::{Semaphore, mpsc};

use self::flights::Flights;
use self::l1::L1;
use self::ledger::Ledger;
use self::marks::TagHash;
use self::served::Served;
use self::sketch::Sketch;
use self::stats::Counters;
use crate::infra::metrics::declared::CACHE_LOAD_SECONDS;
use crate::infra::redis::{Redis, Script};

pub use ahead::Asked;
pub use keep::Ticket;
pub use l1::L1Share;
pub use ledger::Moment;
pub use memo::{Memo, Weighed};
pub use nines::Nines;
pub use onlook::Onlooker;
pub use reader::follow_voids;
pub use relay::Relay;
pub use served::check_while_serving;
pub use space::{Key, KeyBytes, Kind, Load, Only, Policy, Space, Tags, Value, Walk};
pub use stats::Figures;
pub use step::{Missed, Step, with_doubt};
pub use structure::Stamp;
pub use table::render_table;
pub use verify::{AnySpace, Check, Tally};
pub use warm::Warmed;
pub use witness::{KnownVoids, Witness, Witnessed};

/// The scripts that a connection must have loaded.
pub const SCRIPTS: &[&Script] = &[&l2::VOID, &l2::ADOPT];

/// Without Redis a process believes its own entries this long.
const ALONE: Duration = Duration::from_secs(1);

/// Which layers are read. Voids go out in every mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The process, Redis, Postgres.
    On,
    /// The process and Postgres.
    Local,
    /// Postgres alone.
    Off,
}

/// The epoch under which entries lie in Redis, for whoever may read and write them: see
/// [`Cache::shelf`].
#[derive(Debug, Clone, Copy)]
struct Shelf(i64);

/// What is known of a space without its types.
#[derive(Clone, Copy)]
pub struct Described {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: u16,
    /// Rows or time end its entries.
    pub kind: Kind,
    /// Its rules.
    pub policy: Policy,
    /// The tables that it is made from.
    pub tables: &'static [&'static str],
    /// The space itself, for what is done with any space.
    pub any: &'static dyn AnySpace,
}

impl std::fmt::Debug for Described {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Space({} v{})", self.name, self.version)
    }
}

impl<K: Key, V: Value> Space<K, V> {
    /// The space without its types.
    pub const fn described(&'static self) -> Described {
        Described {
            name: self.name,
            version: self.version,
            kind: self.kind,
            policy: self.policy,
            tables: self.tables,
            any: self,
        }
    }
}

/// How a cache is set up.
pub struct Options {
    /// Which layers are read.
    pub mode: Mode,
    /// Bytes that L1 may take.
    pub l1_bytes: u64,
    /// Loads that may run at once; more wait, and then are refused.
    pub concurrent_loads: usize,
    /// Every space that will be read.
    pub spaces: Vec<Described>,
}

/// The cache of a process, cheap to clone.
#[derive(Clone)]
pub struct Cache(Arc<Engine>);

struct Engine {
    mode: Mode,
    redis: Redis,
    db: PgPool,
    ledger: ArcSwap<Ledger>,
    ledgers: AtomicU64,
    unsure: AtomicBool,
    /// Whether Redis has yet to be told what was voided while its connection was made ready.
    behind: AtomicBool,
    ready_since: Mutex<Option<Instant>>,
    tags: TagHash,
    l1: L1,
    flights: Flights,
    refreshing: Mutex<std::collections::HashSet<l1::L1Key, RandomState>>,
    sketch: Sketch,
    loads: Semaphore,
    spaces: HashMap<&'static str, Arc<State>, RandomState>,
    stamp_life: Duration,
    gathering: gathering::Gathering,
    recent: Mutex<VecDeque<(Instant, Arc<[String]>)>>,
    delivered: mpsc::Sender<i64>,
    undeleted: Mutex<Option<mpsc::Receiver<i64>>>,
    served: Served,
    witness: std::sync::OnceLock<Witness>,
}

/// What the engine keeps of a space.
struct State {
    number: u16,
    described: Described,
    counters: Counters,
    behind: behind::Behind,
    load_seconds: metrics::Histogram,
}

impl State {
    fn new(number: u16, described: Described) -> Self {
        Self {
            number,
            described,
            counters: Counters::default(),
            behind: behind::Behind::default(),
            load_seconds: CACHE_LOAD_SECONDS.histogram(&[described.name]),
        }
    }
}

impl Cache {
    /// A cache over this database and this Redis, which may both still be away.
    pub fn new(redis: Redis, db: PgPool, options: Options) -> Self {
        let (delivered, undeleted) = mpsc::channel(relay::BACKLOG);
        let l1 = L1::new(options.l1_bytes, options.spaces.len());
        let longest = options.spaces.iter().map(|space| space.policy.keep).max();
        let spaces = options.spaces.into_iter().zip(0_u16..);
        let spaces = spaces
            .map(|(described, number)| (described.name, Arc::new(State::new(number, described))));
        Self(Arc::new(Engine {
            mode: options.mode,
            redis,
            db,
            ledger: ArcSwap::from_pointee(Ledger::new(0, None, 0)),
            ledgers: AtomicU64::new(1),
            unsure: AtomicBool::new(false),
            behind: AtomicBool::new(false),
            ready_since: Mutex::default(),
            tags: TagHash::new(),
            l1,
            flights: Flights::default(),
            refreshing: Mutex::default(),
            sketch: Sketch::new(),
            loads: Semaphore::new(options.concurrent_loads),
            spaces: spaces.collect(),
            stamp_life: longest.unwrap_or_default().max(Duration::from_secs(1)) * 2,
            gathering: gathering::Gathering::default(),
            recent: Mutex::default(),
            delivered,
            undeleted: Mutex::new(Some(undeleted)),
            served: Served::default(),
            witness: std::sync::OnceLock::new(),
        }))
    }

    /// Figures of every space, by name.
    pub fn figures(&self) -> Vec<(Described, Figures)> {
        let mut states: Vec<_> = self.0.spaces.values().collect();
        states.sort_by_key(|state| state.number);
        let figures = states
            .iter()
            .map(|state| (state.described, state.counters.figures()));
        figures.collect()
    }

    /// Entries and bytes of L1, roughly.
    pub fn l1_size(&self) -> (u64, u64) {
        self.0.l1.size()
    }

    /// What L1 holds of a space.
    pub fn l1_share(&self, space: &Described) -> L1Share {
        let state = self.0.spaces.get(space.name);
        state.map_or_else(L1Share::default, |state| self.0.l1.share(state.number))
    }

    /// Redis, for what is no entry.
    pub fn redis(&self) -> &Redis {
        &self.0.redis
    }

    /// Which layers are read.
    pub fn mode(&self) -> Mode {
        self.0.mode
    }

    /// The state of a space that was named at the start.
    fn state<K: Key, V: Value>(&self, space: &'static Space<K, V>) -> Arc<State> {
        self.0.spaces.get(space.name).cloned().unwrap_or_else(|| {
            // Not fatal: the space shares figures with nobody and works.
            debug_assert!(false, "the space {} was not named at the start", space.name);
            Arc::new(State::new(u16::MAX, space.described()))
        })
    }

    /// Where entries lie in Redis, if this process reads and writes any there just now. Without this
    /// nobody makes the key of an entry, so nobody can forget to ask.
    fn shelf(&self, ledger: &Ledger) -> Option<Shelf> {
        let is_used = self.0.mode == Mode::On && !self.0.behind.load(Ordering::Acquire);
        self.shared_epoch(ledger).filter(|_| is_used).map(Shelf)
    }

    /// Whether Redis is there just now, and under which epoch. For voids, which every mode tells and
    /// hears; whoever wants entries asks [`Self::shelf`].
    fn shared_epoch(&self, ledger: &Ledger) -> Option<i64> {
        ledger
            .epoch
            .filter(|_| self.0.redis.is_up() && !step::is_in_doubt())
    }

    /// Whether L1 may be believed as far as its rules go: the voids of others are known.
    fn knows_voids(&self, ledger: &Ledger) -> bool {
        self.shared_epoch(ledger).is_some() && !self.0.unsure.load(Ordering::Acquire)
    }

    /// Begins a new stretch of voids; every entry of L1 ends with the old one.
    fn begin_ledger(&self, epoch: Option<i64>, sequence: u64) {
        self.0.ledger.store(self.new_ledger(epoch, sequence));
        self.0.l1.clear();
        self.tell_witness(&Witnessed::Gap);
    }

    /// The same in place of `known`, unless somebody else was faster: a connection that came
    /// meanwhile knows better.
    fn replace_ledger(&self, known: &Arc<Ledger>, epoch: Option<i64>, sequence: u64) {
        let next = self.new_ledger(epoch, sequence);
        let before = self.0.ledger.compare_and_swap(known, next);
        if Arc::ptr_eq(&before, known) {
            self.0.l1.clear();
            self.tell_witness(&Witnessed::Gap);
        }
    }

    fn new_ledger(&self, epoch: Option<i64>, sequence: u64) -> Arc<Ledger> {
        let id = self.0.ledgers.fetch_add(1, Ordering::Relaxed);
        Arc::new(Ledger::new(id, epoch, sequence))
    }

    fn state_key(&self) -> String {
        self.0.redis.key("cache:state")
    }

    fn stream_key(&self, epoch: i64) -> String {
        self.0.redis.key(format_args!("cache:voids:{epoch}"))
    }

    fn stamp_key(&self, epoch: i64, tag: &str) -> String {
        self.0.redis.key(format_args!("{epoch}:tag:{tag}"))
    }

    fn entry_key<K: Key, V: Value>(&self, shelf: Shelf, space: &Space<K, V>, key: &K) -> String {
        let Shelf(epoch) = shelf;
        let mut text = self
            .0
            .redis
            .key(format_args!("{epoch}:{}:v{}:", space.name, space.version));
        key.write(&mut text);
        text
    }
}
