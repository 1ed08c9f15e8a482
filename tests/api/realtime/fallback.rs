//! Without a socket: the same frames and the same resume.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Socket, position};
use super::line::{Stream, command, poll};
use super::{QUICK, expect_whole, post_of, publish, second};
use crate::support::{Session, TestApp, mode};

#[tokio::test]
async fn a_stream_of_events_resumes_by_its_last_id_on_any_instance() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    let mut stream = Stream::open(&ada, &format!("?chs={channel}"), None).await;
    let hello = stream.find(|frame| frame["op"] == "hello").await;
    let at = position(&hello["d"]["subs"][&channel]);
    publish(&app, &channel, 1).await;
    let mut events = vec![stream.event().await];
    let cursor = stream.cursor.clone().expect("an id before it falls silent");
    drop(stream);
    for number in 2..5 {
        publish(&app, &channel, number).await;
    }
    let there = ada.at(&other.url);
    let mut stream = Stream::open(&there, "", Some(&cursor)).await;
    for _ in 2..5 {
        events.push(stream.event().await);
    }
    publish(&other, &channel, 5).await;
    events.push(stream.event().await);
    expect_whole(&events, &at, 5);
}

#[tokio::test]
async fn a_stream_subscribes_by_commands_through_any_instance() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    let mut stream = Stream::open(&ada, "", None).await;
    let hello = stream.find(|frame| frame["op"] == "hello").await;
    let session = &hello["d"]["session"];
    let through = if mode::has_redis() {
        ada.at(&other.url)
    } else {
        ada.clone()
    };
    let frame = json!([{"id": 1, "op": "subscribe", "d": {"chs": [{"ch": channel}]}},
        {"id": 2, "op": "ping"}, {"id": 3, "op": "dance"}]);
    let replies = command(&through, session, &frame).await.json;
    assert_eq!(replies[0]["re"], 1);
    let at = replies[0]["d"]["subs"][&channel].clone();
    assert_eq!(replies[1]["ok"], true);
    assert_eq!(replies[2]["err"]["code"], "unknown_op");
    publish(&app, &channel, 1).await;
    let event = stream.event().await;
    assert_eq!(event["o"], at["o"].as_i64().expect("a place") + 1);
    // Nobody else's connection can be named.
    let bob = app.person("bob").await;
    let request = bob
        .request(Method::POST, "/v1/realtime/commands")
        .header("rt-session", session.as_str().expect("a name"));
    bob.send(request.json(&frame))
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_revoked_session_ends_its_stream() {
    let app = TestApp::start_with(QUICK).await;
    let ada = app.person("ada").await;
    let mut stream = Stream::open(&ada, "", None).await;
    stream.find(|frame| frame["op"] == "hello").await;
    ada.act("/v1/auth/logout").await.expect_status(204);
    let last = stream.find(|frame| frame["t"] == "session.revoked").await;
    assert_eq!(last["d"]["session_id"], ada.session_id);
    let bye = stream.find(|frame| frame["op"] == "bye").await;
    assert_eq!(bye["code"], 4007);
    assert!(stream.next().await.is_none(), "and it ends");
}

