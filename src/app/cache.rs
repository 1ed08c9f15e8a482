//! The cache of a process: what keeps it right while it serves, and how a tool looks at it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use crate::domains::feed;
use crate::infra::cache::{self, Onlooker};
use crate::infra::ratelimit;
use crate::infra::redis::{self, Attached};
use crate::platform::{Ctx, realtime};

/// How long an entry of a process may differ from its rows before that counts as wrong.
const GRACE: Duration = Duration::from_secs(2);

/// Starts what keeps the cache right: the connection to Redis, the stream of voids, the relay, the
/// checker.
pub(super) fn keep(ctx: &Ctx, stop: &CancellationToken) -> anyhow::Result<()> {
    let cache = ctx.cache();
    if let Some(relay) = cache.relay() {
        let redis_expected = ctx.config().redis_url.is_some();
        ctx.tasks().spawn(relay.run(redis_expected, stop.clone()));
    }
    let every = ctx.config().cache_check;
    let checking = cache::check_while_serving(cache.clone(), every, GRACE, stop.clone());
    ctx.tasks().spawn(checking);
    let Some(supervisor) = supervisor(ctx, Arc::new(cache.clone()))? else {
        return Ok(());
    };
    let server = supervisor.server.clone();
    ctx.tasks().spawn(supervisor.run(stop.clone()));
    let following = cache::follow_voids(cache.clone(), server, stop.clone());
    ctx.tasks().spawn(following);
    Ok(())
}

/// Lets a tool look at what the serving processes have cached. Says whether there is a Redis at all.
pub async fn attach_tool(ctx: &Ctx) -> anyhow::Result<bool> {
    let onlooker = Arc::new(Onlooker(ctx.cache().clone()));
    let Some(supervisor) = supervisor(ctx, onlooker)? else {
        return Ok(false);
    };
    supervisor.connect_once().await.map_err(redis::away)?;
    Ok(true)
}

fn supervisor(ctx: &Ctx, attached: Arc<dyn Attached>) -> anyhow::Result<Option<redis::Supervisor>> {
    let Some(url) = &ctx.config().redis_url else {
        return Ok(None);
    };
    Ok(Some(redis::Supervisor {
        redis: ctx.redis().clone(),
        server: redis::Server::parse(url.expose()).context("REDIS_URL")?,
        scripts: [
            cache::SCRIPTS,
            ratelimit::SCRIPTS,
            feed::SCRIPTS,
            &realtime::scripts(),
        ]
        .concat(),
        attached,
    }))
}
