//! Values that are written a little later, many at a time: what may be lost when a process dies,
//! and what would cost a statement a request otherwise.
//!
//! A buffer keeps one value a key, the greatest. It is bounded: when it is full it takes nothing
//! new until it was folded, and folding begins at once. The write that a fold does has to be
//! harmless when it is repeated, because a batch whose outcome is unknown is written again.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::kernel::Result;

/// Most values of one write.
const BATCH: usize = 1_000;

/// Values that wait to be written, by key.
#[derive(Debug)]
pub struct WriteBehind<K, V> {
    name: &'static str,
    held: Mutex<HashMap<K, V>>,
    most: usize,
    full: Notify,
}

/// There is no room before the next fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl<K: Hash + Ord + Copy, V: Ord + Copy> WriteBehind<K, V> {
    /// An empty buffer for at most this many values. The log calls it `name`.
    pub fn new(name: &'static str, most: usize) -> Self {
        Self {
            name,
            held: Mutex::new(HashMap::new()),
            most,
            full: Notify::new(),
        }
    }

    /// Holds a value, unless a greater one is held for its key.
    pub fn put(&self, key: K, value: V) -> std::result::Result<(), Full> {
        let mut held = self.held();
        let room = held.len() < self.most;
        match held.entry(key) {
            Entry::Occupied(mut old) => {
                let greatest = value.max(*old.get());
                old.insert(greatest);
                Ok(())
            }
            Entry::Vacant(free) if room => {
                free.insert(value);
                Ok(())
            }
            Entry::Vacant(_) => {
                self.full.notify_one();
                Err(Full)
            }
        }
    }

    /// The value that is held for a key.
    pub fn get(&self, key: &K) -> Option<V> {
        self.held().get(key).copied()
    }

    /// Writes everything that is held, in batches and in order of key. What could not be written is
    /// held again.
    pub async fn fold<Fut>(&self, write: impl Fn(Vec<(K, V)>) -> Fut) -> Result<()>
    where
        Fut: Future<Output = Result<()>>,
    {
        let mut values: Vec<(K, V)> = self.held().drain().collect();
        values.sort_unstable();
        while !values.is_empty() {
            let rest = values.split_off(values.len().min(BATCH));
            let batch = std::mem::replace(&mut values, rest);
            if let Err(error) = write(batch.clone()).await {
                self.hold_again(batch.into_iter().chain(values));
                return Err(error);
            }
        }
        Ok(())
    }

    /// Folds once in `every`, at once when the buffer is full, and a last time after `stop`.
    pub async fn run<Fut>(
        self: Arc<Self>,
        every: Duration,
        stop: CancellationToken,
        write: impl Fn(Vec<(K, V)>) -> Fut,
    ) where
        Fut: Future<Output = Result<()>>,
    {
        let mut failing = false;
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.full.notified() => {}
                () = tokio::time::sleep(every) => {}
            }
            match self.fold(&write).await {
                Ok(()) => failing = false,
                // Said once an outage.
                Err(error) if !failing => {
                    failing = true;
                    tracing::warn!(?error, buffer = self.name, "values wait to be written");
                }
                Err(_still_failing) => {}
            }
        }
    }

    /// Room was made by what is held again, and new values may have come since: these come back
    /// whatever the bound, which keeps what is newer out until they are written.
    fn hold_again(&self, values: impl Iterator<Item = (K, V)>) {
        let mut held = self.held();
        for (key, value) in values {
            let kept = held.entry(key).or_insert(value);
            *kept = value.max(*kept);
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<K, V>> {
        // Nothing panics while it holds the lock.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Error;

    type Written = Arc<Mutex<Vec<Vec<(u32, u32)>>>>;

    fn written(written: &Written) -> Vec<Vec<(u32, u32)>> {
        written.lock().expect("free").clone()
    }

    fn keep(
        written: &Written,
    ) -> impl Fn(Vec<(u32, u32)>) -> std::future::Ready<Result<()>> + use<> {
        let written = Arc::clone(written);
        move |batch| {
            written.lock().expect("free").push(batch);
            std::future::ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn one_value_a_key_is_written_the_greatest_in_order_and_in_batches() {
        let buffer = WriteBehind::new("test", 3_000);
        let all = Written::default();
        for key in (0..2_500).rev() {
            assert_eq!(buffer.put(key, 5), Ok(()));
        }
        assert_eq!((buffer.put(7, 9), buffer.put(7, 8)), (Ok(()), Ok(())));
        assert_eq!(buffer.get(&7), Some(9));
        buffer.fold(keep(&all)).await.expect("written");
        buffer.fold(keep(&all)).await.expect("nothing to write");
        let all = written(&all);
        let sizes: Vec<usize> = all.iter().map(Vec::len).collect();
        assert_eq!(sizes, [1_000, 1_000, 500]);
        let all: Vec<(u32, u32)> = all.concat();
        assert!(all.is_sorted());
        assert_eq!((all.first(), all.get(7)), (Some(&(0, 5)), Some(&(7, 9))));
    }

    #[tokio::test]
    async fn a_full_buffer_takes_nothing_new_and_what_fails_is_held_again() {
        let buffer = WriteBehind::new("test", 2);
        assert_eq!((buffer.put(1, 1), buffer.put(2, 2)), (Ok(()), Ok(())));
        assert_eq!((buffer.put(3, 3), buffer.put(1, 4)), (Err(Full), Ok(())));
        let fails = |_| async { Err(Error::internal(anyhow::anyhow!("away"))) };
        buffer.fold(fails).await.expect_err("not written");
        assert_eq!(buffer.put(3, 3), Err(Full));
        let all = Written::default();
        buffer.fold(keep(&all)).await.expect("written");
        assert_eq!(written(&all), [[(1, 4), (2, 2)]]);
        assert_eq!(buffer.put(3, 3), Ok(()));
    }

    async fn until_written(all: &Written, writes: usize) {
        for _ in 0..200 {
            if written(all).len() == writes {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{:?} in place of {writes} writes", written(all));
    }

    #[tokio::test]
    async fn it_folds_by_itself_once_in_a_while() {
        let buffer = Arc::new(WriteBehind::new("test", 9));
        let (all, stop) = (Written::default(), CancellationToken::new());
        let every = Duration::from_millis(50);
        let running = tokio::spawn(Arc::clone(&buffer).run(every, stop.clone(), keep(&all)));
        for value in [1, 2] {
            buffer.put(1, value).expect("room");
            assert_eq!(buffer.get(&1), Some(value), "not at once");
            until_written(&all, usize::try_from(value).expect("small")).await;
        }
        assert_eq!(written(&all), [[(1, 1)], [(1, 2)]]);
        stop.cancel();
        running.await.expect("ended");
    }

    #[tokio::test]
    async fn it_folds_at_once_when_full_and_a_last_time_when_it_ends() {
        let buffer = Arc::new(WriteBehind::new("test", 1));
        let (all, stop) = (Written::default(), CancellationToken::new());
        let every = Duration::from_hours(1);
        let running = tokio::spawn(Arc::clone(&buffer).run(every, stop.clone(), keep(&all)));
        buffer.put(2, 2).expect("room");
        buffer.put(3, 3).expect_err("full");
        until_written(&all, 1).await;
        buffer.put(4, 4).expect("room");
        stop.cancel();
        running.await.expect("ended");
        assert_eq!(written(&all), [[(2, 2)], [(4, 4)]]);
    }
}
