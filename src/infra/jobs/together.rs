//! Work that several jobs want at once, done for all of them in one go.
//!
//! Who comes while nobody works begins at once, alone. Those who come meanwhile wait, and the first of
//! them then works for all. So nothing is held back to make a batch, and the more there is to do the
//! less each costs: it is how databases commit in groups.

use std::mem::take;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::kernel::Result;

/// Those who wait: what each wants done, and whom to tell that it is.
type Waiting<K> = Vec<(K, oneshot::Sender<()>)>;

/// What waits to be done together, by key.
#[derive(Debug)]
pub struct Together<K> {
    waiting: Mutex<Waiting<K>>,
    turn: tokio::sync::Mutex<()>,
}

impl<K> Default for Together<K> {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }
}

impl<K: Copy + Eq> Together<K> {
    /// Has `work` done for `key`, by this call or by another one's; it begins after this was called.
    /// `work` gets each key once. If it failed for several, each of them does it for its own key, so
    /// that no job fails because of another one's.
    pub async fn done<F, Fut>(&self, key: K, work: F) -> Result<()>
    where
        F: Fn(Vec<K>) -> Fut,
        Fut: Future<Output = Result<()>>,
    {
        let (tell, mut told) = oneshot::channel();
        self.waiting().push((key, tell));
        let turn = self.turn.lock().await;
        match told.try_recv() {
            Ok(()) => return Ok(()),
            // It failed, or whoever worked was cut off.
            Err(oneshot::error::TryRecvError::Closed) => {
                drop(turn);
                return work(vec![key]).await;
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
        let is_alone = keys.len() == 1;
        let outcome = work(keys).await;
        if outcome.is_ok() {
            for (_, tell) in all {
                // Whoever no longer waits has lost the lease of the job.
                let _ = tell.send(());
            }
            return outcome;
        }
        // Before the turn ends, so that the next one sees that its own was not done.
        drop(all);
        drop(turn);
        if is_alone {
            return outcome;
        }
        work(vec![key]).await
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting<K>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;
    use crate::kernel::Error;

    /// What was worked for, in order; work waits for a permit and fails where key 13 is part of it.
    #[derive(Default)]
    struct Bench {
        together: Together<u32>,
        gos: Mutex<Vec<Vec<u32>>>,
    }

    impl Bench {
        async fn done(&self, key: u32, gate: &Semaphore) -> Result<()> {
            let work = async |keys: Vec<u32>| {
                let fails = keys.contains(&13);
                self.gos.lock().expect("no panic").push(keys);
                gate.acquire().await.expect("open").forget();
                if fails {
                    return Err(Error::not_found());
                }
                Ok(())
            };
            self.together.done(key, work).await
        }
    }

    /// Runs all at once: the first begins alone, the others meanwhile.
    async fn run(keys: &[u32]) -> (Vec<bool>, Vec<Vec<u32>>) {
        let (bench, gate) = (Arc::new(Bench::default()), Semaphore::new(0));
        let all = futures_util::future::join_all(keys.iter().map(|key| bench.done(*key, &gate)));
        let opening = async {
            tokio::task::yield_now().await;
            gate.add_permits(100);
        };
        let (outcomes, ()) = tokio::join!(all, opening);
        let gos = bench.gos.lock().expect("no panic").clone();
        (outcomes.iter().map(Result::is_ok).collect(), gos)
    }

    #[tokio::test]
    async fn those_who_come_meanwhile_are_served_in_one_go() {
        let (outcomes, gos) = run(&[1, 2, 3, 2]).await;
        assert_eq!(outcomes, [true; 4]);
        assert_eq!(gos, [vec![1], vec![2, 3]]);
    }

    #[tokio::test]
    async fn nobody_fails_because_of_another() {
        let (outcomes, mut gos) = run(&[1, 2, 13, 3]).await;
        assert_eq!(outcomes, [true, true, false, true]);
        assert_eq!(gos[..2], [vec![1], vec![2, 13, 3]]);
        gos[2..].sort();
        assert_eq!(gos[2..], [vec![2], vec![3], vec![13]]);
    }

    #[tokio::test]
    async fn whoever_is_cut_off_leaves_the_others_to_themselves() {
        let (bench, gate) = (Arc::new(Bench::default()), Arc::new(Semaphore::new(0)));
        let begin = |key| {
            let (bench, gate) = (Arc::clone(&bench), Arc::clone(&gate));
            tokio::spawn(async move { bench.done(key, &gate).await })
        };
        let (first, second) = (begin(1), begin(2));
        tokio::task::yield_now().await;
        let third = begin(3);
        tokio::task::yield_now().await;
        first.abort();
        tokio::task::yield_now().await;
        // It works for itself and the third now.
        second.abort();
        gate.add_permits(100);
        assert!(third.await.expect("no panic").is_ok());
        let gos = bench.gos.lock().expect("no panic");
        assert_eq!(*gos, [vec![1], vec![2, 3], vec![3]]);
    }
}
