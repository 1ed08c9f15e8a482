//! The codes with which connections end, as clients see them.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::client::{Socket, upgrade};
use super::line::{Stream, poll};
use super::{QUICK, QUIET, expect_whole, offsets, pair, post_of, publish, subscribe};
use crate::support::{Session, TestApp};

/// A frame of the protocol below: a piece of a message.
fn piece(words: &str, code: Data, is_last: bool) -> Frame {
    Frame::message(words.to_owned(), OpCode::Data(code), is_last)
}

#[tokio::test]
async fn what_is_against_the_protocol_of_websockets_ends_the_socket() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let behind_nothing = vec![piece("x", Data::Continue, true)];
    let twice = vec![piece("x", Data::Text, false), piece("x", Data::Text, false)];
    let mut unknown = piece("{}", Data::Text, true);
    unknown.header_mut().rsv1 = true;
    for frames in [behind_nothing, twice, vec![unknown]] {
        let mut socket = Socket::of(&ada, &app.url).await;
        for frame in frames {
            socket.send(Message::Frame(frame)).await;
        }
        assert_eq!(socket.closed().await, 1002);
    }
}

#[tokio::test]
async fn frames_that_cannot_be_read_are_refused_and_too_many_of_them_end_the_socket() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let mut socket = Socket::of(&ada, &app.url).await;
    for unread in ["{", "7", r#"{"id":1}"#, r#"{"op":"ping","x":1}"#, "[[]]"].repeat(2) {
        socket.send(Message::text(unread)).await;
        let refused = socket.find(|frame| frame["ok"] == false).await;
        assert_eq!(refused["err"]["retry"], false, "{refused}");
    }
    socket.ask("ping", json!({})).await;
    socket.send(Message::text("{")).await;
    assert_eq!(socket.closed().await, 4005);
}

#[tokio::test]
async fn a_fault_of_ours_ends_the_socket_and_has_the_client_come_back_later() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let change = async |statement: &'static str| {
        let changed = sqlx::query(statement).execute(&app.db).await;
        changed.expect("changed");
    };
    change("alter table stream rename to stream_away").await;
    let mut socket = Socket::open(upgrade(&app.url, "")).await.expect("open");
    let hello = json!({"token": ada.access_token});
    let refused = socket.try_ask("hello", hello).await;
    assert_eq!(refused["err"]["code"], "unavailable", "{refused}");
    assert_eq!(refused["err"]["action"], "back_off", "{refused}");
    assert_eq!(socket.closed().await, 4102);
    change("alter table stream_away rename to stream").await;
    Socket::of(&ada, &app.url).await;
}

/// An access token of this session that runs out so many seconds from now.
fn token_of(app: &TestApp, person: &Session, seconds: i64) -> String {
    let user_id = person.id.parse().expect("an id");
    let session_id = person.session_id.parse().expect("an id");
    let token =
        kith::platform::sessions::mint(&app.ctx, user_id, session_id, app.ctx.now(), seconds);
    token.expect("signed")
}

#[tokio::test]
async fn a_token_is_refreshed_on_the_open_socket() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let mut old = Socket::open(upgrade(&app.url, "")).await.expect("open");
    let refused = old.try_ask("hello", json!({"token": token_of(&app, &ada, -5)}));
    let refused = refused.await;
    assert_eq!(refused["err"]["code"], "token_expired");
    assert_eq!(refused["err"]["action"], "refresh");
    assert_eq!(old.closed().await, 4205);
    let mut socket = Socket::open(upgrade(&app.url, "")).await.expect("open");
    let hello = json!({"token": token_of(&app, &ada, 40)});
    socket.ask("hello", hello).await;
    let warned = socket.find(|frame| frame["op"] == "token_expiring").await;
    let left = warned["in_s"].as_i64().expect("seconds");
    assert!((20..=40).contains(&left), "{warned}");
    for (token, code) in [
        (token_of(&app, &ada, -5), "token_expired"),
        (token_of(&app, &bob, 900), "forbidden"),
        ("x".to_owned(), "invalid_token"),
    ] {
        let refused = socket.try_ask("refresh", json!({"token": token})).await;
        assert_eq!(refused["err"]["code"], code, "{refused}");
    }
    let refreshed = socket.ask("refresh", json!({"token": token_of(&app, &ada, 50)}));
    let left = refreshed.await["d"]["expires_in"].as_i64();
    assert!(left.is_some_and(|left| (30..=50).contains(&left)));
    // The end of the new one is told of too.
    socket.find(|frame| frame["op"] == "token_expiring").await;
    let refreshed = socket.ask("refresh", json!({"token": ada.access_token}));
    refreshed.await;
    socket.rest(QUIET).await;
    socket.ask("ping", json!({})).await;
}

