//! What is forgotten in Redis is made good.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::Socket;
use super::presence::{state_of, wait_for};
use super::subscribe;
use crate::support::{OwnRedis, TestApp, mode};

/// Two instances beside a Redis of their own. The first does no jobs: what a job tells, it has to hear.
async fn two(redis: &OwnRedis, beat: &str) -> (TestApp, TestApp) {
    let url = redis.url();
    let settings = [
        ("REDIS_URL", url.as_str()),
        ("KITH_LIVE_BEAT", beat),
        ("KITH_LIVE_PONG", "60s"),
        ("KITH_ROLES", "web,gateway"),
    ];
    let app = TestApp::start_with(&settings).await;
    let other = app.start_beside(&settings[..3]).await;
    app.wait_for_redis().await;
    other.wait_for_redis().await;
    (app, other)
}

#[tokio::test]
async fn however_many_an_instance_leaves_behind_they_are_gone_soon() {
    if !mode::needs("a Redis", mode::has_redis()) {
        return;
    }
    // A look a second.
    let app = TestApp::start().await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let mut watching = Socket::of(&ada, &app.url).await;
    subscribe(&mut watching, &format!("presence:{}", bob.id)).await;
    let mut people: Vec<String> = (0..2_000)
        .map(|number| format!("00000000-0000-4000-8000-{number:012x}"))
        .collect();
    people.push(bob.id.clone());
    let mut left = redis::pipe();
    let keys = ["live:present", "live:due"].map(|key| app.ctx.redis().key(key));
    for (number, id) in people.iter().enumerate() {
        left.cmd("HSET").arg(&keys[0]).arg(id).arg("o:0").ignore();
        left.cmd("ZADD").arg(&keys[1]).arg(number).arg(id).ignore();
    }
    let client = redis::Client::open(app.redis_url().expect("a Redis")).expect("a client");
    let conn = client.get_multiplexed_async_connection().await;
    let mut conn = conn.expect("a connection");
    let began = Instant::now();
    left.query_async::<()>(&mut conn)
        .await
        .expect("they are left");
    let told = watching.event("presence.changed").await;
    assert_eq!(told["d"], json!({"user_id": bob.id, "state": "offline"}));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn whoever_stays_is_never_offline_while_redis_begins_anew() {
    let mut redis = OwnRedis::start().await;
    let (app, other) = two(&redis, "5s").await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let eve = app.person("eve").await;
    ada.befriend(&eve).await;
    let _his = Socket::of(&bob, &other.url).await;
    wait_for(&ada, &bob, "online").await;
    wait_for(&ada, &eve, "offline").await;
    for loses_all in [false, true] {
        if loses_all {
            let forget = redis::cmd("FLUSHALL");
            redis.ask::<()>(&forget).await.expect("it forgets");
        } else {
            redis.restart().await;
        }
        let began = Instant::now();
        let mut states: Vec<Value> = Vec::new();
        while began.elapsed() < Duration::from_secs(3) {
            states.push(state_of(&ada, &bob).await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(!states.contains(&json!("offline")), "{states:?}");
        wait_for(&ada, &bob, "online").await;
        // Of her it is known again in the end.
        wait_for(&ada, &eve, "offline").await;
    }
}
