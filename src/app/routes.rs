//! All routes: one line a domain.

use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::admin;
use crate::domains::{
    auth, comments, discovery, feed, messaging, notifications, posts, relations, users,
};
use crate::platform::limits::{RouteLimit, RouteLimits};
use crate::platform::realtime;

/// Registers everything that the OpenAPI document describes. The router tries routes one after the
/// other, so what is asked most comes first.
pub fn configure(cfg: &mut ServiceConfig) {
    admin::configure_health(cfg);
    cfg.service(
        scope::scope("/v1")
            .configure(feed::configure)
            .configure(posts::configure)
            .configure(users::configure)
            .configure(comments::configure)
            .configure(messaging::configure)
            .configure(notifications::configure)
            .configure(realtime::configure)
            .configure(relations::configure)
            .configure(discovery::configure)
            .configure(auth::configure)
            .configure(admin::configure_meta)
            .configure(admin::configure_limits)
            .configure(admin::configure_jobs)
            .configure(admin::configure_deliveries)
            .configure(admin::configure_cache)
            .configure(admin::configure_stats)
            .configure(admin::configure_warming)
            .configure(admin::configure_realtime)
            .configure(admin::configure_announcements)
            .configure(admin::configure_accounts),
    );
}

/// What the domains limit beside the general limit of every route.
pub const LIMITS: &[&[RouteLimit]] = &[
    users::LIMITS,
    auth::LIMITS,
    relations::LIMITS,
    posts::LIMITS,
    comments::LIMITS,
    discovery::LIMITS,
    messaging::LIMITS,
    realtime::LIMITS,
];

/// The same, by route.
pub fn limits() -> RouteLimits {
    RouteLimits::new(LIMITS.iter().flat_map(|domain| domain.iter().copied()))
}
