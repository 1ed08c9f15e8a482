//! What operators see of those who are connected, and tell them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{PATIENCE, Socket};
use super::line::{Stream, Transport, begin, resume};
use super::{QUICK, post_of, publish, publish_many, subscribe, two_on};
use crate::support::{OwnRedis, Program, Session, TestApp, mode};

/// What an instance says of its connections.
async fn overview(admin: &Session) -> Value {
    let seen = admin.get("/v1/admin/realtime").await;
    assert_eq!(seen.header("cache-control").as_deref(), Some("no-store"));
    seen.expect_status(200).json
}

/// Waits until an instance says what is expected of it.
async fn until(admin: &Session, is_so: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let seen = overview(admin).await;
        if is_so(&seen) {
            return seen;
        }
        assert!(began.elapsed() < PATIENCE, "never as expected: {seen:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// How many connections there are: sockets, streams and polls.
fn connections(seen: &Value) -> [Value; 3] {
    ["websocket", "sse", "poll"].map(|way| seen["connections"][way].clone())
}

#[tokio::test]
async fn operators_see_what_is_connected_to_their_instance_and_what_waits() {
    let settings = [("KITH_MAX_SOCKETS", "77"), ("KITH_INSTANCE", "one")];
    let app = TestApp::start_with(&settings).await;
    let other = app.start_beside(&[("KITH_INSTANCE", "two")]).await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let admin = app.admin().await;
    let (_post, one) = post_of(&ada).await;
    let (_post, two) = post_of(&ada).await;
    let by = if mode::has_redis() { "redis" } else { "none" };
    let nobody = until(&admin, |seen| seen["bus"]["by"] == by).await;
    assert_eq!(nobody["instance"], "one");
    assert_eq!(nobody["bus"], json!({"by": by, "deaf": false}));
    assert_eq!(connections(&nobody), [0, 0, 0].map(Value::from));
    assert_eq!(nobody["connections"]["limit"], 77);
    for none in ["people", "channels", "subscriptions"] {
        assert_eq!(nobody[none], 0, "{none}");
    }
    assert_eq!(nobody["waiting"], json!({"frames": 0, "bytes": 0}));
    // Two sockets of one person, a stream and a poll of another.
    let mut hers = Socket::of(&ada, &app.url).await;
    let second = Socket::of(&ada, &app.url).await;
    subscribe(&mut hers, &one).await;
    subscribe(&mut hers, &two).await;
    let mut stream = Stream::open(&bob, &format!("?chs={one}"), None).await;
    stream.find(|frame| frame["op"] == "hello").await;
    let (_hello, cursor) = begin(Transport::Poll, &bob, "").await;
    let polling = {
        let (bob, cursor) = (bob.clone(), cursor.clone());
        tokio::spawn(async move { resume(Transport::Poll, &bob, &cursor, "test.event").await })
    };
    let seen = until(&admin, |seen| {
        // Four connections with an inbox and the channel for announcements each, and posts.
        let is_whole = seen["subscriptions"] == 4 * 2 + 3;
        is_whole && connections(seen) == [2, 1, 1].map(Value::from)
    })
    .await;
    assert_eq!(seen["people"], 2);
    // Two inboxes, the channel for announcements and two posts.
    assert_eq!(seen["channels"], 5);
    let of_the_other = overview(&admin.at(&other.url)).await;
    assert_eq!(of_the_other["instance"], "two");
    assert_eq!(connections(&of_the_other), [0, 0, 0].map(Value::from));
    second.goodbye().await;
    drop(stream);
    publish(&app, &format!("user:{}", bob.id), 1).await;
    polling.await.expect("it ends");
    let seen = until(&admin, |seen| {
        let is_whole = seen["people"] == 1 && seen["subscriptions"] == 4;
        is_whole && connections(seen) == [1, 0, 0].map(Value::from)
    })
    .await;
    assert_eq!(seen["connections"]["limit"], 77);
    // Whoever reads nothing has something that waits, and then has it.
    let mut sent = 0;
    let held = loop {
        publish_many(&app, &one, sent..sent + 40, None).await;
        sent += 40;
        let seen = overview(&admin).await;
        if seen["waiting"]["frames"].as_i64() > Some(0) {
            break seen;
        }
        assert!(sent < 2_000, "nothing ever waits");
    };
    let bytes = held["waiting"]["bytes"].as_i64().expect("a number");
    let frames = held["waiting"]["frames"].as_i64().expect("a number");
    assert!((frames..512 * 1024).contains(&bytes), "{held}");
    for _ in 0..sent {
        hers.event("test.event").await;
    }
    until(&admin, |seen| {
        seen["waiting"] == json!({"frames": 0, "bytes": 0})
    })
    .await;
}

#[tokio::test]
async fn operators_see_whether_an_instance_hears_the_others() {
    let mut redis = OwnRedis::start().await;
    let (app, _other) = two_on(&redis, "1s", &[]).await;
    let admin = app.admin().await;
    let hears = |by: &'static str, deaf: bool| {
        move |seen: &Value| seen["bus"] == json!({"by": by, "deaf": deaf})
    };
    until(&admin, hears("redis", false)).await;
    // Redis answers everything but what goes by channels.
    for (channels, is_deaf) in [("resetchannels", true), ("allchannels", false)] {
        let mut acl = redis::cmd("ACL");
        acl.arg("SETUSER").arg("default").arg(channels);
        redis.ask::<()>(&acl).await.expect("it obeys");
        until(&admin, |seen| seen["bus"]["deaf"] == is_deaf).await;
    }
    until(&admin, hears("redis", false)).await;
    redis.kill();
    until(&admin, |seen| seen["bus"]["by"] == "none").await;
    redis.restart().await;
    until(&admin, hears("redis", false)).await;
}

/// How many announcements were made.
async fn announced(app: &TestApp) -> i64 {
    let count = sqlx::query_scalar("select count(*) from announcement");
    count.fetch_one(&app.db).await.expect("a number")
}

#[tokio::test]
async fn what_the_command_line_announces_reaches_everybody_on_every_instance() {
    let app = TestApp::start_with(QUICK).await;
    let other = app.start_beside(QUICK).await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let mut listening = Vec::new();
    for (person, url) in [(&ada, &app.url), (&bob, &other.url)] {
        let person = person.at(url);
        let socket = Socket::of(&person, url).await;
        let mut stream = Stream::open(&person, "", None).await;
        stream.find(|frame| frame["op"] == "hello").await;
        let (_hello, cursor) = begin(Transport::Poll, &person, "").await;
        listening.push((person, socket, stream, cursor));
    }
    let began = app.ctx.now().utc();
    let told = Program::run(&app, &["announce", "  Tea at five.\nBring cups. "]);
    assert!(told.status.success(), "{told:?}");
    let words = String::from_utf8(told.stdout).expect("text");
    let id = words.trim_end().strip_prefix("everybody is told: ");
    let id = id.expect("its id");
    for (person, mut socket, mut stream, cursor) in listening {
        let is_it = |frame: &Value| frame["t"] == "announcement";
        let by_socket = socket.find(is_it).await;
        let by_stream = tokio::time::timeout(PATIENCE, stream.find(is_it)).await;
        let by_poll = resume(Transport::Poll, &person, &cursor, "announcement").await;
        for told in [&by_socket, &by_stream.expect("it comes"), &by_poll] {
            assert_eq!(*told, by_socket, "the same over every transport");
            let announcement = &told["d"]["announcement"];
            assert_eq!(announcement["id"], id);
            assert_eq!(announcement["content"], "Tea at five.\nBring cups.");
            let at = announcement["created_at"].as_str().expect("a time");
            let at: chrono::DateTime<chrono::Utc> = at.parse().expect("a time");
            assert!((at - began).num_seconds().abs() < 60, "{at}");
            assert!(told.get("by").is_none(), "an operator has no face: {told}");
        }
    }
    assert_eq!(announced(&app).await, 1);
}

#[tokio::test]
async fn an_announcement_that_says_nothing_or_too_much_is_refused_and_told_nobody() {
    let app = TestApp::start().await;
    let (ada, admin) = (app.person("ada").await, app.admin().await);
    let mut socket = Socket::of(&ada, &app.url).await;
    let long = "x".repeat(2_001);
    for content in ["", " \n ", &long, "a\u{7}b"] {
        let body = json!({"content": content});
        let refused = admin.post("/v1/admin/announcements", &body).await;
        let refused = refused.expect_problem(422, "validation_failed");
        assert_eq!(refused.json["errors"][0]["pointer"], "/content");
        let ran = Program::run(&app, &["announce", content]);
        assert_eq!(ran.status.code(), Some(2), "{ran:?}");
        let words = String::from_utf8(ran.stderr).expect("text");
        assert!(words.contains("the content: "), "{words}");
        assert!(ran.stdout.is_empty());
    }
    for arguments in [&["announce"][..], &["announce", "two", "words"]] {
        let ran = Program::run(&app, arguments);
        assert_eq!(ran.status.code(), Some(2), "{ran:?}");
    }
    assert_eq!(announced(&app).await, 0);
    // The longest that counts is told, and it is the first.
    let longest = "\u{1f375}".repeat(2_000);
    let body = json!({"content": longest});
    let told = admin.post("/v1/admin/announcements", &body).await;
    told.expect_status(200);
    let event = socket.event("announcement").await;
    assert_eq!(event["d"]["announcement"]["content"], longest);
    let refused = ada.post("/v1/admin/announcements", &body).await;
    refused.expect_problem(403, "forbidden");
}
