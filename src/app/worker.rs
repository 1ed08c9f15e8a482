//! All background work: what each domain brings, put into one registry.

use crate::domains::auth;
use crate::infra::jobs::Registry;
use crate::platform::Ctx;

/// Every job there is.
pub fn registry() -> Registry<Ctx> {
    auth::jobs(Registry::new())
}
