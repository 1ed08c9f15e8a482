//! Words between instances that are late, lost, or said by a clock that is wrong.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::client::{PATIENCE, Socket, position};
use super::{QUIET, expect_whole, post_of, publish, published, subscribe};
use crate::support::{OwnRedis, Program, RedisLine, Session, TestApp, mode};

const BEAT: [(&str, &str); 3] = [
    ("KITH_REDIS_PREFIX", "own"),
    ("KITH_LIVE_BEAT", "2s"),
    ("KITH_LIVE_PONG", "60s"),
];

fn settings(url: &str) -> Vec<(&str, &str)> {
    let mut settings = BEAT.to_vec();
    settings.push(("REDIS_URL", url));
    settings
}

async fn app_on(url: &str) -> TestApp {
    let app = TestApp::start_with(&settings(url)).await;
    app.wait_for_redis().await;
    app
}

#[tokio::test]
async fn that_somebody_has_gone_is_told_although_the_instance_that_noted_it_dies_at_once() {
    let redis = OwnRedis::start().await;
    let app = app_on(&redis.url()).await;
    let line = RedisLine::to(&redis).await;
    let program = Program::start(&app, &settings(line.url()));
    let (ada, bob) = app.friends("ada", "bob").await;
    let mut watching = Socket::of(&ada, &app.url).await;
    subscribe(&mut watching, &format!("presence:{}", bob.id)).await;
    let told = |state: &'static str| {
        move |frame: &Value| frame["t"] == "presence.changed" && frame["d"]["state"] == state
    };
    let his = Socket::of(&bob, &program.url).await;
    watching.find(told("online")).await;
    // Changes are told at once from here on.
    tokio::time::sleep(Duration::from_secs(1)).await;
    line.passes_answers(false);
    his.goodbye().await;
    let mut noted = redis::cmd("HGET");
    let key = app.ctx.redis().key("live:present");
    noted.arg(key).arg(&bob.id);
    let began = Instant::now();
    loop {
        let said: Option<String> = redis.ask(&noted).await.expect("it answers");
        if !said.is_some_and(|said| said.starts_with('o')) {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "he is there for ever");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    program.signal(nix::sys::signal::Signal::SIGKILL);
    watching.find(told("offline")).await;
    let rest = watching.rest(QUIET).await;
    assert!(!rest.iter().any(told("stale")), "{rest:?}");
}

async fn resumed(person: &Session, url: &str, session: &Value) -> Socket {
    Socket::resumed(person, url, &json!({"session": session})).await
}

#[tokio::test]
async fn whoever_resumes_takes_over_from_an_instance_whose_clock_is_ahead() {
    if !mode::needs("a Redis", mode::has_redis()) {
        return;
    }
    let app = TestApp::start().await;
    let ahead = app.start_beside_ahead(TimeDelta::seconds(20), &[]).await;
    ahead.wait_for_redis().await;
    let ada = app.person("ada").await;
    let mut older = Socket::of(&ada, &ahead.url).await;
    let session = older.hello["session"].clone();
    for url in [&app.url, &ahead.url, &app.url, &ahead.url] {
        let mut newer = resumed(&ada, url, &session).await;
        assert_eq!(older.closed().await, 4009);
        // Nobody takes it for the older one.
        newer.rest(QUIET).await;
        newer.ask("ping", json!({})).await;
        older = newer;
    }
}

#[tokio::test]
async fn what_is_told_in_another_order_than_it_was_written_is_kept_all_the_same() {
    let redis = OwnRedis::start().await;
    let app = app_on(&redis.url()).await;
    let line = RedisLine::to(&redis).await;
    let late = app.start_beside(&settings(line.url())).await;
    late.wait_for_redis().await;
    let ada = app.person("ada").await;
    let (post, channel) = post_of(&ada).await;
    let mut socket = Socket::of(&ada, &app.url).await;
    let at = subscribe(&mut socket, &channel).await;
    publish(&app, &channel, 1).await;
    socket.event("test.event").await;
    line.passes_questions(false);
    publish(&late, &channel, 2).await;
    publish(&app, &channel, 3).await;
    // The later one is told first.
    for _ in 0..2 {
        socket.event("test.event").await;
    }
    line.passes_questions(true);
    tokio::time::sleep(QUIET).await;
    socket.cut();
    sqlx::query("delete from stream_event where id = $1::uuid")
        .bind(&post)
        .execute(&app.db)
        .await
        .expect("they are in Redis alone");
    let resume = json!({"pos": {&channel: position(&at)}});
    let mut back = Socket::resumed(&ada, &app.url, &resume).await;
    assert_eq!(back.hello["subs"][&channel]["recovered"], true);
    expect_whole(&published(&mut back).await, &at, 3);
}