#[tokio::test]
async fn whoever_reads_too_slowly_loses_nothing_durable_without_being_told() {
    let app = TestApp::start().await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let (post, channel) = post_of(&ada).await;
    let talk = pair(&ada, &bob).await;
    let mut slow = Socket::of(&bob, &app.url).await;
    let at = subscribe(&mut slow, &channel).await;
    subscribe(&mut slow, &talk).await;
    let mut hers = Socket::of(&ada, &app.url).await;
    subscribe(&mut hers, &talk).await;
    let words = "\u{1d11e}".repeat(4_000);
    for _ in 0..200 {
        ada.comment_on(&post, &words).await;
        hers.ask("typing.start", json!({"ch": talk})).await;
        hers.ask("typing.stop", json!({"ch": talk})).await;
        if figure(&app, r#"kith_live_closes_total{reason="too_slow"}"#).await > 0.0 {
            break;
        }
    }
    let mut events = Vec::new();
    let code = loop {
        match slow.next().await {
            Ok(frame) => events.push(frame),
            Err(code) => break code,
        }
    };
    assert_eq!(code, 4104);
    let bye = events.last().expect("a word");
    assert_eq!((&bye["op"], &bye["code"]), (&json!("bye"), &json!(4104)));
    // What it has is the beginning of what there was.
    events.retain(|event| event["ch"] == channel && event.get("o").is_some());
    let first = at["o"].as_i64().expect("a place") + 1;
    let wanted: Vec<i64> = (first..).take(events.len()).collect();
    assert!(!wanted.is_empty());
    assert_eq!(offsets(&events), wanted);
    // Of the rest it is counted what was dropped.
    let dropped = r#"kith_live_dropped_total{class="ephemeral"}"#;
    assert!(figure(&app, dropped).await >= 1.0);
}

/// A figure of the metrics.
pub async fn figure(app: &TestApp, series: &str) -> f64 {
    let url = format!("http://{}/metrics", app.ops_addr);
    let text = reqwest::get(url).await.expect("an answer").text().await;
    let text = text.expect("a body");
    let line = text.lines().find_map(|line| line.strip_prefix(series));
    line.map_or(0.0, |value| value.trim().parse().expect("a number"))
}

/// Tells of an event before which one is missing that nobody has any more.
async fn lose_one(app: &TestApp, post: &str) {
    let skip = "update stream set top = top + 1 where topic = 'post' and id = $1::uuid";
    let skipped = sqlx::query(skip).bind(post).execute(&app.db).await;
    assert_eq!(skipped.expect("skipped").rows_affected(), 1);
    publish(app, &format!("post:{post}"), 2).await;
}

/// A post in whose channel something has happened.
async fn post_with_one(app: &TestApp, author: &Session) -> (String, String) {
    let (post, channel) = post_of(author).await;
    publish(app, &channel, 1).await;
    (post, channel)
}

#[tokio::test]
async fn a_socket_whose_position_is_lost_is_told_to_resume() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let (post, channel) = post_with_one(&app, &ada).await;
    let mut socket = Socket::of(&ada, &app.url).await;
    let at = subscribe(&mut socket, &channel).await;
    lose_one(&app, &post).await;
    let bye = socket.find(|frame| frame["op"] == "bye").await;
    assert_eq!(bye["code"], 4202);
    assert_eq!(socket.closed().await, 4202);
    let pos = json!({&channel: {"e": at["e"], "o": at["o"]}});
    let mut back = Socket::resumed(&ada, &app.url, &json!({"pos": pos})).await;
    let sub = back.hello["subs"][&channel].clone();
    let said = (&sub["recovered"], &sub["reason"]);
    assert_eq!(said, (&json!(false), &json!("expired")), "{sub}");
    publish(&app, &channel, 3).await;
    expect_whole(&super::published(&mut back).await, &sub, 1);
}

