//! Routes of posts, by noun.

mod expand;
mod hashtags;
mod lists;
mod marks;
mod posts;
mod reactions;
mod views;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::platform::limits::{RouteLimit, at_door, policies};

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

/// What limits these routes beside the general limit.
pub const LIMITS: &[RouteLimit] = &[
    at_door("POST", "/v1/posts", &policies::POST),
    at_door("PATCH", "/v1/posts/{id}", &policies::EDIT),
    at_door("PUT", "/v1/posts/{id}/reaction", &policies::REACTION),
    at_door("DELETE", "/v1/posts/{id}/reaction", &policies::REACTION),
];
