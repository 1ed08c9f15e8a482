//! Routes of what waits for a person.

use actix_web::{HttpResponse, get};
use utoipa_actix_web::service_config::ServiceConfig;

use super::view::{self, Counts};
use crate::platform::http::{HttpResult, ok};
use crate::platform::sessions::CurrentUser;
use crate::platform::{Ctx, Reads};

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(get_counts);
}

/// How much waits for you
///
/// Counts of notifications and messages are nought so far: kith keeps neither yet.
#[utoipa::path(tag = "Notifications", responses((status = 200, body = Counts)),
    security(("bearer" = [])))]
#[get("/me/counts")]
async fn get_counts(ctx: Ctx, me: CurrentUser) -> HttpResult<HttpResponse> {
    Ok(ok(view::counts(&mut Reads::cached(&ctx), me.id).await?))
}
