//! Redis and Postgres go and come under traffic, and processes die: nobody is told what is not so.

mod failover;
mod killed;
mod losses;
mod mail;
mod postgres;
mod redis;

use std::time::{Duration, Instant};

use crate::support::{OwnRedis, TestApp, mode};

/// Two instances on one database and a Redis of the test's own; none where the cache is off.
async fn pair_on(redis: &OwnRedis) -> Option<(TestApp, TestApp)> {
    if !mode::needs("a shared cache", mode::has_shared_cache()) {
        return None;
    }
    Some(pair_at(&redis.url()).await)
}

/// Two instances on one database and the Redis of a URL.
async fn pair_at(redis_url: &str) -> (TestApp, TestApp) {
    let settings = [("REDIS_URL", redis_url)];
    let one = TestApp::start_with(&settings).await;
    let other = one.start_beside(&settings).await;
    (one, other)
}

/// Waits until something holds, two seconds at most.
async fn soon(what: &str, holds: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_secs(2), "not yet: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What readiness says as a whole, and of Redis.
async fn readiness(app: &TestApp) -> (String, String) {
    let ready = app.anyone().get("/readyz").await.expect_status(200).json;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    (text(&ready["status"]), text(&ready["parts"]["redis"]))
}
