//! All background work: what each domain brings, put into one registry, and the retention of what
//! belongs to no domain.

mod retention;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::warming;
use crate::domains::{
    auth, comments, discovery, feed, messaging, notifications, posts, reactions, relations, users,
};
use crate::infra::jobs::{Registry, Runner};
use crate::infra::outbox::Dispatcher;
use crate::platform::{Ctx, realtime};

/// Every job there is.
pub fn registry() -> Registry<Ctx> {
    let registry = users::jobs(Registry::new());
    let registry = auth::jobs(auth::events(registry));
    let registry = relations::jobs(relations::events(registry));
    let registry = reactions::events(registry);
    let registry = posts::jobs(posts::events(registry));
    let registry = comments::jobs(comments::events(registry));
    let registry = feed::jobs(registry);
    let registry = discovery::jobs(registry);
    let registry = messaging::jobs(messaging::events(registry));
    let registry = notifications::jobs(registry);
    retention::jobs(warming::jobs(realtime::jobs(registry)))
}

/// Begins to deliver events and to do jobs, until `stop`.
pub fn start(ctx: &Ctx, stop: &CancellationToken) {
    let registry = registry();
    Dispatcher::new(ctx.db().clone(), &registry, ctx.clock()).start(
        Arc::clone(ctx.wake_outbox()),
        Arc::clone(ctx.wake_jobs()),
        stop.clone(),
        ctx.tasks(),
    );
    notifications::start_courier(ctx, stop);
    Runner::new(ctx.db().clone(), registry, ctx.clone(), ctx.clock()).start(
        Arc::clone(ctx.wake_jobs()),
        stop.clone(),
        ctx.tasks(),
    );
}
