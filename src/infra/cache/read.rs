//! Reading: one value or many, from the nearest layer that has them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::SemaphorePermit;

use super::fill::ttl_of;
use super::flights::{Flight, Landings, Lead, Outcome};
use super::l1::{Held, L1Key, Shared, Stored};
use super::ledger::{Ledger, Moment};
use super::space::{Key, Space, Tags, Value};
use super::stats::{add, add_len};
use super::{ALONE, Cache, Mode, State, step};
use crate::infra::db;
use crate::infra::meter::{self, Layer};
use crate::kernel::{Code, Error, Result};

/// How long a load waits for its turn before it is refused.
const TURN: Duration = Duration::from_secs(2);

tokio::task_local! {
    /// Set while a loader runs.
    static LOADING: ();
}

/// Answers past their freshness.
#[derive(Default)]
struct Stale {
    entries: u64,
    /// How long the oldest of them is.
    oldest: Option<Duration>,
}

impl Stale {
    fn note(&mut self, late: Option<Duration>) {
        self.entries += u64::from(late.is_some());
        self.oldest = self.oldest.max(late);
    }
}

/// A key that L1 could not answer.
pub(super) struct Missing<K> {
    pub(super) key: K,
    pub(super) l1: L1Key,
    pub(super) tags: Tags,
}

impl<K: Key> Missing<K> {
    /// What is asked for under `key` in the space of this number.
    pub(super) fn of<V: Value>(space: &Space<K, V>, number: u16, key: &K) -> Self {
        Self {
            key: key.clone(),
            l1: (number, key.bytes()),
            tags: space.all_tags(key),
        }
    }
}

