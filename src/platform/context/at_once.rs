//! What follows a commit at once: before the write is answered, and beside the outbox.
//!
//! It makes news known sooner and must not be needed: a process can die between the commit and this,
//! and the outbox then has the only copy. There is a commit for each call. The voids of it are delivered
//! meanwhile, so handlers go by what the event says and read nothing from the cache.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::infra::outbox::Event;
use crate::platform::Ctx;

type Handler = Arc<dyn Fn(Ctx, Value) -> BoxFuture<'static, ()> + Send + Sync>;

/// Who wants to hear of an event at once, by its name.
#[derive(Clone, Default)]
pub struct AtOnce(BTreeMap<&'static str, Vec<Handler>>);

impl AtOnce {
    /// Every event `E` is handled by `handler`.
    #[must_use]
    pub fn on<E, F, Fut>(mut self, handler: F) -> Self
    where
        E: Event,
        F: Fn(Ctx, E) -> Fut + Send + Sync + Clone + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |ctx, payload| {
            let handler = handler.clone();
            Box::pin(async move {
                if let Ok(event) = serde_json::from_value(payload) {
                    handler(ctx, event).await;
                }
            })
        });
        self.0.entry(E::NAME).or_default().push(handler);
        self
    }

    /// The payload of an event that somebody wants to hear of.
    pub fn note<E: Event>(&self, event: &E) -> Option<(&'static str, Value)> {
        if !self.0.contains_key(E::NAME) {
            return None;
        }
        Some((E::NAME, serde_json::to_value(event).ok()?))
    }

    /// Tells of what a transaction has emitted.
    pub async fn tell(&self, ctx: &Ctx, news: Vec<(&'static str, Value)>) {
        for (name, payload) in news {
            for handler in self.0.get(name).into_iter().flatten() {
                handler(ctx.clone(), payload.clone()).await;
            }
        }
    }
}
