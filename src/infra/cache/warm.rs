//! Filling the cache before anybody asks.

use std::collections::HashMap;
use std::time::Instant;

use super::space::{Key, Space, Value};
use super::{Cache, Mode};
use crate::kernel::Result;

/// What became of entries that were to be warmed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Warmed {
    /// Read into this process from Redis or Postgres.
    pub read: usize,
    /// Left out: this process had them, or could not have kept them.
    pub skipped: usize,
}

impl Cache {
    /// Reads what this process does not hold yet, as any reader would, so that the next reader finds
    /// it. While the process is on its own, what it reads lives a second at most: then nothing is.
    pub async fn warm<K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        keys: &[K],
    ) -> Result<Warmed> {
        let ledger = self.0.ledger.load_full();
        if self.shelf(&ledger).is_none() {
            return Ok(Warmed {
                read: 0,
                skipped: keys.len(),
            });
        }
        let (number, now) = (self.state(space).number, Instant::now());
        let is_cold = |key: &K| {
            let place = (number, key.bytes());
            self.look(space, &ledger, &place, now).is_none()
        };
        let cold: Vec<K> = keys.iter().filter(|key| is_cold(key)).cloned().collect();
        if !cold.is_empty() {
            self.get_many(space, &cold).await?;
        }
        Ok(Warmed {
            read: cold.len(),
            skipped: keys.len() - cold.len(),
        })
    }

    /// Loads these entries anew and puts them in the place of those that there are, which go on
    /// being answered with meanwhile. For spaces that time ends: whoever makes what they are loaded
    /// from has news, and no reader is to wait for it.
    pub async fn reload<K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        keys: &[K],
    ) -> Result<()> {
        if self.0.mode == Mode::Off {
            return Ok(());
        }
        let state = self.state(space);
        // Before the load, as always: what is voided meanwhile stays void.
        let ticket = self.ticket(space, keys).await;
        let mut loaded: HashMap<K, V> = self.load(space, &state, keys).await?.into_iter().collect();
        let values = keys.iter().map(|key| loaded.remove(key)).collect();
        self.put_many(space, ticket, values).await;
        Ok(())
    }
}
