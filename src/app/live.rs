//! What the domains tell live: one line a domain.

use std::collections::HashSet;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use super::routes;
use crate::admin;
use crate::domains::{comments, feed, messaging, notifications, posts, relations, users};
use crate::infra::redis;
use crate::kernel::{Error, Result, UserId};
use crate::platform::config::Config;
use crate::platform::realtime::{self, Hooks, Hub, Live, Options, Pace, Registry};
use crate::platform::sessions::Viewer;
use crate::platform::{Ctx, Reads};

/// What each domain says.
const LIVE: &[&Live] = &[
    &users::LIVE,
    &relations::LIVE,
    &posts::LIVE,
    &comments::LIVE,
    &feed::LIVE,
    &messaging::LIVE,
    &notifications::LIVE,
    &admin::LIVE,
];

/// The hub of a process.
pub(super) fn hub(config: &Config) -> Hub {
    Hub::new(Options {
        registry: Registry::new(LIVE.iter().copied()),
        hooks: Hooks {
            hidden: |ctx, user_id| Box::pin(hidden(ctx, user_id)),
            counts: |ctx, user_id| Box::pin(counts(ctx, user_id)),
        },
        limits: routes::limits(),
        pace: Pace::new(config.live_beat),
        max_sockets: config.max_sockets,
        instance: config.instance.clone(),
    })
}

/// Starts what tells and listens.
pub(super) fn start(ctx: &Ctx, stop: &CancellationToken) -> anyhow::Result<()> {
    let server = match &ctx.config().redis_url {
        Some(url) => Some(redis::Server::parse(url.expose()).context("REDIS_URL")?),
        None => None,
    };
    realtime::start(ctx, server, stop);
    Ok(())
}

/// Those between whom and a person there is a block, either way.
async fn hidden(ctx: Ctx, user_id: UserId) -> Result<HashSet<UserId>> {
    let ties = relations::ties_of(&mut Reads::cached(&ctx), Viewer(Some(user_id))).await?;
    Ok(ties.hidden.iter().copied().collect())
}

async fn counts(ctx: Ctx, user_id: UserId) -> Result<serde_json::Value> {
    let counts = notifications::counts(&ctx, &mut Reads::cached(&ctx), user_id).await?;
    serde_json::to_value(counts).map_err(Error::internal)
}