#[tokio::test]
async fn a_poll_goes_on_from_its_cursor_and_loses_nothing() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    let first = ada
        .get(&format!("/v1/realtime/poll?wait=5&chs={channel}"))
        .await
        .expect_status(200);
    let hello = &first.json["ctl"][0];
    assert_eq!(hello["op"], "hello");
    let at = position(&hello["d"]["subs"][&channel]);
    let mut cursor = first.json["cursor"].clone();
    let mut events = Vec::new();
    for number in 0..6 {
        publish(&app, &channel, number).await;
        // By turns before, between and after polls, here and there.
        if number % 2 == 1 {
            let url = if number == 3 { &other.url } else { &app.url };
            let reply = poll(&ada.at(url), &cursor, 5).await.expect_status(200);
            let more = reply.json["events"].as_array().expect("events").clone();
            events.extend(more.into_iter().filter(|event| event["t"] == "test.event"));
            cursor = reply.json["cursor"].clone();
        }
    }
    while events.len() < 6 {
        let reply = poll(&ada, &cursor, 5).await.expect_status(200);
        let more = reply.json["events"].as_array().expect("events").clone();
        events.extend(more.into_iter().filter(|event| event["t"] == "test.event"));
        cursor = reply.json["cursor"].clone();
    }
    expect_whole(&events, &at, 6);
    poll(&ada, &cursor, 0).await.expect_status(204);
    // One that waits hears at once.
    let (waiting, with) = (ada.clone(), cursor.clone());
    let waiter = tokio::spawn(async move { poll(&waiting, &with, 5).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    publish(&app, &channel, 6).await;
    let reply = waiter.await.expect("it ends").expect_status(200);
    assert_eq!(reply.json["events"][0]["d"]["number"], 6);
}

#[tokio::test]
async fn a_poll_says_what_cannot_be_made_good_and_goes_on() {
    let app = TestApp::start_with(QUICK).await;
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    let first = ada
        .get(&format!("/v1/realtime/poll?wait=0&chs={channel}"))
        .await
        .expect_status(200);
    sqlx::query("update stream_epoch set epoch = 'another'")
        .execute(&app.db)
        .await
        .expect("another series");
    publish(&app, &channel, 1).await;
    let mut cursor = first.json["cursor"].clone();
    for _ in 0..100 {
        let reply = poll(&ada, &cursor, 0).await;
        if reply.status == 410 {
            let reply = reply.clone().expect_problem(410, "unrecoverable");
            assert_eq!(reply.json["type"], "/docs/errors#unrecoverable");
            assert_eq!(reply.json["instance"], "/v1/realtime/poll");
            assert_eq!(reply.json["errors"], json!([]));
            let named = reply.json["request_id"].as_str().map(str::to_owned);
            assert_eq!(named, reply.header("x-request-id"));
            let at = reply.json["subs"][&channel].clone();
            assert_eq!(at["e"], "another", "what to go on from is said");
            cursor = reply.json["cursor"].clone();
            // One that was taken while the series changed cannot be made good either.
            if poll(&ada, &cursor, 0).await.status != 410 {
                go_on(&app, &ada, &channel, &at, &cursor).await;
                return;
            }
        }
        if reply.status == 200 {
            cursor = reply.json["cursor"].clone();
        }
        let (_post, fresh) = post_of(&ada).await;
        // A channel that is opened anew brings the epoch of today.
        ada.get(&format!("/v1/realtime/poll?wait=0&chs={fresh}"))
            .await;
    }
    panic!("nobody noticed");
}

/// Whoever goes on from `cursor` is given all that comes after `at`. The event that was under way when
/// the cursor was made may be one of it.
async fn go_on(app: &TestApp, person: &Session, channel: &str, at: &Value, cursor: &Value) {
    publish(app, channel, 2).await;
    let mut cursor = cursor.clone();
    let mut events: Vec<Value> = Vec::new();
    while events.last().is_none_or(|last| last["d"]["number"] != 2) {
        let reply = poll(person, &cursor, 5).await.expect_status(200);
        let more = reply.json["events"].as_array().expect("events").clone();
        events.extend(more.into_iter().filter(|event| event["t"] == "test.event"));
        cursor = reply.json["cursor"].clone();
    }
    let count = 2 - at["o"].as_i64().expect("a place");
    expect_whole(&events, at, count);
}

#[tokio::test]
async fn a_newer_poll_takes_over_from_an_older_one() {
    let app = TestApp::start_with(QUICK).await;
    let ada = app.person("ada").await;
    let first = ada.get("/v1/realtime/poll?wait=0").await.expect_status(200);
    let cursor = first.json["cursor"].clone();
    let (waiting, with) = (ada.clone(), cursor.clone());
    let older = tokio::spawn(async move { poll(&waiting, &with, 5).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    poll(&ada, &cursor, 0).await.expect_status(204);
    older
        .await
        .expect("it ends")
        .expect_problem(409, "superseded");
}

#[tokio::test]
async fn of_a_name_without_a_stream_no_more_is_remembered_than_it_could_listen_to() {
    let app = TestApp::start_with(QUICK).await;
    let ada = app.person("ada").await;
    let socket = Socket::of(&ada, &app.url).await;
    let session = socket.hello["session"].clone();
    socket.goodbye().await;
    let leave = async |count: u128, from: u128| {
        let channel = |number| format!("post:{}", uuid::Uuid::from_u128(from + number));
        let channels: Vec<String> = (0..count).map(channel).collect();
        let frame = json!([{"id": 1, "op": "unsubscribe", "d": {"chs": channels}}]);
        command(&ada, &session, &frame).await.json[0].clone()
    };
    let refused = leave(129, 1).await;
    assert_eq!(refused["err"]["code"], "validation_failed", "{refused}");
    for round in 1..=10 {
        assert_eq!(leave(100, round * 1_000).await["ok"], true);
    }
    let Some(url) = app.redis_url() else { return };
    let client = redis::Client::open(url).expect("an address");
    let mut redis = client.get_multiplexed_async_connection().await;
    let redis = redis.as_mut().expect("a connection");
    let name = session.as_str().expect("a name");
    let key = app.ctx.redis().key(format_args!("live:wishes:{name}"));
    let noted: usize = redis::cmd("HLEN")
        .arg(key)
        .query_async(redis)
        .await
        .expect("a length");
    assert!((100..=200).contains(&noted), "{noted}");
}
