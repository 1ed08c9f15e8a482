//! Coming back: nothing is lost, nothing comes twice, and what cannot be made good is said.

use std::pin::pin;

use kith::platform::realtime::Channel;
use kith::platform::write::job_transaction;
use serde_json::{Value, json};

use super::client::{PATIENCE, Socket, position, upgrade, with};
use super::{
    QUIET, beside, expect_whole, id_of, numbered, pair, post_of, publish, published, subscribe,
};
use crate::support::{Session, TestApp, mode};

/// Comes back with a position in one channel.
async fn back(person: &Session, url: &str, session: &Value, channel: &str, at: &Value) -> Socket {
    let pos = json!({channel: position(at)});
    Socket::resumed(person, url, &json!({"session": session, "pos": pos})).await
}

#[tokio::test]
async fn what_was_missed_is_replayed_once_and_in_order() {
    let app = TestApp::start().await;
    let other = app.start_beside(&[]).await;
    let ada = app.person("ada").await;
    let mut socket = Socket::of(&ada, &app.url).await;
    let mut places = Vec::new();
    for _ in 0..3 {
        let (_post, channel) = post_of(&ada).await;
        let at = subscribe(&mut socket, &channel).await;
        places.push((channel, at));
    }
    let session = socket.hello["session"].clone();
    socket.cut();
    for number in 0..40 {
        for (channel, _) in &places {
            publish(&app, channel, number).await;
        }
    }
    let pos: serde_json::Map<String, Value> = places
        .iter()
        .map(|(channel, at)| (channel.clone(), position(at)))
        .collect();
    // Any instance will do.
    let resume = json!({"session": session, "pos": pos});
    let mut socket = Socket::resumed(&ada, &other.url, &resume).await;
    assert_eq!(socket.hello["resumed"], "full", "{}", socket.hello);
    assert_eq!(socket.hello["session"], session);
    for (channel, _) in &places {
        publish(&app, channel, 40).await;
    }
    let events = published(&mut socket).await;
    for (channel, at) in &places {
        let own: Vec<Value> = events
            .iter()
            .filter(|event| event["ch"] == *channel)
            .cloned()
            .collect();
        let count = if mode::has_redis() { 41 } else { 40 };
        expect_whole(
            &own[..count.min(own.len())],
            at,
            i64::try_from(count).expect("few"),
        );
    }
}

#[tokio::test]
async fn whoever_has_received_nothing_yet_resumes_too() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    let mut socket = Socket::of(&ada, &app.url).await;
    let at = subscribe(&mut socket, &channel).await;
    assert!(at["e"].is_string() && at["o"].is_i64(), "{at}");
    let session = socket.hello["session"].clone();
    socket.cut();
    publish(&app, &channel, 1).await;
    let mut socket = back(&ada, &app.url, &session, &channel, &at).await;
    expect_whole(&published(&mut socket).await, &at, 1);
}

#[tokio::test]
async fn what_a_writer_has_at_hand_is_told_as_it_is() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    let mut socket = Socket::of(&ada, &app.url).await;
    subscribe(&mut socket, &channel).await;
    let channel: Channel = channel.parse().expect("a channel");
    let written = job_transaction(&app.ctx, |tx| {
        let news = numbered(&channel, 1);
        Box::pin(async move {
            tx.publish_ready(news, json!({"number": 2}));
            Ok(())
        })
    });
    written.await.expect("it is written");
    assert_eq!(socket.event("test.event").await["d"], json!({"number": 2}));
}

/// What the events of a kind say.
fn said(kind: &str, mut events: Vec<Value>) -> Vec<Value> {
    events.retain(|event| event["t"] == kind);
    events.iter().map(|event| event["d"].clone()).collect()
}

/// A message is told at once as its writer rendered it, and later from today's rows.
#[tokio::test]
async fn a_message_is_told_again_as_it_was_told_at_once() {
    let app = TestApp::start().await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&ada, &bob).await;
    let mut socket = Socket::of(&bob, &app.url).await;
    let at = subscribe(&mut socket, &channel).await;
    let session = socket.hello["session"].clone();
    let path = format!("/v1/conversations/{}/messages", id_of(&channel));
    let first = json!({"content": "see #this, @bob"});
    let first = ada.post_with_key(&path, "key-1", &first).await.id();
    let answer = json!({"content": "and this", "reply_to": first});
    ada.post(&path, &answer).await.expect_status(201);
    let told = said("message.created", socket.rest(QUIET).await);
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["message"]["viewer"], Value::Null);
    assert_eq!(told[0]["message"]["op_id"], Value::Null);
    assert_eq!(told[1]["message"]["reply_to"]["id"], first);
    socket.cut();
    let mut socket = back(&bob, &app.url, &session, &channel, &at).await;
    let mut again = said("message.created", socket.rest(QUIET).await);
    // How far the conversation goes is told as of now.
    again[0]["top_seq"] = told[0]["top_seq"].clone();
    assert_eq!(again, told);
}

