//! How many handlers run at the same time in one process.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Registry, Work};

/// Handlers of all jobs that have no hands of their own. Most of the time each waits for Postgres or for Redis, and
/// the longer the busier the machine is.
pub const HANDS: usize = 16;
/// Hands for jobs whose handlers work [`Together`](super::Together): so many share one go at most, and while
/// they wait for it they cost nothing.
pub const TOGETHER: usize = 64;
/// Hands for jobs that wait for somebody else's server, which may be slow or never answer.
pub const OUTSIDE: usize = 4;

/// The hands of a runner: each is taken by one handler, and free again when that ends, however it does.
pub(super) struct Hands {
    common: Arc<Semaphore>,
    own: BTreeMap<&'static str, Arc<Semaphore>>,
}

impl Hands {
    /// All of them free.
    pub(super) fn of<C>(registry: &Registry<C>) -> Self {
        let own = registry
            .works
            .iter()
            .filter_map(|(name, work)| match **work {
                Work::Queued { hands, .. } => Some((*name, Arc::new(Semaphore::new(hands?)))),
                Work::Periodic { .. } => None,
            });
        Self {
            common: Arc::new(Semaphore::new(HANDS)),
            own: own.collect(),
        }
    }

    /// Those that do the jobs called `name`.
    pub(super) fn for_name(&self, name: &str) -> &Arc<Semaphore> {
        self.own.get(name).unwrap_or(&self.common)
    }

    /// A free one for a job called `name`.
    pub(super) fn take(&self, name: &str) -> Option<OwnedSemaphorePermit> {
        Arc::clone(self.for_name(name)).try_acquire_owned().ok()
    }

    /// Whether there is a free one for jobs that have none of their own.
    pub(super) fn has_common(&self) -> bool {
        self.common.available_permits() > 0
    }

    /// How many are free.
    pub(super) fn free(&self) -> usize {
        let all = std::iter::once(&self.common).chain(self.own.values());
        all.map(|hands| hands.available_permits()).sum()
    }
}
