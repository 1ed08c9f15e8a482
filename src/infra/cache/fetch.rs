//! What is not in L1: asked of Redis, or loaded by whoever may.

use std::sync::Arc;
use std::time::Duration;

use super::entry::Stamp;
use super::fill::Unreadable;
use super::flights::Landings;
use super::l2::{self, Seen, Wanted};
use super::ledger::{Ledger, Moment};
use super::read::Missing;
use super::space::{Key, Space, Value};
use super::stats::add;
use super::{Cache, Shelf, State};

/// Pauses between two looks for what another process loads; after the last one it is loaded here.
const LOOKS: [u64; 8] = [2, 4, 8, 16, 32, 64, 128, 256];

/// A key that Redis could not answer, with the stamps that its tags have.
type Absent<'a, K> = (&'a Missing<K>, Wanted, Vec<Option<Stamp>>);

impl Cache {
    /// Finds the outcome for each missing key.
    pub(super) async fn fetch<'a, K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        state: &Arc<State>,
        ledger: &Ledger,
        moment: Moment,
        missing: &'a [Missing<K>],
        found: &mut Landings<'a, K>,
    ) {
        let mut left: Vec<&Missing<K>> = missing.iter().collect();
        if let Some(shelf) = self.shelf(ledger) {
            left = self
                .through_redis(space, state, shelf, moment, left, found)
                .await;
        }
        if !left.is_empty() {
            self.load_alone(space, state, moment, &left, found).await;
        }
    }

    /// Reads from Redis, loads what this process may load, and waits for what others load. What is
    /// left over is to be loaded without Redis.
    async fn through_redis<'a, K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        state: &Arc<State>,
        shelf: Shelf,
        moment: Moment,
        mut left: Vec<&'a Missing<K>>,
        found: &mut Landings<'a, K>,
    ) -> Vec<&'a Missing<K>> {
        let mut pauses = LOOKS.into_iter().map(Duration::from_millis).peekable();
        while let Some(pause) = pauses.peek().copied() {
            let wanted: Vec<Wanted> = left
                .iter()
                .map(|one| self.wanted(shelf, space, one))
                .collect();
            let Ok(seen) = l2::read(&self.0.redis, &wanted).await else {
                return left;
            };
            let mut absent = Vec::new();
            for ((one, wanted), seen) in left.into_iter().zip(wanted).zip(seen) {
                match seen {
                    Seen::Hit(head, bytes) => {
                        let taken = self.take_in(space, state, moment, one, &head, &bytes);
                        let Ok(value) = taken else {
                            let stamps = vec![None; one.tags.len()];
                            absent.push((one, wanted, stamps));
                            continue;
                        };
                        found.put(&one.key, Ok(value));
                        if head.is_stale(space.policy.fresh) {
                            add(&state.counters.stale_answers, 1);
                            let (key, l1) = (one.key.clone(), one.l1.clone());
                            self.refresh_behind(space, state, key, l1);
                        }
                    }
                    Seen::Miss(stamps) => absent.push((one, wanted, stamps)),
                    Seen::Void(stamps) => {
                        add(&state.counters.void_met, 1);
                        absent.push((one, wanted, stamps));
                    }
                    Seen::Foreign(stamps) => {
                        add(&state.counters.unreadable, 1);
                        absent.push((one, wanted, stamps));
                    }
                }
            }
            left = match self.load_leading(space, state, moment, absent, found).await {
                Ok(left) if left.is_empty() => return left,
                Ok(left) => left,
                // Redis reads but does not write: nobody is worth waiting for.
                Err(left) => return left,
            };
            let waited_for = left.iter().map(|one| &one.key);
            if found.wait_for_others(waited_for, pause).await {
                pauses.next();
            }
        }
        left
    }

    /// Loads those of the absent entries for which this process gets the lease; the others are
    /// being loaded elsewhere. An error holds what nobody loads, because Redis gives no leases.
    async fn load_leading<'a, K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        state: &State,
        moment: Moment,
        absent: Vec<Absent<'a, K>>,
        found: &mut Landings<'a, K>,
    ) -> Result<Vec<&'a Missing<K>>, Vec<&'a Missing<K>>> {
        if absent.is_empty() {
            return Ok(Vec::new());
        }
        let (missing, wanted): (Vec<_>, Vec<_>) = absent
            .into_iter()
            .map(|(one, wanted, stamps)| (one, (wanted, stamps)))
            .unzip();
        let Ok(prepared) = l2::prepare(&self.0.redis, &wanted, self.0.stamp_life).await else {
            return Err(missing);
        };
        let mut leading = Vec::new();
        let mut waiting = Vec::new();
        for ((one, (wanted, _)), prepared) in missing.into_iter().zip(wanted).zip(prepared) {
            if prepared.leads {
                leading.push((one, wanted, prepared.stamps));
            } else {
                waiting.push(one);
            }
        }
        if !leading.is_empty() {
            self.load_and_store(space, state, moment, &leading, found)
                .await;
        }
        Ok(waiting)
    }

    /// Loads one entry anew though it still counts, unless another process is at it or was: then
    /// theirs is taken. Says whether that could be done.
    pub(super) async fn refresh_shared<'a, K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        state: &State,
        shelf: Shelf,
        moment: Moment,
        one: &'a Missing<K>,
        found: &mut Landings<'a, K>,
    ) -> bool {
        let wanted = self.wanted(shelf, space, one);
        let Ok(seen) = l2::read(&self.0.redis, std::slice::from_ref(&wanted)).await else {
            return false;
        };
        let stamps = match seen.into_iter().next() {
            Some(Seen::Hit(head, bytes)) if !head.is_stale(space.policy.fresh) => {
                match self.take_in(space, state, moment, one, &head, &bytes) {
                    Ok(_) => return true,
                    Err(Unreadable) => vec![None; one.tags.len()],
                }
            }
            Some(Seen::Hit(head, _)) => head.stamps.into_iter().map(Some).collect(),
            Some(Seen::Miss(stamps) | Seen::Void(stamps) | Seen::Foreign(stamps)) => stamps,
            None => return false,
        };
        let absent = vec![(one, wanted, stamps)];
        let led = self.load_leading(space, state, moment, absent, found);
        led.await.is_ok()
    }

    pub(super) fn wanted<K: Key, V: Value>(
        &self,
        shelf: Shelf,
        space: &Space<K, V>,
        one: &Missing<K>,
    ) -> Wanted {
        let tags = one.tags.iter().map(|tag| self.stamp_key(shelf.0, tag));
        Wanted {
            key: self.entry_key(shelf, space, &one.key),
            tags: tags.collect(),
        }
    }
}