/// A comment likewise; and its author is answered what it is read as.
#[tokio::test]
async fn a_comment_is_told_again_as_it_was_told_at_once() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let (post, channel) = post_of(&ada).await;
    let mut socket = Socket::of(&ada, &app.url).await;
    let at = subscribe(&mut socket, &channel).await;
    let session = socket.hello["session"].clone();
    let path = format!("/v1/posts/{post}/comments");
    let first = json!({"content": "see #this, @ada"});
    let first = ada.post_with_key(&path, "key-1", &first).await;
    let reading = format!("/v1/comments/{}", first.id());
    assert_eq!(first.json, ada.get(&reading).await.json);
    let reply = json!({"content": "and this", "parent_id": first.id()});
    ada.post(&path, &reply).await.expect_status(201);
    let told = said("comment.created", socket.rest(QUIET).await);
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["comment"]["viewer"], Value::Null);
    assert_eq!(told[0]["comment"]["op_id"], Value::Null);
    assert_eq!(told[1]["comment"]["parent_id"], first.id());
    socket.cut();
    let mut socket = back(&ada, &app.url, &session, &channel, &at).await;
    let mut again = said("comment.created", socket.rest(QUIET).await);
    // How many have answered is told as of now.
    again[0]["comment"]["counts"]["replies"] = json!(0);
    assert_eq!(again, told);
}

#[tokio::test]
async fn what_is_not_kept_is_said_and_nothing_of_it_is_sent() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let (post, channel) = post_of(&ada).await;
    let mut socket = Socket::of(&ada, &app.url).await;
    let at = subscribe(&mut socket, &channel).await;
    socket.cut();
    for number in 0..5 {
        publish(&app, &channel, number).await;
    }
    // The hot stream is lost, and so is one row in the middle.
    if let Some(url) = app.redis_url() {
        let client = redis::Client::open(url).expect("a client");
        let mut conn = client
            .get_multiplexed_async_connection()
            .await
            .expect("Redis");
        let epoch = at["e"].as_str().expect("an epoch");
        let key = app
            .ctx
            .redis()
            .key(format!("live:recent:{epoch}:{channel}"));
        let deleted: i64 = redis::cmd("DEL")
            .arg(key)
            .query_async(&mut conn)
            .await
            .expect("done");
        assert_eq!(deleted, 1, "there was a hot stream");
    }
    let middle = at["o"].as_i64().expect("a place") + 3;
    sqlx::query("delete from stream_event where id = $1::uuid and number = $2")
        .bind(&post)
        .bind(middle)
        .execute(&app.db)
        .await
        .expect("gone");
    let mut socket = back(&ada, &app.url, &Value::Null, &channel, &at).await;
    let sub = socket.hello["subs"][&channel].clone();
    assert_eq!(
        (&sub["recovered"], &sub["reason"]),
        (&json!(false), &json!("expired"))
    );
    assert_eq!(socket.hello["resumed"], "partial");
    assert!(published(&mut socket).await.is_empty(), "no part of it");
    publish(&app, &channel, 5).await;
    expect_whole(&published(&mut socket).await, &sub, 1);
}

#[tokio::test]
async fn without_the_hot_stream_postgres_replays() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    let mut socket = Socket::of(&ada, &app.url).await;
    let at = subscribe(&mut socket, &channel).await;
    socket.cut();
    for number in 0..5 {
        publish(&app, &channel, number).await;
    }
    if let Some(url) = app.redis_url() {
        let client = redis::Client::open(url).expect("a client");
        let mut conn = client
            .get_multiplexed_async_connection()
            .await
            .expect("Redis");
        let epoch = at["e"].as_str().expect("an epoch");
        let key = app
            .ctx
            .redis()
            .key(format!("live:recent:{epoch}:{channel}"));
        let _gone: i64 = redis::cmd("DEL")
            .arg(key)
            .query_async(&mut conn)
            .await
            .expect("done");
    }
    let mut socket = back(&ada, &app.url, &Value::Null, &channel, &at).await;
    expect_whole(&published(&mut socket).await, &at, 5);
}

