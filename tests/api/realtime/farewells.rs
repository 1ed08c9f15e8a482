//! Clients that go without a word, and a server that ends.

use std::time::{Duration, Instant};

use kith::platform::realtime::{Channel, Hub, Signal, tell};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::client::{PATIENCE, Socket};
use super::line::{Stream, Transport, begin, resume};
use super::spared::word;
use super::{QUICK, QUIET, beside, expect_whole, post_of, publish, second, subscribe};
use crate::support::TestApp;

#[tokio::test]
async fn of_a_stream_whose_client_is_gone_nothing_is_left() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let mut watching = Socket::of(&ada, &app.url).await;
    subscribe(&mut watching, &format!("presence:{}", bob.id)).await;
    let mut stream = Stream::open(&bob, "", None).await;
    stream.find(|frame| frame["op"] == "hello").await;
    let told = watching.event("presence.changed").await;
    assert_eq!(told["d"]["state"], "online");
    drop(stream);
    let began = Instant::now();
    let told = watching.event("presence.changed").await;
    assert_eq!(told["d"]["state"], "offline");
    let hub = Hub::of(&app.ctx).expect("a hub");
    assert_eq!(hub.count(), 1, "she alone");
    // A grace of 0.6 s, and a look.
    assert!(began.elapsed() < Duration::from_secs(5), "{began:?}");
}

#[tokio::test]
async fn a_message_that_is_never_whole_is_not_waited_for() {
    let app = TestApp::start_with(QUICK).await;
    let ada = app.person("ada").await;
    let mut socket = Socket::of(&ada, &app.url).await;
    let piece = Frame::message("{\"op\":", OpCode::Data(Data::Text), false);
    socket.send(Message::Frame(piece)).await;
    let began = Instant::now();
    // It answers pings meanwhile, as the library does while it reads.
    assert_eq!(socket.closed().await, 1009);
    let took = began.elapsed();
    let soon = Duration::from_millis(900)..Duration::from_secs(4);
    assert!(soon.contains(&took), "{took:?}");
}

#[tokio::test]
async fn a_server_that_ends_tells_streams_and_polls_when_to_come_back() {
    let mut app = TestApp::start().await;
    let other = app.start_beside(&[]).await;
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    let query = format!("?chs={channel}");
    let mut stream = Stream::open(&ada, &query, None).await;
    let hello = stream.find(|frame| frame["op"] == "hello").await;
    let at = hello["d"]["subs"][&channel].clone();
    let (_hello, cursor) = begin(Transport::Poll, &ada, &query).await;
    let waiting = {
        let (ada, cursor) = (ada.clone(), cursor.clone());
        tokio::spawn(async move { word(&ada, &cursor, "bye").await })
    };
    // Both are told first how many look at the post.
    tokio::time::sleep(QUIET * 5).await;
    let stopping = tokio::task::spawn_blocking(move || app.stop());
    let expect = |bye: &Value| {
        assert_eq!(bye["code"], 4201, "{bye}");
        let after = bye["after_ms"].as_u64();
        assert!(after.is_some_and(|after| after <= 60_000), "{bye}");
    };
    expect(&stream.find(|frame| frame["op"] == "bye").await);
    assert!(stream.next().await.is_none(), "and it ends");
    let last = stream.cursor.clone();
    let (bye, cursor) = waiting.await.expect("an answer");
    expect(&bye);
    stopping.await.expect("it stops");
    publish(&other, &channel, 1).await;
    let there = ada.at(&other.url);
    let mut stream = Stream::open(&there, "", last.as_deref()).await;
    expect_whole(&[stream.event().await], &at, 1);
    let event = resume(Transport::Poll, &there, &cursor, "test.event").await;
    expect_whole(&[event], &at, 1);
}

#[tokio::test]
async fn a_channel_that_is_left_and_joined_again_around_its_end_is_heard_each_time() {
    const ROUNDS: i64 = 20;
    const CHANNELS: usize = 10;
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let from = if beside(&app, &other) == app.url {
        &app
    } else {
        &other
    };
    let ada = app.person("ada").await;
    let mut socket = Socket::of(&ada, &app.url).await;
    let mut channels = Vec::new();
    for _ in 0..CHANNELS {
        channels.push(post_of(&ada).await.1);
    }
    let asked: Vec<Value> = channels.iter().map(|ch| json!({"ch": ch})).collect();
    for round in 0..ROUNDS {
        socket.ask("subscribe", json!({"chs": asked})).await;
        for channel in &channels {
            // It is in no stream: whoever does not hear it is never told.
            let channel: Channel = channel.parse().expect("a channel");
            let d = json!({"round": round});
            tell(&from.ctx, Signal::state(channel, "test.event", d));
        }
        for channel in &channels {
            let hears = socket.find(|frame| {
                frame["t"] == "test.event"
                    && frame["ch"] == *channel
                    && frame["d"]["round"] == round
            });
            let heard = tokio::time::timeout(PATIENCE, hears).await;
            assert!(heard.is_ok(), "{channel} is deaf in round {round}");
        }
        socket.ask("unsubscribe", json!({"chs": channels})).await;
        // A room is kept for 400 ms: they come back before that, about then, and after it.
        let wait = 300 + (round.unsigned_abs() * 37) % 200;
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
}
