//! Waits for the database at the start and sees that it is one that this program may serve.

use std::time::Duration;

use actix_web::web;
use tokio_util::sync::CancellationToken;

use crate::admin::Health;
use crate::infra::db::{Drift, schema_drift};
use crate::platform::Ctx;
use crate::seeds::has_demo_password;

const PAUSE: Duration = Duration::from_millis(500);

/// Why the process is not ready.
#[derive(Debug, PartialEq, Eq)]
enum Wait {
    /// Postgres does not answer.
    Away,
    /// The schema does not fit.
    Schema(Drift),
    /// In production: there are people whose password is public.
    Demo,
}

/// Asks until the database may be served, then marks the process as ready.
pub async fn watch(ctx: Ctx, health: web::Data<Health>, stop: CancellationToken) {
    let mut said = None;
    loop {
        let found = match look(&ctx).await {
            Ok(None) => {
                health.set_schema_ready();
                return;
            }
            Ok(Some(wait)) => (wait, None),
            Err(error) => (Wait::Away, Some(error)),
        };
        // Each reason once: what Postgres turns out to hold is told after it was away, too.
        if said.as_ref() != Some(&found.0) {
            tell(&found.0, found.1.as_ref());
            said = Some(found.0);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

fn tell(wait: &Wait, error: Option<&anyhow::Error>) {
    match wait {
        Wait::Away => {
            let error = error.map(ToString::to_string);
            tracing::warn!(error, "waiting for Postgres");
        }
        Wait::Schema(drift) => tracing::error!(
            ?drift,
            "the schema does not fit: run `kith migrate --status`"
        ),
        Wait::Demo => tracing::error!(
            "this database holds demo data: people who sign in with a password that is public. The \
             production profile is not ready to serve it. Use another database, or KITH_ENV=dev"
        ),
    }
}

async fn look(ctx: &Ctx) -> anyhow::Result<Option<Wait>> {
    let mut conn = ctx.conn().await?;
    let drift = schema_drift(&mut conn).await?;
    if drift != Drift::None {
        return Ok(Some(Wait::Schema(drift)));
    }
    // A Postgres that was there at the start was asked then.
    let holds_demo = ctx.config().is_production() && has_demo_password(&mut conn).await?;
    Ok(holds_demo.then_some(Wait::Demo))
}
