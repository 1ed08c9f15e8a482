//! What is told live, over real sockets.

mod access;
#[path = "../../../examples/live/answers.rs"]
mod answers;
mod behind;
mod catalogue;
mod client;
mod closes;
mod conversation;
mod counts;
mod cursors;
mod devices;
mod dropped;
mod ends;
mod example;
mod fallback;
mod flaws;
mod frames;
#[path = "../../../examples/live/follower.rs"]
mod follower;
mod gaps;
mod farewells;
mod handshake;
mod interleaved;
mod line;
mod losses;
mod marks;
mod merged;
mod netsplit;
mod operators;
mod order;
#[path = "../../../examples/live/outbox.rs"]
mod outbox;
mod pieces;
mod polls;
mod presence;
mod reference;
mod resume;
mod revoked;
mod rooms;
mod shape;
mod sight;
mod slow;
mod snapshots;
mod spared;
mod storms;
mod strangers;
mod streams;
mod topics;
mod wanted;
mod watching;
mod whole;
mod withdrawn;

use std::ops::Range;
use std::time::Duration;

use kith::kernel::UserId;
use kith::kernel::ids::Id as _;
use kith::platform::realtime::{Channel, News};
use kith::platform::write::job_transaction;
use serde_json::{Value, json};

use crate::support::{OwnRedis, Session, TestApp, mode};
use client::Socket;

/// Intervals that a test can wait for: a heartbeat of a second. A client of a test reads, and so answers,
/// only when its turn comes: it has time for that.
const QUICK: &[(&str, &str)] = &[("KITH_LIVE_BEAT", "1s"), ("KITH_LIVE_PONG", "60s")];

/// Long enough for whatever should not come.
const QUIET: Duration = Duration::from_millis(400);

/// Another instance beside `app`. Without Redis it does none of the work that follows a write: what it
/// would tell of that reaches its own listeners alone.
async fn second(app: &TestApp, settings: &[(&str, &str)]) -> TestApp {
    let mut settings = settings.to_vec();
    if !mode::has_redis() {
        settings.push(("KITH_ROLES", "web,gateway"));
    }
    app.start_beside(&settings).await
}

/// Two instances beside a Redis of their own. The first has these settings beside.
async fn two_on(redis: &OwnRedis, beat: &str, beside: &[(&str, &str)]) -> (TestApp, TestApp) {
    let url = redis.url();
    let settings = [
        ("REDIS_URL", url.as_str()),
        ("KITH_LIVE_BEAT", beat),
        ("KITH_LIVE_PONG", "60s"),
    ];
    let app = TestApp::start_with(&[&settings, beside].concat()).await;
    let other = app.start_beside(&settings).await;
    app.wait_for_redis().await;
    other.wait_for_redis().await;
    (app, other)
}

/// Where the other side of a test connects: to another instance, or without Redis to the same one, since
/// an instance then knows of its own listeners alone.
fn beside<'a>(app: &'a TestApp, other: &'a TestApp) -> &'a str {
    if mode::has_redis() {
        &other.url
    } else {
        &app.url
    }
}

/// Somebody's post, and its channel.
async fn post_of(author: &Session) -> (String, String) {
    let post = author.post_to(&json!("public"), "a post").await;
    let channel = format!("post:{post}");
    (post, channel)
}

/// The channel of a group of friends of its owner, and of its owner.
async fn group(owner: &Session, members: &[&Session]) -> String {
    let ids: Vec<&str> = members.iter().map(|member| member.id.as_str()).collect();
    let body = json!({"member_ids": ids, "title": "A group"});
    let reply = owner.post("/v1/conversations", &body).await;
    format!("conv:{}", reply.expect_status(201).id())
}

/// The channel of the conversation of two people, in which one of them has said something.
async fn pair(one: &Session, other: &Session) -> String {
    let body = json!({"member_ids": [other.id]});
    let reply = one.post("/v1/conversations", &body).await;
    assert!(matches!(reply.status, 200 | 201), "{:#}", reply.json);
    let id = reply.id();
    let path = format!("/v1/conversations/{id}/messages");
    let first = one.post(&path, &json!({"content": "first"})).await;
    first.expect_status(201);
    format!("conv:{id}")
}

/// The id in the name of a channel.
fn id_of(channel: &str) -> &str {
    channel.split_once(':').expect("a channel").1
}

/// Subscribes to one channel, and gives what is said of it.
async fn subscribe(socket: &mut Socket, channel: &str) -> Value {
    let asked = json!({"chs": [{"ch": channel}]});
    let reply = socket.ask("subscribe", asked).await;
    let said = reply["d"]["subs"][channel].clone();
    assert!(said.get("err").is_none(), "{channel}: {said}");
    said
}

/// An event that says all by its name and its number.
fn numbered(channel: &Channel, number: i64) -> News {
    News {
        channel: channel.clone(),
        kind: "test.event",
        object_id: None,
        actor: None,
        detail: json!({"number": number}),
    }
}

/// Publishes an event that says all by its name and its number, as a write does.
async fn publish(app: &TestApp, channel: &str, number: i64) {
    let channel: Channel = channel.parse().expect("a channel");
    let published = job_transaction(&app.ctx, |tx| {
        let news = numbered(&channel, number);
        Box::pin(async move {
            tx.publish(news);
            Ok(())
        })
    });
    published.await.expect("it is published");
}

/// Publishes so many events at once, done by somebody or by nobody, each with a few words for ballast.
async fn publish_many(app: &TestApp, channel: &str, numbers: Range<i64>, actor: Option<&Session>) {
    let channel: Channel = channel.parse().expect("a channel");
    let actor = actor.map(|actor| UserId::from_uuid(actor.id.parse().expect("an id")));
    let published = job_transaction(&app.ctx, |tx| {
        let (channel, numbers) = (channel.clone(), numbers.clone());
        Box::pin(async move {
            for number in numbers {
                let mut news = numbered(&channel, number);
                news.actor = actor;
                news.detail["words"] = json!("x".repeat(1_200));
                tx.publish(news);
            }
            Ok(())
        })
    });
    published.await.expect("they are published");
}

/// The events of [`publish`] that come until it has been quiet.
async fn published(socket: &mut Socket) -> Vec<Value> {
    let mut events = socket.rest(QUIET).await;
    events.retain(|event| event["t"] == "test.event");
    events
}

/// The offsets of events.
fn offsets(events: &[Value]) -> Vec<i64> {
    let offset = |event: &Value| event["o"].as_i64().expect("an offset");
    events.iter().map(offset).collect()
}

/// Fails unless these are all events after `first`, each once and in order.
#[track_caller]
fn expect_whole(events: &[Value], after: &Value, count: i64) {
    let first = after["o"].as_i64().expect("a place") + 1;
    let wanted: Vec<i64> = (first..first + count).collect();
    assert_eq!(offsets(events), wanted);
}
