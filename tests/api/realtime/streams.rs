//! What is said beside the events of a stream, and how it is kept open.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use super::line::Stream;
use super::{QUICK, post_of};
use crate::support::TestApp;

#[tokio::test]
async fn a_stream_is_kept_by_nobody_on_the_way_and_held_back_by_nobody() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let request = ada.request(Method::GET, "/v1/realtime/sse");
    let request = request.header("accept-encoding", "gzip, br");
    let stream = request.send().await.expect("an answer");
    assert_eq!(stream.status(), 200);
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(stream.headers()[name], value, "{name}");
    }
    let encoding = stream.headers().get("content-encoding");
    assert!(encoding.is_none_or(|encoding| encoding == "identity"));
    let first = ada.get("/v1/realtime/poll?wait=0").await.expect_status(200);
    let cursor = first.json["cursor"].as_str().expect("a cursor");
    let path = format!("/v1/realtime/poll?wait=0&cursor={cursor}");
    let silent = ada.get(&path).await.expect_status(204);
    let ping = json!([{"op": "ping"}]);
    let commands = ada.post("/v1/realtime/commands", &ping).await;
    let ticket = ada.act("/v1/realtime/tickets").await;
    for reply in [first, silent, commands, ticket] {
        let rule = reply.header("cache-control");
        assert_eq!(rule.as_deref(), Some("no-store"), "{:#}", reply.json);
    }
}

#[tokio::test]
async fn a_silent_stream_is_kept_open_by_comments_at_the_pace_of_the_heartbeat() {
    let app = TestApp::start_with(QUICK).await;
    let ada = app.person("ada").await;
    let mut stream = Stream::open(&ada, "", None).await;
    stream.find(|frame| frame["op"] == "hello").await;
    let began = Instant::now();
    // Six tenths of a heartbeat lie between them.
    for number in 1..=4 {
        while stream.block().await.expect("it goes on") != ": ka" {}
        let least = Duration::from_millis(400) * number;
        assert!(began.elapsed() >= least, "{number}: {:?}", began.elapsed());
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[tokio::test]
async fn a_ticket_opens_one_stream_which_ends_with_its_session() {
    let app = TestApp::start_with(QUICK).await;
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    let ticket = ada.act("/v1/realtime/tickets").await.expect_status(200);
    let ticket = ticket.json["ticket"].as_str().expect("a ticket").to_owned();
    let anyone = app.anyone();
    let path = format!("/v1/realtime/sse?ticket={ticket}&chs={channel}");
    let open = async || {
        let reply = anyone.request(Method::GET, &path).send().await;
        reply.expect("an answer")
    };
    let mut stream = open().await;
    assert_eq!(stream.status(), 200);
    assert_eq!(open().await.status(), 401, "the second time");
    ada.act("/v1/auth/logout").await.expect_status(204);
    let mut all = String::new();
    let reading = async {
        while let Ok(Some(chunk)) = stream.chunk().await {
            all.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    let read = tokio::time::timeout(super::client::PATIENCE, reading).await;
    assert!(read.is_ok() && all.contains("\"code\":4007"), "{all}");
    // A page's own coming back is told to stop: by any status but 200.
    assert_eq!(open().await.status(), 401);
}
