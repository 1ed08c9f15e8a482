//! Limits, for those who run the place.

use actix_web::{HttpResponse, delete};
use serde::Deserialize;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::infra::ratelimit::Check;
use crate::kernel::{Code, Error, Result};
use crate::platform::Ctx;
use crate::platform::http::{HttpResult, PathOf, no_content};
use crate::platform::limits::{NoSubject, Subject, by_name, names};
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
/// Of `user:ID`, `address:ADDRESS` or `account:NAME`, as the limit counts: limits on guesses and mails count the
/// account or the address, others whoever is signed in, or else the address. They may go on at once.
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
    if ctx.limiter().forget(&counted.check()?).await {
        return Ok(no_content());
    }
    Err(Error::unavailable(anyhow::anyhow!("Redis is away")).into())
}

impl Counted {
    /// What is counted, or what to name instead.
    fn check(&self) -> Result<Check> {
        let nothing = |detail: String| Error::new(Code::NotFound, detail);
        let policy = by_name(&self.policy)
            .ok_or_else(|| nothing(format!("There is no such limit. These are: {}.", names())))?;
        let subject: Subject = self
            .key
            .parse()
            .map_err(|nobody: NoSubject| nothing(format!("This names nobody: {nobody}.")))?;
        subject
            .check_counted(policy)
            .map_err(|other| nothing(format!("{other}.")))
    }
}
