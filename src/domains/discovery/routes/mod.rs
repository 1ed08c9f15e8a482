//! Routes of discovery, by noun.

mod search;
mod trending;

use utoipa_actix_web::service_config::ServiceConfig;

pub use search::LIMITS;

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    search::configure(cfg);
    trending::configure(cfg);
}
