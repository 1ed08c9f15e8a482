//! Routes of the home feed.

mod feed;
mod marker;

use utoipa_actix_web::service_config::ServiceConfig;

pub use feed::PREFETCH;

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    feed::configure(cfg);
    marker::configure(cfg);
}
