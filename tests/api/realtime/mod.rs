//! What is told live, over real sockets.

mod client;
mod resume;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Session, TestApp, mode};
use client::{Socket, position};

/// Intervals that a test can wait for: a heartbeat of half a second.
const QUICK: &[(&str, &str)] = &[("KITH_LIVE_BEAT", "500ms")];

/// Long enough for whatever should not come.
const QUIET: Duration = Duration::from_millis(150);

/// Somebody's post, and its channel.
async fn post_of(author: &Session) -> (String, String) {
    let post = author.post_to(&json!("public"), "a post").await;
    let channel = format!("post:{post}");
    (post, channel)
}

/// Subscribes to one channel, and gives what is said of it.
async fn subscribe(socket: &mut Socket, channel: &str) -> Value {
    let reply = socket
        .ask("subscribe", json!({"chs": [{"ch": channel}]}))
        .await;
    reply["d"]["subs"][channel].clone()
}

/// The offsets of events.
fn offsets(events: &[Value]) -> Vec<i64> {
    events
        .iter()
        .map(|event| event["o"].as_i64().expect("an offset"))
        .collect()
}

#[tokio::test]
async fn a_comment_reaches_those_who_listen_to_its_post() {
    let app = TestApp::start().await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let (post, channel) = post_of(&ada).await;
    let mut socket = Socket::of(&ada, &app.url).await;
    let subscribed = subscribe(&mut socket, &channel).await;
    let comment = bob.comment_on(&post, "hello").await;
    let event = socket.event("comment.created").await;
    assert_eq!(event["d"]["comment"]["id"], comment);
    assert_eq!(event["d"]["comment"]["viewer"], Value::Null);
    assert_eq!(
        (&event["ch"], &event["by"]),
        (&json!(channel), &json!(bob.id))
    );
    assert_eq!(event["e"], subscribed["e"]);
    assert_eq!(event["o"], subscribed["o"].as_i64().expect("a place") + 1);
    let counters = socket.event("post.counters").await;
    assert_eq!(counters["d"]["counts"]["comments"], 1);
    assert!(counters.get("o").is_none(), "a state has no place");
}

#[tokio::test]
async fn an_event_reaches_listeners_on_another_instance() {
    let app = TestApp::start().await;
    let other = app.start_beside(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let (post, channel) = post_of(&ada).await;
    let mut socket = Socket::of(&ada, &other.url).await;
    subscribe(&mut socket, &channel).await;
    let comment = bob.comment_on(&post, "hello").await;
    let event = socket.event("comment.created").await;
    assert_eq!(event["d"]["comment"]["id"], comment);
}
