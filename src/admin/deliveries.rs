//! What is on its way to devices and mailboxes, for administrators.

use actix_web::{HttpResponse, get, post};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::domains::notifications::{self, Deliveries, RevivedDeliveries};
use crate::platform::http::{HttpResult, ok};
use crate::platform::sessions::Admin;
use crate::platform::{Answer, Ctx, Writer};

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(list_deliveries).service(retry_deliveries);
}

/// Deliveries of notifications
///
/// What waits in which lane, and what was given up. For administrators.
#[utoipa::path(tag = "Operations", responses((status = 200, body = Deliveries)),
    security(("bearer" = [])))]
#[get("/admin/deliveries")]
async fn list_deliveries(ctx: Ctx, _admin: Admin) -> HttpResult<HttpResponse> {
    Ok(ok(notifications::deliveries(&mut *ctx.conn().await?).await?))
}

/// Try again what was given up
///
/// For administrators.
#[utoipa::path(tag = "Operations", responses((status = 200, body = RevivedDeliveries)),
    security(("bearer" = [])))]
#[post("/admin/deliveries/retry")]
async fn retry_deliveries(writer: Writer, admin: Admin) -> HttpResult<HttpResponse> {
    writer
        .run(admin.0.id, async |tx| {
            let revived = notifications::retry_deliveries(tx).await?;
            Answer::ok(&RevivedDeliveries { revived })
        })
        .await
}
