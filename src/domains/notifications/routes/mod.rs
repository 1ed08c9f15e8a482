//! Routes of what waits for a person.

mod devices;
mod list;
mod preferences;

use utoipa_actix_web::service_config::ServiceConfig;

// Routes that a frame stands for.
pub(super) const READ_ONE: &str = "/v1/notifications/{id}/read";
pub(super) const READ_ALL: &str = "/v1/notifications/read-all";

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    list::configure(cfg);
    preferences::configure(cfg);
    devices::configure(cfg);
}
