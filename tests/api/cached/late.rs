//! Answers past their freshness say so.

use std::time::Duration;

use redis::Pipeline;

use crate::support::TestApp;

/// Makes an entry in Redis look loaded so long ago, once it is there.
async fn age(app: &TestApp, name: &str, age: Duration) {
    let cache = app.ctx.cache();
    let epoch = cache.epoch().expect("Redis is there");
    let key = cache.structure_key(epoch, name);
    let age = i64::try_from(age.as_millis()).expect("small");
    let at = (app.ctx.now().micros() / 1_000 - age).to_le_bytes();
    let ask = async |pipe: &Pipeline| -> i64 {
        let answer = app.ctx.redis().query_within(pipe, Duration::from_secs(2));
        let (answer,): (i64,) = answer.await.expect("Redis answers");
        answer
    };
    let mut exists = redis::pipe();
    exists.cmd("EXISTS").arg(&key);
    let mut looks = 0;
    while ask(&exists).await == 0 {
        looks += 1;
        assert!(looks < 100, "{key} is not there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The head of an entry: its format, and the milliseconds of its load.
    let mut set = redis::pipe();
    set.cmd("SETRANGE").arg(&key).arg(1).arg(&at[..]);
    ask(&set).await;
}

#[tokio::test]
async fn an_old_answer_of_redis_is_marked_with_what_it_is_past_its_freshness() {
    let Some(app) = TestApp::with_cache(&[]).await else {
        return;
    };
    let (ada, eve) = (app.person("ada").await, app.person("eve").await);
    app.wait_until_voids_are_delivered().await;
    let path = format!("/v1/users/{}", eve.id);
    ada.get(&path).await.expect_status(200);
    // Their numbers are fresh for an hour, and kept for two.
    let counts = format!("user-counts:v1:{}", eve.id);
    age(&app, &counts, Duration::from_mins(90)).await;
    // It holds nothing yet, so it finds them in Redis.
    let other = app.start_beside(&[]).await;
    other.wait_for_redis().await;
    let reply = ada.at(&other.url).get(&path).await.expect_status(200);
    let status = reply.header("cache-status").expect("Cache-Status");
    let ttl = status
        .strip_prefix("kith; hit; ttl=")
        .and_then(|rest| rest.strip_suffix("; detail=stale"))
        .unwrap_or_else(|| panic!("{status}"));
    let ttl: i64 = ttl.parse().expect("a number");
    assert!((-1_860..=-1_800).contains(&ttl), "{ttl}");
}
