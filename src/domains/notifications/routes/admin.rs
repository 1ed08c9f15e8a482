//! The queue of deliveries, for administrators.

use actix_web::{HttpResponse, get, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::actions;
use super::super::view::{self, Deliveries, Revived};
use crate::platform::http::{HttpResult, ok};
use crate::platform::sessions::Admin;
use crate::platform::{Answer, Ctx, Writer};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(list_deliveries).service(retry_deliveries);
}

/// Deliveries of notifications
///
/// What waits in which lane, and what was given up. For administrators.
#[utoipa::path(tag = "Operations", responses((status = 200, body = Deliveries)),
    security(("bearer" = [])))]
#[get("/admin/deliveries")]
async fn list_deliveries(ctx: Ctx, _admin: Admin) -> HttpResult<HttpResponse> {
    Ok(ok(view::deliveries(&mut *ctx.conn().await?).await?))
}

/// Try again what was given up
///
/// For administrators.
#[utoipa::path(tag = "Operations", responses((status = 200, body = Revived)),
    security(("bearer" = [])))]
#[post("/admin/deliveries/retry")]
async fn retry_deliveries(writer: Writer, admin: Admin) -> HttpResult<HttpResponse> {
    writer
        .run(admin.0.id, async |tx| {
            let revived = actions::retry_deliveries(tx).await?;
            Answer::ok(&Revived { revived })
        })
        .await
}
