//! Passes on what is told to whoever listens.

use std::sync::Arc;

use super::{Registry, Signal, Told};
use crate::platform::Ctx;

/// The hub of a process, cheap to clone.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    registry: Registry,
}

impl Hub {
    /// A hub for what the domains say.
    pub fn new(registry: Registry) -> Self {
        Self(Arc::new(Inner { registry }))
    }

    /// That of the process.
    pub fn of(ctx: &Ctx) -> Option<Self> {
        ctx.part::<Self>().cloned()
    }

    /// What the domains say.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// Tells an event that is committed.
    pub(super) fn announce(&self, _epoch: String, _told: Told) {}

    /// Tells a signal.
    pub(super) fn signal(&self, _signal: Signal) {}
}
