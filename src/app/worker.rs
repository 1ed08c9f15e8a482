//! All background work: what each domain brings, put into one registry.

use crate::domains::{auth, users};
use crate::infra::jobs::Registry;
use crate::platform::Ctx;

mod retention;

/// Every job there is.
pub fn registry() -> Registry<Ctx> {
    let registry = Registry::new();
    let registry = auth::jobs(registry);
    let registry = users::jobs(registry);
    retention::jobs(registry)
}
