//! Home feeds from timelines in Redis: the same as from Postgres, whatever happens meanwhile.

mod fan_out;
mod differential;
mod limits;
mod pulled;

use std::time::Duration;

use redis::Pipeline;

use crate::support::{TestApp, mode};

/// Whether there is a Redis; without one there are no timelines to test.
pub fn is_redis_there() -> bool {
    mode::needs("a shared cache", mode::has_shared_cache())
}

/// The key of somebody's timeline, or of another structure of feeds.
pub fn key(app: &TestApp, name: &str) -> String {
    let epoch = app.ctx.cache().epoch().expect("Redis is there");
    app.ctx.cache().structure_key(epoch, name)
}

/// Runs one command in Redis.
pub async fn run<T: redis::FromRedisValue>(app: &TestApp, command: &[&[u8]]) -> T {
    let mut pipe = Pipeline::new();
    let (name, args) = command.split_first().expect("a command");
    pipe.cmd(std::str::from_utf8(name).expect("text"));
    for arg in args {
        pipe.arg(*arg);
    }
    let (answer,): (T,) = send(app, &pipe).await;
    answer
}

/// Runs a pipeline in Redis.
pub async fn send<T: redis::FromRedisValue>(app: &TestApp, pipe: &Pipeline) -> T {
    let answer = app.ctx.redis().query_within(pipe, Duration::from_secs(2));
    answer.await.expect("Redis answers")
}

/// Whether the timeline of a person is there and marked.
pub async fn is_built(app: &TestApp, person: &str) -> bool {
    let key = key(app, &format!("timeline:{person}:v2"));
    let first: Vec<Vec<u8>> = run(app, &[b"ZRANGE", key.as_bytes(), b"0", b"0"]).await;
    first
        .first()
        .is_some_and(|first| first.len() >= 17 && first.first() == Some(&b'm'))
}

/// Waits until the timeline of a person is built.
pub async fn wait_until_built(app: &TestApp, person: &str) {
    for _ in 0..100 {
        if is_built(app, person).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no timeline was built");
}

/// Waits until no post is on its way.
pub async fn wait_until_fanned_out(app: &TestApp) {
    let key = key(app, "pending");
    for _ in 0..2_000 {
        let pending: i64 = run(app, &[b"ZCARD", key.as_bytes()]).await;
        if pending == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a post is still on its way");
}
