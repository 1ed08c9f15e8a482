//! Routes of posts, by noun.

mod lists;
mod marks;
mod posts;
mod reactions;

use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    posts::configure(cfg);
    lists::configure(cfg);
    reactions::configure(cfg);
    marks::configure(cfg);
}
