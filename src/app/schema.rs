//! Waits for the database at the start and sees that its schema is the one this program needs.

use std::time::Duration;

use actix_web::web;
use tokio_util::sync::CancellationToken;

use crate::admin::Health;
use crate::infra::db::{Drift, schema_drift};
use crate::platform::Ctx;

const PAUSE: Duration = Duration::from_millis(500);

/// Asks until the schema is right, then marks the process as ready.
pub async fn watch(ctx: Ctx, health: web::Data<Health>, stop: CancellationToken) {
    let mut said = false;
    loop {
        match drift(&ctx).await {
            Ok(Drift::None) => {
                health.set_schema_ready();
                return;
            }
            Ok(other) if !said => tracing::error!(
                ?other,
                "the schema does not fit: run `kith migrate --status`"
            ),
            Err(error) if !said => tracing::warn!(%error, "waiting for Postgres"),
            _ => {}
        }
        said = true;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn drift(ctx: &Ctx) -> anyhow::Result<Drift> {
    let mut conn = ctx.conn().await?;
    Ok(schema_drift(&mut conn).await?)
}