#[tokio::test]
async fn a_stream_whose_position_is_lost_is_told_what_to_fetch_and_goes_on() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let (post, channel) = post_with_one(&app, &ada).await;
    let query = format!("?chs={channel}");
    let mut stream = Stream::open(&ada, &query, None).await;
    stream.find(|frame| frame["op"] == "hello").await;
    lose_one(&app, &post).await;
    let bye = stream.find(|frame| frame["op"] == "bye").await;
    assert_eq!(bye["code"], 4202);
    let cursor = stream.cursor.clone();
    assert!(stream.next().await.is_none(), "and it ends");
    // Its client comes back by itself, with the last id.
    let mut stream = Stream::open(&ada, &query, cursor.as_deref()).await;
    let (kind, hello) = stream.next().await.expect("a word");
    assert_eq!((kind.as_str(), &hello["op"]), ("ctl", &json!("hello")));
    let (kind, resync) = stream.next().await.expect("a word");
    assert_eq!((kind.as_str(), &resync["op"]), ("ctl", &json!("resync")));
    let named: Vec<&String> = resync["d"].as_object().expect("channels").keys().collect();
    assert_eq!(named, [&channel], "{resync}");
    let at = resync["d"][&channel].clone();
    assert_eq!(at["reason"], "expired", "{at}");
    // The same stream goes on, and its next id counts again.
    publish(&app, &channel, 3).await;
    expect_whole(&[stream.event().await], &at, 1);
    let cursor = stream.cursor.clone();
    drop(stream);
    publish(&app, &channel, 4).await;
    let mut stream = Stream::open(&ada, &query, cursor.as_deref()).await;
    let hello = stream.find(|frame| frame["op"] == "hello").await;
    assert_eq!(hello["d"]["resumed"], "full", "{hello}");
    assert_eq!(stream.event().await["d"]["number"], 4);
}

#[tokio::test]
async fn a_poll_whose_position_is_lost_is_told_what_to_fetch_and_goes_on() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let (post, channel) = post_with_one(&app, &ada).await;
    let path = format!("/v1/realtime/poll?wait=0&chs={channel}");
    let first = ada.get(&path).await.expect_status(200);
    let (waiting, from) = (ada.clone(), first.json["cursor"].clone());
    let waiter = tokio::spawn(async move { poll(&waiting, &from, 10).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    lose_one(&app, &post).await;
    let mut reply = waiter.await.expect("it ends");
    let mut cursor = first.json["cursor"].clone();
    for _ in 0..10 {
        if reply.status == 200 {
            cursor = reply.json["cursor"].clone();
        }
        if reply.status != 410 {
            reply = poll(&ada, &cursor, 1).await;
        }
    }
    let gone = reply.expect_problem(410, "unrecoverable");
    let subs: &Value = &gone.json["subs"];
    assert_eq!(subs[&channel]["reason"], "expired", "{subs}");
    assert_eq!(subs.as_object().map(serde_json::Map::len), Some(1));
    publish(&app, &channel, 3).await;
    let reply = poll(&ada, &gone.json["cursor"], 5).await.expect_status(200);
    let mut events = reply.json["events"].as_array().expect("events").clone();
    events.retain(|event| event["t"] == "test.event");
    expect_whole(&events, &subs[&channel], 1);
}

#[tokio::test]
async fn of_somebody_who_is_not_known_little_is_kept_and_few_are_let_in() {
    // Two seconds for a hello.
    let app = TestApp::start_with(&[("KITH_LIVE_BEAT", "10s")]).await;
    let open = async || Socket::open_or_wait(upgrade(&app.url, "")).await;
    // What comes in pieces, or does not end, is no longer than what comes as one.
    let mut sockets = Vec::new();
    let part = "x".repeat(3_000);
    let pieces = vec![
        piece(&part, Data::Text, false),
        piece(&part, Data::Continue, false),
    ];
    for frames in [pieces, vec![piece(&"x".repeat(6_000), Data::Text, true)]] {
        let mut socket = open().await.expect("open");
        for frame in frames {
            socket.send(Message::Frame(frame)).await;
        }
        assert_eq!(socket.closed().await, 1009);
    }
    let refused = loop {
        match open().await {
            Ok(socket) => sockets.push(socket),
            Err(refused) => break refused,
        }
        assert!(sockets.len() <= 20, "more than twenty");
    };
    assert!(sockets.len() >= 15, "{}", sockets.len());
    assert_eq!(refused.0, 503);
    assert!(refused.1 > 0, "it is said when to come back");
    let codes = sockets.iter_mut().map(Socket::closed);
    for code in futures_util::future::join_all(codes).await {
        assert_eq!(code, 4002);
    }
    let again = async {
        while open().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let again = tokio::time::timeout(super::client::PATIENCE, again).await;
    again.expect("there is room again");
}
