//! What one request costs: SQL statements, Redis round trips, and what the cache answered.
//!
//! The envelope opens a [`Meter`] for each request. Whatever works for the request, at any depth, adds
//! to it without being handed anything: [`sql`], [`redis()`] and [`cache`] find the meter in a
//! task-local variable, and do nothing where there is none (jobs, tools). A task that works for a
//! request in its own right is spawned with [`inherit`].
//!
//! Statements are counted by [`Statements`], a layer of the log.

mod statements;

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use smallvec::SmallVec;

use crate::words;

pub use statements::{Ran, Statements, are_statements_counted, statements};

tokio::task_local! {
    static METER: Meter;
}

/// The counters of one request. A clone counts into the same counters.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    sql: Calls,
    redis: Calls,
    /// Requests ask few spaces, each a few times: a list is faster than a map.
    cache: Mutex<SmallVec<[Asked; 8]>>,
    /// Whether the caller may see what the request cost.
    is_open: AtomicBool,
}

#[derive(Debug, Default)]
struct Calls {
    count: AtomicU32,
    nanos: AtomicU64,
}

/// How often something was called, and how long that took. Calls that run at once add up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Calls.
    pub count: u32,
    /// Their time.
    pub time: Duration,
}

words! {
    /// Who answered for an entry of the cache, the strongest first.
    pub enum Layer {
        /// The process itself.
        L1 = "l1",
        /// Redis.
        L2 = "l2",
        /// Nobody: it was loaded.
        Miss = "miss",
        /// The process or Redis, with an entry past its freshness: it is loaded anew behind the answer.
        Stale = "stale",
    }
}

/// What a space answered to a request from one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The space's name.
    pub space: &'static str,
    /// Who answered.
    pub layer: Layer,
    /// For how many entries.
    pub entries: u32,
    /// Seconds that the oldest of them is still fresh; negative when it is past its time.
    pub ttl: Option<i64>,
}

impl Meter {
    /// SQL statements. `BEGIN` is none of them, `COMMIT` is.
    pub fn sql(&self) -> Spent {
        self.0.sql.spent()
    }

    /// Round trips to Redis.
    pub fn redis(&self) -> Spent {
        self.0.redis.spent()
    }

    /// What the cache was asked for, in the order of the first question to each space and layer.
    pub fn cache(&self) -> SmallVec<[Asked; 8]> {
        let asked = self.0.cache.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the caller may see what the request cost.
    pub fn is_open(&self) -> bool {
        self.0.is_open.load(Ordering::Relaxed)
    }

    fn add_asked(&self, new: Asked) {
        let mut asked = self.0.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let known = asked
            .iter_mut()
            .find(|known| known.space == new.space && known.layer == new.layer);
        let Some(known) = known else {
            asked.push(new);
            return;
        };
        known.entries = known.entries.saturating_add(new.entries);
        known.ttl = match (known.ttl, new.ttl) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

impl Calls {
    fn add(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    fn spent(&self) -> Spent {
        Spent {
            count: self.count.load(Ordering::Relaxed),
            time: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)),
        }
    }
}

/// Runs `work` with `meter` as the one to count into.
pub async fn scope<F: Future>(meter: Meter, work: F) -> F::Output {
    METER.scope(meter, work).await
}

/// The meter of the request that is being worked for.
pub fn current() -> Option<Meter> {
    METER.try_with(Clone::clone).ok()
}

/// `work` for a task of its own, which counts into the meter of whoever spawns it.
pub fn inherit<F: Future>(work: F) -> impl Future<Output = F::Output> {
    // Looked up now: the new task would find none.
    let meter = current();
    async move {
        match meter {
            Some(meter) => scope(meter, work).await,
            None => work.await,
        }
    }
}

/// Counts a SQL statement.
pub fn sql(time: Duration) {
    with(|meter| meter.0.sql.add(time));
}

/// Counts a round trip to Redis.
pub fn redis(time: Duration) {
    with(|meter| meter.0.redis.add(time));
}

/// Notes that `entries` of a space were answered for by `layer`. `ttl` is how many seconds the
/// oldest of them is still fresh, if that is known.
pub fn cache(space: &'static str, layer: Layer, entries: u32, ttl: Option<i64>) {
    with(|meter| {
        meter.add_asked(Asked {
            space,
            layer,
            entries,
            ttl,
        });
    });
}

/// Lets the caller see what the request costs: it is one of the staff.
pub fn open() {
    with(|meter| meter.0.is_open.store(true, Ordering::Relaxed));
}

fn with(count: impl FnOnce(&Meter)) {
    // Outside of a request nobody counts.
    METER.try_with(count).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn a_request_counts_what_is_done_for_it_in_tasks_of_their_own_too() {
        sql(MILLI);
        assert!(current().is_none());
        let meter = Meter::default();
        scope(meter.clone(), async {
            sql(MILLI);
            redis(MILLI * 2);
            tokio::spawn(inherit(async { sql(MILLI) })).await.unwrap();
            tokio::spawn(async { sql(MILLI) }).await.unwrap();
        })
        .await;
        sql(MILLI);
        let spent = |count, time| Spent { count, time };
        assert_eq!(meter.sql(), spent(2, MILLI * 2));
        assert_eq!(meter.redis(), spent(1, MILLI * 2));
    }

    #[tokio::test]
    async fn answers_of_one_space_and_layer_add_up() {
        let meter = Meter::default();
        scope(meter.clone(), async {
            cache("post", Layer::L1, 2, Some(30));
            cache("user", Layer::L1, 1, None);
            cache("post", Layer::L1, 3, Some(-4));
            cache("post", Layer::Miss, 1, None);
        })
        .await;
        let rows: Vec<_> = meter
            .cache()
            .iter()
            .map(|asked| (asked.space, asked.layer, asked.entries, asked.ttl))
            .collect();
        let expected = [
            ("post", Layer::L1, 5, Some(-4)),
            ("user", Layer::L1, 1, None),
            ("post", Layer::Miss, 1, None),
        ];
        assert_eq!(rows, expected);
    }
}
