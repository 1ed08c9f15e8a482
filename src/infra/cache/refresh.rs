//! Refreshing behind an answer: once for each key, whoever asks and however often.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::flights::Landings;
use super::l1::L1Key;
use super::read::Missing;
use super::space::{Key, Space, Value};
use super::stats::add;
use super::{Cache, State};

/// After a refresh, done or failed, the next one of the same key waits this long.
const REST: Duration = Duration::from_millis(500);

impl Cache {
    /// Loads `key` anew in a task, unless that is being done already.
    pub(super) fn refresh_behind<K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        state: &Arc<State>,
        key: K,
        l1: L1Key,
    ) {
        if !self.lock_refreshing().insert(l1.clone()) {
            return;
        }
        let (cache, state) = (self.clone(), Arc::clone(state));
        tokio::spawn(async move {
            add(&state.counters.refreshes, 1);
            if !cache.refresh(space, &state, key, l1.clone()).await {
                add(&state.counters.failed_refreshes, 1);
            }
            tokio::time::sleep(REST).await;
            cache.lock_refreshing().remove(&l1);
        });
    }

    /// Says whether the value is fresh now, here or by another process.
    async fn refresh<K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        state: &State,
        key: K,
        l1: L1Key,
    ) -> bool {
        let ledger = self.0.ledger.load_full();
        let moment = ledger.moment();
        let tags = space.all_tags(&key);
        let one = Missing { key, l1, tags };
        let mut found = Landings::of(&self.0.flights, std::iter::empty());
        let done = if let Some(shelf) = self.shelf(&ledger) {
            self.refresh_shared(space, state, shelf, moment, &one, &mut found)
                .await
        } else {
            self.load_alone(space, state, moment, &[&one], &mut found)
                .await;
            true
        };
        done && found.are_good()
    }

    fn lock_refreshing(
        &self,
    ) -> std::sync::MutexGuard<'_, std::collections::HashSet<L1Key, ahash::RandomState>> {
        self.0
            .refreshing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