impl Cache {
    /// The value under `key`; `None` when there is none.
    pub async fn get<K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        key: &K,
    ) -> Result<Option<Arc<V>>> {
        let mut found = self.get_many(space, std::slice::from_ref(key)).await?;
        Ok(found.remove(key))
    }

    /// The values under `keys`: one look at L1, one command to Redis, one query for the rest. Keys
    /// without a value are left out. An error says that some are not known.
    pub async fn get_many<K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        keys: &[K],
    ) -> Result<HashMap<K, Arc<V>>> {
        if LOADING.try_with(|()| ()).is_ok() {
            let cause = anyhow::anyhow!("a loader asked the cache (space {})", space.name);
            return Err(Error::internal(cause));
        }
        let state = self.state(space);
        add(&state.counters.requests, 1);
        if self.0.mode == Mode::Off {
            return self.read_through(space, &state, keys).await;
        }
        let ledger = self.0.ledger.load_full();
        // Taken before anything is read: what is read now knows all voids up to here.
        let moment = ledger.moment();
        let mut found = HashMap::with_capacity(keys.len());
        let mut missing = Vec::new();
        let mut stale = Stale::default();
        let now = Instant::now();
        for key in keys {
            let l1 = (state.number, key.bytes());
            match self.look(space, &ledger, &l1, now) {
                Some(stored) => {
                    if self.is_due(space, &stored, &l1, now) {
                        stale.note(stored.late(now));
                        self.refresh_behind(space, &state, key.clone(), l1);
                    }
                    if let Some(value) = stored.value.as_ref().and_then(typed) {
                        found.insert(key.clone(), value);
                    }
                    self.0.served.note(space, key);
                }
                None => missing.push(Missing {
                    key: key.clone(),
                    l1,
                    tags: space.all_tags(key),
                }),
            }
        }
        Self::note_l1(&state, keys.len() - missing.len(), &stale);
        if missing.is_empty() {
            add(&state.counters.full_requests, 1);
            return Ok(found);
        }
        if step::is_in_doubt() {
            // A load that others have begun may be older than a void that is not known here.
            let keys: Vec<K> = missing.into_iter().map(|one| one.key).collect();
            found.extend(self.read_through(space, &state, &keys).await?);
            return Ok(found);
        }
        let before = state.counters.misses.load(Ordering::Relaxed);
        self.find_missing(space, &state, &ledger, moment, missing, &mut found)
            .await?;
        if state.counters.misses.load(Ordering::Relaxed) == before {
            add(&state.counters.full_requests, 1);
        }
        Ok(found)
    }

    /// An entry of L1 that counts.
    pub(super) fn look<K: Key, V: Value>(
        &self,
        space: &Space<K, V>,
        ledger: &Ledger,
        key: &L1Key,
        now: Instant,
    ) -> Option<Arc<Held>> {
        let stored = self.0.l1.get(key)?;
        let believed = self.knows_voids(ledger)
            || !space.policy.decides && now.duration_since(stored.since) < ALONE;
        (believed && now < stored.until && ledger.holds(stored.moment, &stored.tags))
            .then_some(stored)
    }

    /// Waits for loads that run already and begins one for the rest.
    async fn find_missing<K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        state: &Arc<State>,
        ledger: &Arc<Ledger>,
        moment: Moment,
        missing: Vec<Missing<K>>,
        found: &mut HashMap<K, Arc<V>>,
    ) -> Result<()> {
        let mut own: Vec<(Missing<K>, Lead)> = Vec::new();
        let mut joined: Vec<(Missing<K>, Arc<Flight>)> = Vec::new();
        let mut wanted = Vec::new();
        for one in missing {
            let tags = self.0.tags.codes(&one.tags);
            let boarded = self.0.flights.board(ledger, &one.l1, tags, moment);
            match boarded {
                Ok(lead) => {
                    wanted.push(one.key.clone());
                    own.push((one, lead));
                }
                Err(flight) => joined.push((one, flight)),
            }
        }
        let outcomes = if own.is_empty() {
            Vec::new()
        } else {
            self.take_off(space, state, ledger, moment, own).await?
        };
        let mut cut_off = Vec::new();
        for (key, outcome) in wanted.into_iter().zip(outcomes) {
            put(found, key, outcome?.as_ref());
        }
        for (one, flight) in joined {
            match flight.outcome().await {
                Some(outcome) => {
                    Self::note_l1(state, 1, &self.landed_stale(&one.l1));
                    put(found, one.key, outcome?.as_ref());
                }
                None => cut_off.push(one.key),
            }
        }
        if !cut_off.is_empty() {
            found.extend(self.read_through(space, state, &cut_off).await?);
        }
        Ok(())
    }

    /// Whether what a load that was joined has stored is past its freshness: it may come from Redis.
    fn landed_stale(&self, key: &L1Key) -> Stale {
        let held = self.0.l1.get(key);
        let mut stale = Stale::default();
        stale.note(held.and_then(|held| held.late(Instant::now())));
        stale
    }

    /// Loads in a task of its own, so that a reader who leaves cuts nobody else off.
    async fn take_off<K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        state: &Arc<State>,
        ledger: &Arc<Ledger>,
        moment: Moment,
        own: Vec<(Missing<K>, Lead)>,
    ) -> Result<Vec<Outcome>> {
        let (cache, state, ledger) = (self.clone(), Arc::clone(state), Arc::clone(ledger));
        let task = tokio::spawn(db::inherit(meter::inherit(async move {
            let (missing, leads): (Vec<_>, Vec<_>) = own.into_iter().unzip();
            let keys = missing.iter().map(|one| &one.key);
            let mut found = Landings::of(&cache.0.flights, keys.zip(leads));
            cache
                .fetch(space, &state, &ledger, moment, &missing, &mut found)
                .await;
            let outcome = |one: &Missing<K>| {
                let unknown = || Error::internal(anyhow::anyhow!("a key has no outcome"));
                found.get(&one.key).ok_or_else(unknown).flatten()
            };
            missing.iter().map(outcome).collect()
        })));
        task.await.map_err(Error::internal)
    }

    /// Whether an entry should be refreshed behind; one that is used much stays fresh longer.
    fn is_due<K: Key, V: Value>(
        &self,
        space: &Space<K, V>,
        stored: &Stored,
        key: &L1Key,
        now: Instant,
    ) -> bool {
        if !space.policy.popular {
            return stored.is_due(now);
        }
        let longer = match self.0.sketch.count(&("use", key)) {
            0..100 => 0,
            100..1000 => 1,
            1000.. => 3,
        };
        now.checked_sub(space.policy.fresh * longer)
            .is_some_and(|then| stored.is_due(then))
    }

    /// Answers from the process.
    fn note_l1(state: &State, entries: usize, stale: &Stale) {
        if entries == 0 {
            return;
        }
        add_len(&state.counters.l1_hits, entries);
        add(&state.counters.stale_answers, stale.entries);
        let layer = if stale.entries > 0 {
            Layer::Stale
        } else {
            Layer::L1
        };
        let ttl = stale.oldest.map(ttl_of);
        let entries = u32::try_from(entries).unwrap_or(u32::MAX);
        meter::cache(state.described.name, layer, entries, ttl);
    }

    /// Asks Postgres and stores nothing.
    async fn read_through<K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        state: &State,
        keys: &[K],
    ) -> Result<HashMap<K, Arc<V>>> {
        add(
            &state.counters.misses,
            u64::try_from(keys.len()).unwrap_or(0),
        );
        let loaded = self.load(space, state, keys).await?;
        let loaded = loaded.into_iter();
        Ok(loaded.map(|(key, value)| (key, Arc::new(value))).collect())
    }

    /// A place among the loads that run at once.
    pub(super) async fn place_to_load(&self) -> Result<SemaphorePermit<'_>> {
        let turn = tokio::time::timeout(TURN, self.0.loads.acquire()).await;
        let refused = || {
            Error::new(
                Code::Unavailable,
                "Too much is being read just now. Try again in a moment.",
            )
            .with_retry_after(1)
        };
        turn.map_err(|_late| refused())?
            .map_err(|_closed| refused())
    }

    /// Runs the loader, within the bound on loads at once.
    pub(super) async fn load<K: Key, V: Value>(
        &self,
        space: &Space<K, V>,
        state: &State,
        keys: &[K],
    ) -> Result<Vec<(K, V)>> {
        // First of all: whoever waits for it must keep no place from those who are in.
        db::admit().await?;
        let _place = self.place_to_load().await?;
        add(&state.counters.loads, 1);
        let began = Instant::now();
        let loaded = match self.ask_postgres(space, keys).await {
            // Another connection may be alive.
            Err(error) if db::is_lost(&error) => self.ask_postgres(space, keys).await,
            loaded => loaded,
        };
        let took = began.elapsed();
        state.load_seconds.record(took);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        add(&state.counters.load_micros, micros);
        if loaded.is_err() {
            add(&state.counters.failed_loads, 1);
        }
        loaded
    }

    async fn ask_postgres<K: Key, V: Value>(
        &self,
        space: &Space<K, V>,
        keys: &[K],
    ) -> Result<Vec<(K, V)>> {
        let mut conn = db::acquire(&self.0.db).await?;
        LOADING.scope((), (space.load)(&mut conn, keys)).await
    }
}

/// Entries that have to be loaded.
pub(super) fn note_misses(state: &State, entries: usize) {
    add_len(&state.counters.misses, entries);
    let entries = u32::try_from(entries).unwrap_or(u32::MAX);
    meter::cache(state.described.name, Layer::Miss, entries, None);
}

/// A value of L1 in its own type.
pub(super) fn typed<V: Value>(value: &Shared) -> Option<Arc<V>> {
    Arc::clone(value).downcast::<V>().ok()
}

fn put<K: Key, V: Value>(found: &mut HashMap<K, Arc<V>>, key: K, value: Option<&Shared>) {
    if let Some(value) = value.and_then(typed) {
        found.insert(key, value);
    }
}
