//! All background work: what each domain brings, put into one registry, and the retention of what
//! belongs to no domain.

mod retention;

use crate::domains::{auth, discovery, posts, users};
use crate::infra::jobs::Registry;
use crate::platform::Ctx;

/// Every job there is.
pub fn registry() -> Registry<Ctx> {
    let registry = users::jobs(Registry::new());
    let registry = auth::jobs(registry);
    let registry = posts::jobs(registry);
    let registry = discovery::jobs(registry);
    retention::jobs(registry)
}
