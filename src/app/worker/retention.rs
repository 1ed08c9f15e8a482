//! How long things are kept that belong to no domain.

use std::time::Duration;

use chrono::TimeDelta;

use crate::infra::jobs::Registry;
use crate::infra::outbox;
use crate::kernel::Result;
use crate::platform::Ctx;
use crate::platform::write;

/// Hours that an answer is replayed for its idempotency key.
const IDEMPOTENCY_HOURS: i64 = 24;
/// How long an event stays after it was delivered.
const OUTBOX_KEPT: TimeDelta = TimeDelta::hours(1);
/// Rows that one statement deletes.
const BATCH: i64 = 10_000;

/// Registers the jobs.
pub fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    registry
        .every(
            "idempotency.forget",
            Duration::from_mins(10),
            forget_answers,
        )
        .every("outbox.forget", Duration::from_mins(5), forget_events)
        .every("cache.empty-voids", Duration::from_mins(1), empty_voids)
}

async fn forget_answers(ctx: Ctx) -> Result<()> {
    let before = ctx.now() - TimeDelta::hours(IDEMPOTENCY_HOURS);
    write::forget_answers(&mut *ctx.read().await?, before).await
}

async fn forget_events(ctx: Ctx) -> Result<()> {
    let before = ctx.now() - OUTBOX_KEPT;
    let mut conn = ctx.read().await?;
    while outbox::forget_delivered(&mut conn, before, BATCH).await? > 0 {}
    Ok(())
}

/// Nothing reads the ledger of voided tags before there is a cache, so it only has to stay small.
async fn empty_voids(ctx: Ctx) -> Result<()> {
    write::empty_voids(&mut *ctx.read().await?).await
}
