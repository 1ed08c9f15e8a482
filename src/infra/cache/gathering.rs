//! Voids that come while one is under way are told to Redis together, in the next round trip.
//!
//! As databases commit in groups: who comes first goes at once, so nothing is held back to make a batch, and the
//! more is written the less each void costs, here, in Redis and in every process that reads them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;

use super::Cache;
use super::void::MOST_TAGS;
use crate::infra::meter;

/// The voids of a process.
#[derive(Default)]
pub(super) struct Gathering(Mutex<State>);

#[derive(Default)]
struct State {
    /// Whether somebody is telling.
    is_taken: bool,
    waiting: Vec<Waiting>,
}

struct Waiting {
    tags: Arc<[String]>,
    told: oneshot::Sender<bool>,
}

/// What became of somebody who came.
enum Joined {
    /// Nobody is telling: it is their turn.
    Turn(Turn),
    /// Somebody tells for them, or lets go.
    Waiting(oneshot::Receiver<bool>),
}

/// The right to tell. Whoever drops it without passing it on, because the task was cancelled, lets all go who wait.
struct Turn {
    cache: Cache,
    is_over: bool,
}

impl Gathering {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    /// Makes these tags void, with those that others bring meanwhile. Says whether Redis knows.
    pub(super) async fn void_together(&self, tags: &[String]) -> bool {
        match self.join_voids(tags) {
            Joined::Turn(turn) => {
                let known = self.void_some(tags).await;
                turn.pass_on();
                known
            }
            Joined::Waiting(told) => {
                let began = Instant::now();
                match told.await {
                    Ok(known) => {
                        meter::redis(began.elapsed());
                        known
                    }
                    Err(_let_go) => self.void_some(tags).await,
                }
            }
        }
    }

    fn join_voids(&self, tags: &[String]) -> Joined {
        let mut state = self.0.gathering.lock();
        if !state.is_taken {
            state.is_taken = true;
            return Joined::Turn(Turn {
                cache: self.clone(),
                is_over: false,
            });
        }
        let (told, known) = oneshot::channel();
        state.waiting.push(Waiting {
            tags: tags.into(),
            told,
        });
        Joined::Waiting(known)
    }
}

impl Turn {
    /// Ends the turn, or goes on behind for those who came meanwhile.
    fn pass_on(mut self) {
        if let Some(first) = self.next() {
            tokio::spawn(self.tell(first));
        }
    }

    async fn tell(mut self, mut batch: Vec<Waiting>) {
        loop {
            let mut tags: Vec<String> = batch.iter().flat_map(|one| one.tags.to_vec()).collect();
            tags.sort_unstable();
            tags.dedup();
            let known = self.cache.void_some(&tags).await;
            for one in batch {
                // Who has gone away needs no answer.
                one.told.send(known).unwrap_or_default();
            }
            let Some(next) = self.next() else {
                return;
            };
            batch = next;
        }
    }

    /// Those who wait, as far as they fit into one void; without any the turn is over.
    fn next(&mut self) -> Option<Vec<Waiting>> {
        let mut state = self.cache.0.gathering.lock();
        let mut room = MOST_TAGS;
        let fits = |one: &&Waiting| {
            let left = room.checked_sub(one.tags.len());
            room = left.unwrap_or(0);
            left.is_some()
        };
        let count = state.waiting.iter().take_while(fits).count();
        if count == 0 {
            state.is_taken = false;
            self.is_over = true;
            return None;
        }
        Some(state.waiting.drain(..count).collect())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            let mut state = self.cache.0.gathering.lock();
            state.is_taken = false;
            state.waiting.clear();
        }
    }
}
