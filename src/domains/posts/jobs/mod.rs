//! What happens to posts as time goes by.

mod hashtags;
mod retention;

use crate::infra::jobs::Registry;
use crate::platform::Ctx;

/// Registers the jobs.
pub fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    retention::jobs(hashtags::jobs(registry))
}
