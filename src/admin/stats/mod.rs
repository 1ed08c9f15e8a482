//! What this instance holds, in numbers, for its administrators.

mod cache;
mod store;

use actix_web::{HttpResponse, get};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::infra::cache::Only;
use crate::platform::http::{HttpResult, no_store};
use crate::platform::sessions::Admin;
use crate::platform::{Ctx, Reads};

pub use cache::{SPACES, STATS};
pub use store::{Stats, load_stats};

/// Registers the route.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(get_stats);
}

/// What this instance holds
///
/// For administrators. Counted once an hour, and anew behind an answer that finds it older.
#[utoipa::path(tag = "Operations", responses((status = 200, body = Stats)), security(("bearer" = [])))]
#[get("/admin/stats")]
async fn get_stats(ctx: Ctx, _admin: Admin) -> HttpResult<HttpResponse> {
    let stats = Reads::cached(&ctx).load(&STATS, &Only).await?;
    Ok(no_store(&*stats))
}