#[tokio::test]
async fn a_position_of_another_epoch_or_of_the_future_is_not_trusted() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    publish(&app, &channel, 1).await;
    let mut socket = Socket::of(&ada, &app.url).await;
    let at = subscribe(&mut socket, &channel).await;
    socket.cut();
    for (place, reason) in [
        (json!({"e": "another", "o": at["o"]}), "epoch"),
        (json!({"e": at["e"], "o": 1_000_000}), "position"),
        (json!({"e": at["e"], "o": -1}), "position"),
    ] {
        let socket = back(&ada, &app.url, &Value::Null, &channel, &place).await;
        let sub = &socket.hello["subs"][&channel];
        assert_eq!(
            (&sub["recovered"], &sub["reason"]),
            (&json!(false), &json!(reason))
        );
        assert_eq!(sub["e"], at["e"], "what to go on from is said");
        socket.cut();
    }
}

#[tokio::test]
async fn a_resumed_session_ends_its_older_socket_on_every_instance() {
    let app = TestApp::start().await;
    let other = app.start_beside(&[]).await;
    let ada = app.person("ada").await;
    let mut older = Socket::of(&ada, &app.url).await;
    let resume = json!({"session": older.hello["session"]});
    let mut newer = Socket::resumed(&ada, &app.url, &resume).await;
    assert_eq!(older.closed().await, 4009);
    if mode::has_redis() {
        let newest = Socket::resumed(&ada, &other.url, &resume).await;
        assert_eq!(newer.closed().await, 4009);
        assert_eq!(newest.hello["session"], resume["session"]);
    }
    // A name that was made for somebody else is no name.
    let bob = app.person("bob").await;
    let his = Socket::resumed(&bob, &app.url, &resume).await;
    assert_ne!(his.hello["session"], resume["session"]);
}

#[tokio::test]
async fn what_was_cleared_meanwhile_does_not_come_back() {
    let app = TestApp::start().await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&ada, &bob).await;
    let path = format!("/v1/conversations/{}", id_of(&channel));
    let say = async |content: &str| {
        let said = json!({"content": content});
        let sent = bob.post(&format!("{path}/messages"), &said).await;
        sent.expect_status(201).json["seq"].clone()
    };
    say("before").await;
    let mut socket = Socket::of(&ada, &app.url).await;
    let at = subscribe(&mut socket, &channel).await;
    let session = socket.hello["session"].clone();
    socket.cut();
    say("one").await;
    let two = say("two").await;
    ada.patch(&format!("{path}/me"), &json!({"cleared_up_to": two}))
        .await
        .expect_status(200);
    let three = say("three").await;
    let mut again = back(&ada, &app.url, &session, &channel, &at).await;
    let told = again.event("message.created").await;
    assert_eq!(told["d"]["message"]["seq"], three, "{told}");
    // The position moves over what is left out.
    let replayed = again.find(|frame| frame["op"] == "replayed").await;
    assert_eq!(replayed["d"][&channel], told["o"], "{replayed}");
}

#[tokio::test]
async fn of_two_that_resume_a_session_at_once_one_stays() {
    let app = TestApp::start().await;
    let other = app.start_beside(&[]).await;
    let ada = app.person("ada").await;
    let first = Socket::of(&ada, &app.url).await;
    let resume = json!({"session": first.hello["session"]});
    first.cut();
    for url in [&app.url, beside(&app, &other)] {
        for _ in 0..10 {
            let one = pin!(resumed_until_it_ends(&ada, &app.url, &resume));
            let two = pin!(resumed_until_it_ends(&ada, url, &resume));
            let either = futures_util::future::select(one, two);
            let first = tokio::time::timeout(PATIENCE, either).await;
            let (code, other) = first.expect("one of them ends").factor_first();
            assert_eq!(code, 4009);
            let last = tokio::time::timeout(QUIET, other).await;
            assert!(last.is_err(), "the other ends too: {last:?}");
        }
    }
}

/// Resumes, and says with which code that ends.
async fn resumed_until_it_ends(person: &Session, url: &str, resume: &Value) -> u16 {
    let bearer = format!("Bearer {}", person.access_token);
    let request = with(upgrade(url, ""), "authorization", &bearer);
    let mut socket = Socket::open(request).await.expect("a socket");
    socket
        .tell(&json!({"op": "hello", "d": {"resume": resume}}))
        .await;
    loop {
        if let Err(code) = socket.next().await {
            return code;
        }
    }
}
