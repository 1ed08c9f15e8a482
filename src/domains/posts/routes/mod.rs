//! Routes of posts, by noun.

mod expand;
mod lists;
mod marks;
mod posts;
mod reactions;

use utoipa_actix_web::service_config::ServiceConfig;

pub use expand::{Loading, PostExpansion, TopComments};

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    posts::configure(cfg);
    lists::configure(cfg);
    reactions::configure(cfg);
    marks::configure(cfg);
}
