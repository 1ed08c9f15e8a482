//! What happens to accounts as time goes by.

use std::time::Duration;

use chrono::TimeDelta;

use super::model::FORMER_USERNAME_DAYS;
use super::store;
use crate::infra::jobs::Registry;
use crate::kernel::Result;
use crate::platform::Ctx;

/// Registers the jobs.
pub fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    registry
        .every(
            "users.lift-suspensions",
            Duration::from_mins(1),
            lift_suspensions,
        )
        .every(
            "users.release-usernames",
            Duration::from_hours(1),
            release_usernames,
        )
}

async fn lift_suspensions(ctx: Ctx) -> Result<()> {
    let lifted = store::lift_suspensions(&mut *ctx.read().await?, ctx.now()).await?;
    if lifted > 0 {
        tracing::info!(lifted, "suspensions have run out");
    }
    Ok(())
}

async fn release_usernames(ctx: Ctx) -> Result<()> {
    let before = ctx.now() - TimeDelta::days(FORMER_USERNAME_DAYS);
    store::release_usernames(&mut *ctx.read().await?, before).await?;
    Ok(())
}
