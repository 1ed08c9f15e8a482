//! News from one domain to others, through rows that its own transaction writes.
//!
//! Who makes the news knows nobody who listens. An event commits with the change that it tells of,
//! or not at all; the dispatcher turns it into one job for each handler, and from there on retries,
//! failures and lost workers are the job queue's business. So a handler runs at least once, in no
//! promised order, and has to be harmless when it is repeated.

mod dispatcher;
mod events;
mod store;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::infra::jobs::{Progress, Registry, Step};
use crate::kernel::{Error, Result};

pub use dispatcher::Dispatcher;
pub(crate) use events::events;
pub use store::{forget_delivered, oldest_undelivered};

/// How often a handler is tried: with the queue's growing pauses, for some three hours.
const ATTEMPTS: u16 = 12;

/// Something that happened. It carries ids and instants rather than data: who handles it looks up
/// what is true by then.
pub trait Event: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its name in the table. Names are never reused for something else, and members are only
    /// added with a default, because a row can have been written by another version.
    const NAME: &'static str;
}

/// An event as a transaction leaves it with its last statement.
#[derive(Debug, Clone)]
pub struct Note {
    /// What happened.
    pub name: &'static str,
    /// What the event says.
    pub payload: Value,
}

impl Note {
    /// The note that `event` happened.
    pub fn of<E: Event>(event: &E) -> Result<Self> {
        Ok(Self {
            name: E::NAME,
            payload: serde_json::to_value(event).map_err(Error::internal)?,
        })
    }
}

impl<C> Registry<C> {
    /// Says that there are events `E`, whether anybody handles them or not. Events that are not
    /// known stay in the table for a version that knows them.
    pub fn knows<E: Event>(self) -> Self {
        self.listen(E::NAME, None)
    }

    /// Every event `E` is handled by `handler`, in jobs called `name`.
    ///
    /// # Panics
    /// When `name` is taken: the program is wired wrongly and must not start.
    pub fn on_event<E, F, Fut>(self, name: &'static str, handler: F) -> Self
    where
        E: Event,
        F: Fn(C, E) -> Fut + Send + Sync + Clone + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
        C: Send + 'static,
    {
        self.listen(E::NAME, Some(name))
            .on(name, ATTEMPTS, move |context, payload| {
                let handler = handler.clone();
                async move {
                    let event = serde_json::from_value(payload).map_err(Error::internal)?;
                    handler(context, event).await
                }
            })
    }

    /// Like [`Registry::on_event`], for handlers that take long: each step gets where the work
    /// stands, `S`, which begins as the event and becomes what [`Progress::save`] was given.
    ///
    /// # Panics
    /// When `name` is taken: the program is wired wrongly and must not start.
    pub fn on_event_in_steps<E, S, F, Fut>(self, name: &'static str, handler: F) -> Self
    where
        E: Event,
        S: From<E> + DeserializeOwned + Send + 'static,
        F: Fn(C, Progress, S) -> Fut + Send + Sync + Clone + 'static,
        Fut: Future<Output = Result<Step>> + Send + 'static,
        C: Send + 'static,
    {
        self.listen(E::NAME, Some(name)).in_steps(
            name,
            ATTEMPTS,
            move |context, progress, payload| {
                let handler = handler.clone();
                async move {
                    let state = if progress.is_first() {
                        let event: E = serde_json::from_value(payload).map_err(Error::internal)?;
                        S::from(event)
                    } else {
                        serde_json::from_value(payload).map_err(Error::internal)?
                    };
                    handler(context, progress, state).await
                }
            },
        )
    }
}
