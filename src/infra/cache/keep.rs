//! Entries put, looked at and taken away by hand: for write-through, warming and tools.

use std::time::{Duration, Instant};

use redis::Pipeline;

use super::entry::{Head, Stamp, now_millis};
use super::fill::jittered;
use super::l1::{Shared, share};
use super::l2::{self, Filled, Seen, Wanted};
use super::ledger::Moment;
use super::read::Missing;
use super::space::{Key, Space, Value};
use super::{Cache, Mode, Shelf};

/// The right to put values for some keys: it knows how things stood when it was taken. What was
/// voided since makes the put void too.
pub struct Ticket<K> {
    moment: Moment,
    missing: Vec<Missing<K>>,
    /// Where the entries go in Redis; `None`: they don't.
    places: Option<Vec<(Wanted, Vec<Stamp>)>>,
}

impl Cache {
    /// Takes a ticket. Take it before the values are read or made.
    pub async fn ticket<K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        keys: &[K],
    ) -> Ticket<K> {
        let state = self.state(space);
        let ledger = self.0.ledger.load_full();
        let moment = ledger.moment();
        let missing = keys.iter().map(|key| Missing::of(space, state.number, key));
        let missing: Vec<Missing<K>> = missing.collect();
        let places = match self.shelf(&ledger) {
            Some(shelf) => self.stamped(shelf, space, &missing).await,
            None => None,
        };
        Ticket {
            moment,
            missing,
            places,
        }
    }

    /// The places of entries in Redis, with the stamps that their tags have; `None` without an answer.
    async fn stamped<K: Key, V: Value>(
        &self,
        shelf: Shelf,
        space: &'static Space<K, V>,
        missing: &[Missing<K>],
    ) -> Option<Vec<(Wanted, Vec<Stamp>)>> {
        // Asking for all stamps as if they were missing makes the missing and reads the others.
        let wanted = missing.iter().map(|one| {
            let none = vec![None; one.tags.len()];
            (self.wanted(shelf, space, one), none)
        });
        let wanted: Vec<(Wanted, Vec<Option<Stamp>>)> = wanted.collect();
        let stamps = l2::make_stamps(&self.0.redis, &wanted, self.0.stamp_life);
        let stamps = stamps.await.ok()?;
        let places = wanted.into_iter().map(|(wanted, _)| wanted);
        Some(places.zip(stamps).collect())
    }

    /// Stores a value under the one key of a ticket.
    pub async fn put<K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        ticket: Ticket<K>,
        value: V,
    ) -> bool {
        self.put_many(space, ticket, vec![Some(value)]).await
    }

    /// Stores a value for each key of the ticket, in order; `None` says that there is none. All
    /// values and their lifetimes are stored in one atomic step, or none of them. Says whether Redis
    /// has them; if it does not, what was there before is voided, so that no old value stays
    /// readable in place of the new one.
    pub async fn put_many<K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        ticket: Ticket<K>,
        values: Vec<Option<V>>,
    ) -> bool {
        let state = self.state(space);
        let places = ticket.places.as_deref().unwrap_or_default();
        let mut filled = Vec::with_capacity(places.len());
        let mut refused = false;
        for (at, (one, value)) in ticket.missing.iter().zip(values).enumerate() {
            let place = places.get(at);
            let head = Head {
                loaded_at: now_millis(),
                load_micros: 0,
                present: value.is_some(),
                stamps: place.map_or_else(Vec::new, |(_, stamps)| stamps.clone()),
            };
            if let Some((wanted, _)) = place {
                let life = jittered(space, head.present);
                let bytes = Self::encoded(space, &state, &head, value.as_ref());
                let bytes = bytes.filter(|_| !life.is_zero());
                refused |= bytes.is_none();
                filled.push(Filled {
                    wanted,
                    bytes,
                    life,
                });
            }
            let value: Option<Shared> = value.map(|value| share(value));
            let (key, tags) = (&one.l1, &one.tags);
            self.store_l1(space, ticket.moment, key, tags, &head, value.as_ref());
        }
        if self.0.mode != Mode::On {
            return false;
        }
        let stored = ticket.places.is_some()
            && !refused
            && l2::write_at_once(&self.0.redis, &filled, self.0.stamp_life)
                .await
                .is_ok();
        if !stored {
            let tags: Vec<String> = ticket
                .missing
                .iter()
                .filter_map(|one| one.tags.first().cloned())
                .collect();
            self.void(&tags).await;
        }
        stored
    }

    /// Takes one entry away, in both layers.
    pub async fn remove<K: Key, V: Value>(&self, space: &'static Space<K, V>, key: &K) {
        // By its own tag: other processes hold it too.
        let own: Vec<String> = (space.tags)(key).into_iter().take(1).collect();
        self.void(&own).await;
    }

    /// Whether the process or Redis has an entry that counts, be it "there is none".
    pub async fn exists<K: Key, V: Value>(&self, space: &'static Space<K, V>, key: &K) -> bool {
        let l1 = (self.state(space).number, key.bytes());
        let ledger = self.0.ledger.load_full();
        let here = self.look(space, &ledger, &l1, Instant::now());
        here.is_some() || self.counting(space, key).await.is_some()
    }

    /// How long the entry in Redis still lives, if it counts.
    pub async fn time_left<K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        key: &K,
    ) -> Option<Duration> {
        let wanted = self.counting(space, key).await?;
        let mut pipe = Pipeline::new();
        pipe.cmd("PTTL").arg(&wanted.key);
        let (left,): (i64,) = self.0.redis.query(&pipe).await.ok()?;
        u64::try_from(left).ok().map(Duration::from_millis)
    }

    /// Lets the entry in Redis live for `life` from now, if it counts; its value stays as it is.
    pub async fn extend<K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        key: &K,
        life: Duration,
    ) -> bool {
        let Some(wanted) = self.counting(space, key).await else {
            return false;
        };
        let mut pipe = Pipeline::new();
        pipe.cmd("PEXPIRE").arg(&wanted.key).arg(l2::millis(life));
        for tag in &wanted.tags {
            // An entry never outlives the stamps that it is believed by.
            let stamp_life = self.0.stamp_life.max(life * 2);
            pipe.cmd("PEXPIRE")
                .arg(tag)
                .arg(l2::millis(stamp_life))
                .ignore();
        }
        let done: Result<(i64,), _> = self.0.redis.query(&pipe).await;
        matches!(done, Ok((1,)))
    }

    /// The entry's place in Redis, if what lies there counts.
    async fn counting<K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        key: &K,
    ) -> Option<Wanted> {
        let ledger = self.0.ledger.load_full();
        let shelf = self.shelf(&ledger)?;
        let one = Missing::of(space, self.state(space).number, key);
        let wanted = self.wanted(shelf, space, &one);
        let seen = l2::read(&self.0.redis, std::slice::from_ref(&wanted))
            .await
            .ok()?;
        matches!(seen.first(), Some(Seen::Hit(..))).then_some(wanted)
    }
}
