//! What this instance holds, in numbers, for its administrators.

mod store;

use actix_web::{HttpResponse, get};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::platform::Ctx;
use crate::platform::http::{HttpResult, no_store};
use crate::platform::sessions::Admin;

pub use store::{Stats, load_stats};

/// Registers the route.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(get_stats);
}

/// What this instance holds
///
/// For administrators.
#[utoipa::path(tag = "Operations", responses((status = 200, body = Stats)), security(("bearer" = [])))]
#[get("/admin/stats")]
async fn get_stats(ctx: Ctx, _admin: Admin) -> HttpResult<HttpResponse> {
    let now = ctx.now();
    Ok(no_store(load_stats(&mut *ctx.read().await?, now).await?))
}
