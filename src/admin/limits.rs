//! Limits, for those who run the place.

use actix_web::{HttpResponse, delete};
use serde::Deserialize;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::kernel::Error;
use crate::platform::Ctx;
use crate::platform::http::{HttpResult, PathOf, no_content};
use crate::platform::limits::{Subject, by_name};
use crate::platform::sessions::Admin;

/// Registers the route.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(forget_limit);
}

/// A policy, and whom it counts.
#[derive(Debug, Deserialize)]
struct Counted {
    policy: String,
    key: String,
}

/// Forget what a limit has counted
///
/// Of `user:ID`, `address:ADDRESS` or `account:NAME`. They may go on at once.
#[utoipa::path(tag = "Operations",
    params(("policy" = String, Path, description = "The limit", example = "sign_in"),
        ("key" = String, Path, description = "Whom it counts", example = "account:ada")),
    responses((status = 204)), security(("bearer" = [])))]
#[delete("/admin/limits/{policy}/{key}")]
async fn forget_limit(
    ctx: Ctx,
    _admin: Admin,
    counted: PathOf<Counted>,
) -> HttpResult<HttpResponse> {
    let policy = by_name(&counted.policy).ok_or_else(Error::not_found)?;
    let subject: Subject = counted.key.parse().map_err(|_nobody| Error::not_found())?;
    if ctx.limiter().forget(&subject.check(policy)).await {
        return Ok(no_content());
    }
    Err(Error::unavailable(anyhow::anyhow!("Redis is away")).into())
}
