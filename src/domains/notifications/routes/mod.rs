//! Routes of what waits for a person.

mod admin;
mod devices;
mod list;
mod preferences;

pub(super) use list::{all_read, one_read};

use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    list::configure(cfg);
    preferences::configure(cfg);
    devices::configure(cfg);
    admin::configure(cfg);
}
