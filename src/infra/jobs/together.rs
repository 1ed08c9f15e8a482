//! Work that several jobs want at once, done for all of them in one go.
//!
//! Who comes while nobody works begins at once, with those that were taken from the queue beside it. Those who
//! come meanwhile wait, and the first of them then works for all. So nothing is held back to make a batch, and the
//! more there is to do the less each costs: it is how databases commit in groups.

use std::mem::take;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::kernel::{Error, Result};

/// Those who wait: what each wants done, and whom to tell what became of it.
type Waiting<K, R> = Vec<(K, oneshot::Sender<R>)>;

/// What waits to be done together, by key; `R` is what comes of each.
#[derive(Debug)]
pub struct Together<K, R = ()> {
    waiting: Mutex<Waiting<K, R>>,
    turn: tokio::sync::Mutex<()>,
}

impl<K, R> Default for Together<K, R> {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }
}

impl<K: Copy + Eq, R: Clone> Together<K, R> {
    /// Has `work` done for `key`, by this call or by another one's; it begins after this was called.
    /// `work` gets each key once, and says of each in their order what came of it. If it failed for several, each of them does it for its own key, so
    /// that no job fails because of another one's.
    pub async fn done<F, Fut>(&self, key: K, work: F) -> Result<R>
    where
        F: Fn(Vec<K>) -> Fut,
        Fut: Future<Output = Result<Vec<R>>>,
    {
        let (tell, mut told) = oneshot::channel();
        self.waiting().push((key, tell));
        let turn = self.turn.lock().await;
        // Those that were taken from the queue with this one are about to come.
        tokio::task::yield_now().await;
        match told.try_recv() {
            Ok(outcome) => return Ok(outcome),
            // It failed, or whoever worked was cut off.
            Err(oneshot::error::TryRecvError::Closed) => {
                drop(turn);
                return alone(key, work).await;
            }
            Err(oneshot::error::TryRecvError::Empty) => {}
        }
        let all = take(&mut *self.waiting());
        let mut keys: Vec<K> = Vec::with_capacity(all.len());
        for (key, _) in &all {
            if !keys.contains(key) {
                keys.push(*key);
            }
        }
        match work(keys.clone()).await {
            Ok(outcomes) => {
                let outcome_of = |key: &K| {
                    let place = keys.iter().position(|known| known == key);
                    place.and_then(|place| outcomes.get(place)).cloned()
                };
                for (key, tell) in all {
                    if let Some(outcome) = outcome_of(&key) {
                        // Whoever no longer waits has lost the lease of the job.
                        let _ = tell.send(outcome);
                    }
                }
                outcome_of(&key).ok_or_else(silent)
            }
            Err(error) if keys.len() == 1 => Err(error),
            Err(_of_anybody) => {
                // Before the turn ends, so that the next one sees that its own was not done.
                drop(all);
                drop(turn);
                alone(key, work).await
            }
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting<K, R>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Copy + Eq> Together<K> {
    /// The same for work of which nothing comes but that it is done.
    pub async fn just_done<F, Fut>(&self, key: K, work: F) -> Result<()>
    where
        F: Fn(Vec<K>) -> Fut,
        Fut: Future<Output = Result<()>>,
    {
        let of_each = |keys: Vec<K>| {
            let all = keys.len();
            let work = work(keys);
            async move {
                work.await?;
                Ok(vec![(); all])
            }
        };
        self.done(key, of_each).await
    }
}

/// Does the work for one key.
async fn alone<K, R, Fut>(key: K, work: impl Fn(Vec<K>) -> Fut) -> Result<R>
where
    Fut: Future<Output = Result<Vec<R>>>,
{
    work(vec![key]).await?.pop().ok_or_else(silent)
}

fn silent() -> Error {
    Error::internal(anyhow::anyhow!("work did not say what came of it"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    /// What was worked for, in order; work waits for a permit and fails where key 13 is part of it.
    #[derive(Default)]
    struct Bench {
        together: Together<u32, u32>,
        gos: Mutex<Vec<Vec<u32>>>,
    }

    impl Bench {
        async fn done(&self, key: u32, gate: &Semaphore) -> Result<u32> {
            let work = async |keys: Vec<u32>| {
                let fails = keys.contains(&13);
                let outcomes = keys.iter().map(|key| key * 10).collect();
                self.gos.lock().expect("no panic").push(keys);
                gate.acquire().await.expect("open").forget();
                if fails {
                    return Err(Error::not_found());
                }
                Ok(outcomes)
            };
            self.together.done(key, work).await
        }
    }

    /// Runs all at once: the first begins, with the others.
    async fn run(keys: &[u32]) -> (Vec<Option<u32>>, Vec<Vec<u32>>) {
        let (bench, gate) = (Arc::new(Bench::default()), Semaphore::new(100));
        let all = futures_util::future::join_all(keys.iter().map(|key| bench.done(*key, &gate)));
        let outcomes = all.await.into_iter().map(Result::ok).collect();
        let gos = bench.gos.lock().expect("no panic").clone();
        (outcomes, gos)
    }

    #[tokio::test]
    async fn those_who_come_together_are_served_in_one_go() {
        let (outcomes, gos) = run(&[1, 2, 3, 2]).await;
        assert_eq!(outcomes, [10, 20, 30, 20].map(Some));
        assert_eq!(gos, [vec![1, 2, 3]]);
    }

    #[tokio::test]
    async fn nobody_fails_because_of_another() {
        let (outcomes, mut gos) = run(&[1, 2, 13, 3]).await;
        assert_eq!(outcomes, [Some(10), Some(20), None, Some(30)]);
        assert_eq!(gos[..1], [vec![1, 2, 13, 3]]);
        gos[1..].sort();
        assert_eq!(gos[1..], [vec![1], vec![2], vec![3], vec![13]]);
    }

    #[tokio::test]
    async fn those_who_come_meanwhile_wait_and_whoever_is_cut_off_leaves_them_to_themselves() {
        let (bench, gate) = (Arc::new(Bench::default()), Arc::new(Semaphore::new(0)));
        let begin = |key| {
            let (bench, gate) = (Arc::clone(&bench), Arc::clone(&gate));
            tokio::spawn(async move { bench.done(key, &gate).await })
        };
        let settle = async || {
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
        };
        let first = begin(1);
        settle().await;
        let (second, third) = (begin(2), begin(3));
        settle().await;
        first.abort();
        settle().await;
        // It works for itself and the third now.
        second.abort();
        gate.add_permits(100);
        assert!(third.await.expect("no panic").is_ok());
        let gos = bench.gos.lock().expect("no panic");
        assert_eq!(*gos, [vec![1], vec![2, 3], vec![3]]);
    }
}
