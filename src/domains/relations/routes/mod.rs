//! Routes of people and of what lies between them.

mod friends;
mod users;

use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    users::configure(cfg);
}
