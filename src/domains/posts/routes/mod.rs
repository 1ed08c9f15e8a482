//! Routes of posts, by noun.

mod expand;
mod hashtags;
mod lists;
mod marks;
mod posts;
mod reactions;
mod views;

use utoipa_actix_web::service_config::ServiceConfig;

pub use expand::{Loading, PostExpansion, TopComments};

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    posts::configure(cfg);
    lists::configure(cfg);
    reactions::configure(cfg);
    marks::configure(cfg);
    hashtags::configure(cfg);
    views::configure(cfg);
}
