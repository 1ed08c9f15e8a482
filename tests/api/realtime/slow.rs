//! Readers who do not keep up, clients who say nothing, and the end of the server.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::client::{PATIENCE, Socket};
use super::handshake::{connect, read_until};
use super::{QUICK, expect_whole, post_of, publish, published, subscribe};
use crate::support::TestApp;

#[tokio::test]
async fn a_reader_who_takes_nothing_is_let_go_and_comes_back_for_the_rest() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let (post, channel) = post_of(&ada).await;
    let mut slow = Socket::of(&bob, &app.url).await;
    let at = subscribe(&mut slow, &channel).await;
    let mut quick = Socket::of(&ada, &app.url).await;
    subscribe(&mut quick, &channel).await;
    let words = long_words();
    let mut sent = 0;
    // More than the buffers of the two kernels take.
    while sent < 600 && count(&app).await > 1 {
        for _ in 0..5 {
            ada.comment_on(&post, &words).await;
            sent += 1;
        }
        let taken = quick.rest(Duration::from_millis(20)).await;
        assert!(!taken.is_empty(), "the others are served");
    }
    assert!(count(&app).await <= 1, "the slow reader is gone");
    // What it was sent before it stopped, it has; the rest is there.
    let before = at["o"].as_i64().expect("a place");
    let last = slow_end(&mut slow).await.unwrap_or(before);
    let held = (last - before) * 16;
    assert!(
        (1..512).contains(&held),
        "some {held} KiB lay in the two kernels"
    );
    let pos = json!({&channel: {"e": at["e"], "o": last}});
    let back = Socket::resumed(&bob, &app.url, &json!({"pos": pos})).await;
    let sub = &back.hello["subs"][&channel];
    assert!(
        sub["recovered"] == true || sub["reason"] == "expired",
        "{sub}"
    );
}

#[tokio::test]
async fn a_stream_whose_client_takes_nothing_is_cut() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let (post, channel) = post_of(&ada).await;
    let (mut line, host) = connect(&app).await;
    let request = format!(
        "GET /v1/realtime/sse?chs={channel} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\n\r\n",
        bob.access_token
    );
    line.write_all(request.as_bytes()).await.expect("sent");
    read_until(&mut line, "hello").await;
    let words = long_words();
    for _ in 0..40 {
        for _ in 0..20 {
            ada.comment_on(&post, &words).await;
        }
        if count(&app).await == 0 {
            break;
        }
    }
    assert_eq!(count(&app).await, 0, "the slow reader is gone");
    // Whoever takes nothing is not waited for: what is left of the line ends without a last chunk.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut rest = Vec::new();
    let reading = line.read_to_end(&mut rest);
    let read = tokio::time::timeout(PATIENCE, reading)
        .await
        .expect("it ends");
    let is_whole = rest.ends_with(b"0\r\n\r\n");
    assert!(read.is_err() || !is_whole, "it was cut");
}

/// What fills buffers soon: 16 KB in 4,000 characters.
fn long_words() -> String {
    "\u{1d11e}".repeat(4_000)
}

/// Connections that are open.
async fn count(app: &TestApp) -> usize {
    kith::platform::realtime::Hub::of(&app.ctx)
        .expect("a hub")
        .count()
}

/// Reads what was on its way when the line was cut, and gives the last place.
async fn slow_end(socket: &mut Socket) -> Option<i64> {
    let mut last = None;
    while let Ok(frame) = socket.next().await {
        last = frame["o"].as_i64().or(last);
    }
    last
}

#[tokio::test]
async fn a_silent_client_is_asked_and_then_let_go() {
    let settings = [("KITH_LIVE_BEAT", "1s"), ("KITH_LIVE_PONG", "400ms")];
    let app = TestApp::start_with(&settings).await;
    let ada = app.person("ada").await;
    // The library answers pings of the protocol while it reads: this one does not.
    let mut silent = Socket::of(&ada, &app.url).await;
    let mut answering = Socket::of(&ada, &app.url).await;
    let hub = kith::platform::realtime::Hub::of(&app.ctx).expect("a hub");
    let gone = async {
        while hub.count() > 1 {
            answering.ask("ping", json!({})).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let gone = tokio::time::timeout(PATIENCE, gone).await;
    gone.expect("the silent client is let go");
    let ping = silent.find(|frame| frame["op"] == "ping").await;
    assert_eq!(ping["op"], "ping");
    assert_eq!(silent.closed().await, 4203);
    answering.ask("ping", json!({})).await;
}

#[tokio::test]
async fn a_server_that_ends_tells_when_to_come_back_and_where_one_was() {
    let mut app = TestApp::start().await;
    let other = app.start_beside(&[]).await;
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    let mut socket = Socket::of(&ada, &app.url).await;
    let at = subscribe(&mut socket, &channel).await;
    let stopping = tokio::task::spawn_blocking(move || app.stop());
    let bye = socket.find(|frame| frame["op"] == "bye").await;
    assert_eq!(bye["code"], 4201);
    assert!(
        bye["after_ms"]
            .as_u64()
            .is_some_and(|after| after <= 60_000)
    );
    assert_eq!(socket.closed().await, 4201);
    stopping.await.expect("it stops");
    publish(&other, &channel, 1).await;
    let pos = json!({&channel: {"e": at["e"], "o": at["o"]}});
    let mut back = Socket::resumed(&ada, &other.url, &json!({"pos": pos})).await;
    expect_whole(&published(&mut back).await, &at, 1);
}

#[tokio::test]
async fn too_many_frames_are_refused_and_then_end_the_socket() {
    let app = TestApp::start_with(&[("KITH_LIMITS", "on")]).await;
    let ada = app.person("ada").await;
    let mut socket = Socket::of(&ada, &app.url).await;
    let mut last = 0;
    for _ in 0..36 {
        last = socket.tell(&json!({"op": "ping"})).await;
    }
    let mut refused = 0;
    let code = loop {
        let frame = match socket.next().await {
            Ok(frame) => frame,
            Err(code) => break code,
        };
        if frame["ok"] == false {
            assert_eq!(frame["err"]["code"], "rate_limited");
            assert!(frame["err"]["after_ms"].as_u64() >= Some(1_000));
            refused += 1;
        }
        assert!(frame["re"].as_i64().is_none_or(|re| re <= last));
    };
    assert_eq!(refused, 3, "and the fourth time never comes");
    assert_eq!(code, 4101);
}
