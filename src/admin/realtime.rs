//! What is connected to this instance.

use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::kernel::Error;
use crate::platform::Ctx;
use crate::platform::http::{HttpResult, no_store};
use crate::platform::realtime::{Hub, Overview};
use crate::platform::sessions::Admin;

/// Registers the route.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(get_realtime);
}

/// This instance as sockets find it.
#[derive(Debug, Serialize, ToSchema)]
struct Realtime {
    /// The name of the instance.
    instance: String,
    /// What is connected.
    #[serde(flatten)]
    overview: Overview,
}

/// What is connected
///
/// For administrators: this instance's connections and channels, and how it hears the others.
#[utoipa::path(tag = "Operations", responses((status = 200, body = Realtime)),
    security(("bearer" = [])))]
#[get("/admin/realtime")]
async fn get_realtime(ctx: Ctx, _admin: Admin) -> HttpResult<HttpResponse> {
    let hub = Hub::of(&ctx).ok_or_else(|| Error::internal(anyhow::anyhow!("there is no hub")))?;
    Ok(no_store(Realtime {
        instance: ctx.config().instance.clone(),
        overview: hub.overview(&ctx),
    }))
}
