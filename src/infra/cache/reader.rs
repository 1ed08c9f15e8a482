//! Keeps a process near that answers no requests just now: reads the stream of voids as it grows.

use std::time::Duration;

use redis::Value;
use tokio_util::sync::CancellationToken;

use super::{Cache, Mode};
use crate::infra::redis::Server;

/// How long one read waits in Redis.
const BLOCK_MILLIS: u64 = 1_000;
/// A read that takes longer than this has lost its server.
const GONE: Duration = Duration::from_secs(3);
/// After an error.
const PAUSE: Duration = Duration::from_millis(200);

/// Follows the stream until `stop`, on a connection of its own: a blocking command would hold up
/// everything behind it.
pub async fn follow_voids(cache: Cache, server: Server, stop: CancellationToken) {
    loop {
        let followed = tokio::select! {
            () = stop.cancelled() => return,
            followed = follow(&cache, &server) => followed,
        };
        if let Err(error) = followed {
            tracing::debug!(%error, "the stream of voids cannot be followed");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn follow(cache: &Cache, server: &Server) -> anyhow::Result<()> {
    if !cache.redis().is_up() || cache.mode() == Mode::Off {
        return Ok(());
    }
    let mut conn = server.connect().await?;
    loop {
        let ledger = cache.0.ledger.load_full();
        let Some(epoch) = cache.shared_epoch(&ledger) else {
            return Ok(());
        };
        let position = ledger.applied();
        let mut news = redis::cmd("XREAD");
        news.arg("BLOCK")
            .arg(BLOCK_MILLIS)
            .arg("COUNT")
            .arg(1)
            .arg("STREAMS")
            .arg(cache.stream_key(epoch))
            .arg(format!("{position}-0"));
        let news = news.query_async(&mut conn);
        let _news: Value = tokio::time::timeout(GONE, news).await??;
        // The step applies them, with its checks for gaps; it also finds another epoch.
        cache.step().await;
        if ledger.applied() == position && cache.0.ledger.load().id == ledger.id {
            // Nothing new, or a step that had no answer: either way there is no hurry.
            tokio::time::sleep(PAUSE).await;
        }
    }
}
