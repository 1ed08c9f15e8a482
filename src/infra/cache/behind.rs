//! Warming behind whoever asks for it, with what others ask for meanwhile.
//!
//! One task a space reads what waits, all of it at once, until nothing does. So nothing is held back to
//! make a batch, and the more there is to warm the less each entry costs.

use std::any::Any;
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;

use super::Cache;
use super::space::{Key, Space, Value};
use crate::kernel::Error;

/// Most keys that are read at once.
const AT_ONCE: usize = 128;
/// Most keys that wait; who asks for more leaves them to their first reader.
const MOST: usize = 4_096;

/// Keys of one space that are to be warmed, a `HashSet<K>`; `None` while no task reads them.
#[derive(Default)]
pub(super) struct Behind(Mutex<Option<Box<dyn Any + Send>>>);

impl Behind {
    /// Adds `key`; says whether a task is needed that reads what waits.
    fn add<K: Key>(&self, key: K) -> bool {
        let mut waiting = self.lock();
        let Some(waiting) = waiting.as_mut() else {
            *waiting = Some(Box::new(HashSet::from([key])));
            return true;
        };
        if let Some(keys) = waiting.downcast_mut::<HashSet<K>>()
            && keys.len() < MOST
        {
            keys.insert(key);
        }
        false
    }

    /// Takes some of those that wait; without any, the task has ended.
    fn take<K: Key>(&self) -> Option<Vec<K>> {
        let mut waiting = self.lock();
        let keys = (waiting.as_mut()).and_then(|any| any.downcast_mut::<HashSet<K>>())?;
        let taken: Vec<K> = keys.iter().take(AT_ONCE).cloned().collect();
        for key in &taken {
            keys.remove(key);
        }
        if taken.is_empty() {
            *waiting = None;
            return None;
        }
        Some(taken)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<dyn Any + Send>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    /// Has an entry read into this process soon, as [`warm`](Self::warm) would. Nobody waits for it, and
    /// a failure costs its first reader a load.
    pub fn warm_behind<K: Key, V: Value>(&self, space: &'static Space<K, V>, key: K) {
        if self.epoch_to_read().is_none() {
            return;
        }
        let state = self.state(space);
        if !state.behind.add(key) {
            return;
        }
        let cache = self.clone();
        tokio::spawn(async move {
            while let Some(keys) = state.behind.take::<K>() {
                // A loader that panics must not be the last that this space has heard of.
                let warmed = AssertUnwindSafe(cache.warm(space, &keys));
                let failed = match warmed.catch_unwind().await {
                    Ok(warmed) => warmed.err(),
                    Err(_panic) => Some(Error::internal(anyhow::anyhow!("a loader panicked"))),
                };
                if let Some(error) = failed {
                    tracing::debug!(?error, space = space.name, "entries could not be warmed");
                }
            }
        });
    }

    /// The same for an entry that this process has held already, whether or not it still counts: what nobody
    /// has asked for is not to be loaded at each change.
    pub fn rewarm_behind<K: Key, V: Value>(&self, space: &'static Space<K, V>, key: K) {
        let place = (self.state(space).number, key.bytes());
        if self.0.l1.get(&place).is_some() {
            self.warm_behind(space, key);
        }
    }
}
