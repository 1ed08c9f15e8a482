//! What happens to accounts as time goes by.

use std::time::Duration;

use super::model::FORMER_USERNAME_DAYS;
use super::store;
use crate::infra::jobs::{Kept, Registry, Retention};
use crate::kernel::Result;
use crate::platform::Ctx;

const FORMER_USERNAMES: Retention = Retention {
    what: "former usernames",
    kept: Kept::Days(FORMER_USERNAME_DAYS),
    job: "users.release-usernames",
    every: Duration::from_hours(1),
};

/// Usernames that are let go of at once.
const BATCH: i64 = 1_000;

/// Registers the jobs.
pub fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    registry
        .every(
            "users.lift-suspensions",
            Duration::from_mins(1),
            lift_suspensions,
        )
        .keep(FORMER_USERNAMES, release_usernames)
}

async fn lift_suspensions(ctx: Ctx) -> Result<()> {
    let lifted = store::lift_suspensions(&mut *ctx.conn().await?, ctx.now()).await?;
    if lifted > 0 {
        tracing::info!(lifted, "suspensions have run out");
    }
    Ok(())
}

async fn release_usernames(ctx: Ctx, rule: Retention) -> Result<()> {
    let before = rule.before(ctx.now());
    let mut conn = ctx.conn().await?;
    while store::release_usernames(&mut conn, before, BATCH).await? > 0 {}
    Ok(())
}
