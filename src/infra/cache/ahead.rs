//! Asking for an entry ahead, in a pipeline that goes to Redis anyway.

use redis::{FromRedisValue as _, Pipeline};
use std::sync::Arc;
use std::time::Instant;

use super::l2::{Look, Reply, Seen, Wanted};
use super::ledger::Moment;
use super::read::{Missing, typed};
use super::space::{Key, Space, Value};
use super::{Cache, State};

/// An entry that was asked for.
#[must_use]
pub struct Asked<K: 'static, V: 'static> {
    space: &'static Space<K, V>,
    state: Arc<State>,
    moment: Moment,
    one: Missing<K>,
    wanted: [Wanted; 1],
    look: Look,
}

impl Cache {
    /// Adds a command for this entry to a pipeline, unless L1 has it or Redis takes no part. Hand
    /// the reply at that place to [`Self::take`]; then read as always.
    pub fn ask<K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        key: &K,
        pipe: &mut Pipeline,
    ) -> Option<Asked<K, V>> {
        let state = self.state(space);
        let ledger = self.0.ledger.load_full();
        let shelf = self.shelf(&ledger)?;
        let moment = ledger.moment();
        let l1 = (state.number, key.bytes());
        if self.look(space, &ledger, &l1, Instant::now()).is_some() {
            return None;
        }
        let tags = space.all_tags(key);
        let one = Missing {
            key: key.clone(),
            l1,
            tags,
        };
        let wanted = [self.wanted(shelf, space, &one)];
        let look = Look::at(&wanted);
        look.ask(pipe);
        Some(Asked {
            space,
            state,
            moment,
            one,
            wanted,
            look,
        })
    }

    /// What L1 says is under a key, which may be nothing; `None` where only others know. Nobody is asked, so
    /// it may have been voided elsewhere since.
    pub fn peek<K: Key, V: Value>(
        &self,
        space: &'static Space<K, V>,
        key: &K,
    ) -> Option<Option<Arc<V>>> {
        let l1 = (self.state(space).number, key.bytes());
        let held = self.look(space, &self.0.ledger.load_full(), &l1, Instant::now())?;
        Some(held.value.as_ref().and_then(typed))
    }

    /// Takes the reply in: an entry that counts is in L1 from now on.
    pub fn take<K: Key, V: Value>(&self, asked: &Asked<K, V>, reply: redis::Value) {
        let Ok(found) = Vec::<Reply>::from_redis_value(reply) else {
            return;
        };
        let seen = asked.look.judge(&asked.wanted, &found).pop();
        if let Some(Seen::Hit(head, bytes)) = seen {
            // What nobody can read is loaded when it is read.
            let _taken = self.take_in(
                asked.space,
                &asked.state,
                asked.moment,
                &asked.one,
                &head,
                &bytes,
            );
        }
    }
}
