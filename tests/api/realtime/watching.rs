//! Who may know who is there, and when that ends; and that devices are counted right however often they
//! come and go.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{PATIENCE, Socket};
use super::line::{Line, Stream, TRANSPORTS, poll};
use super::presence::{state_of, wait_for};
use super::{QUICK, QUIET, beside, second, subscribe};
use crate::support::{Session, TestApp};

/// Whether something is told of who is there.
fn is_presence(frame: &Value) -> bool {
    frame["t"] == "presence.changed"
}

#[tokio::test]
async fn whoever_is_a_friend_no_more_is_told_nothing_more_over_any_transport() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    for transport in TRANSPORTS {
        let (ada, bob) = app.friends("ada", "bob").await;
        let channel = format!("presence:{}", bob.id);
        let there = beside(&app, &other);
        let (mut line, _at) = Line::open(transport, &ada, there, &channel).await;
        line.rest(QUIET).await;
        let his = Socket::of(&bob, &app.url).await;
        let told = line.event("presence.changed").await;
        assert_eq!(told["d"]["state"], "online", "{transport:?}");
        bob.delete(&format!("/v1/friends/{}", ada.id))
            .await
            .expect_status(200);
        assert_eq!(state_of(&ada, &bob).await, Value::Null, "{transport:?}");
        assert_eq!(state_of(&bob, &ada).await, Value::Null, "{transport:?}");
        // The other instance knows it before something happens.
        tokio::time::sleep(QUIET).await;
        his.goodbye().await;
        let told = line.rest(QUIET).await;
        let told = told.iter().find(|frame| is_presence(frame));
        assert_eq!(told, None, "{transport:?}");
        let mut hers = Socket::of(&ada, &app.url).await;
        let asked = json!({"chs": [{"ch": channel}], "snapshot": 1});
        let refused = hers.ask("subscribe", asked).await["d"]["subs"][&channel].clone();
        assert_eq!(refused["err"]["code"], "not_found", "{transport:?}");
        assert_eq!(refused.get("snapshot"), None, "{transport:?}");
    }
}

#[tokio::test]
async fn whoever_watches_a_friend_who_is_one_no_more_is_told_that_it_ends() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = format!("presence:{}", bob.id);
    let mut socket = Socket::of(&ada, &app.url).await;
    subscribe(&mut socket, &channel).await;
    let mut stream = Stream::open(&ada, &format!("?chs={channel}"), None).await;
    stream.find(|frame| frame["op"] == "hello").await;
    let path = format!("/v1/realtime/poll?wait=0&chs={channel}");
    let first = ada.get(&path).await.expect_status(200);
    ada.delete(&format!("/v1/friends/{}", bob.id))
        .await
        .expect_status(200);
    let is_end = |frame: &Value| frame["op"] == "unsubscribed";
    let polled = poll(&ada, &first.json["cursor"], 0).await;
    let ctl = polled.expect_status(200).json["ctl"].clone();
    let by_poll = ctl
        .as_array()
        .expect("words")
        .iter()
        .find(|word| is_end(word));
    let by_poll = by_poll.cloned().unwrap_or_default();
    for told in [
        socket.find(is_end).await,
        stream.find(is_end).await,
        by_poll,
    ] {
        assert_eq!(
            (&told["ch"], &told["retry"]),
            (&json!(channel), &json!(false))
        );
        assert_eq!(told["reason"], "removed", "{told}");
    }
}

/// When somebody was here last, as another is told by the route and by a snapshot.
async fn last_active(viewer: &Session, other: &Session, app: &TestApp) -> [Value; 2] {
    let path = format!("/v1/presence?ids={}", other.id);
    let routed = viewer.get(&path).await.expect_status(200).json["data"][0].clone();
    let channel = format!("presence:{}", other.id);
    let mut socket = Socket::of(viewer, &app.url).await;
    let asked = json!({"chs": [{"ch": channel}], "snapshot": 1});
    let told = socket.ask("subscribe", asked).await["d"]["subs"][&channel].clone();
    let told = told["snapshot"]["presence"][0].clone();
    socket.goodbye().await;
    [routed, told].map(|seen| {
        assert!(seen["state"].is_string(), "who is there is shown: {seen}");
        seen["last_active_at"].clone()
    })
}

#[tokio::test]
async fn when_somebody_was_here_last_is_known_to_those_alone_who_show_it_too() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let carol = app.person("carol").await;
    ada.befriend(&carol).await;
    bob.befriend(&carol).await;
    for [at, told] in [
        last_active(&ada, &bob, &app).await,
        last_active(&bob, &ada, &app).await,
    ] {
        assert!(at.is_string() && told.is_string(), "{at} {told}");
    }
    let hide = json!({"show_last_active": false});
    bob.patch("/v1/me/settings", &hide).await.expect_status(200);
    let nothing = [Value::Null, Value::Null];
    // Whoever hides it is not seen, and sees nobody's.
    for (viewer, other) in [(&ada, &bob), (&carol, &bob), (&bob, &ada), (&bob, &carol)] {
        assert_eq!(last_active(viewer, other, &app).await, nothing);
    }
    let [at, _] = last_active(&ada, &carol, &app).await;
    assert!(at.is_string(), "between others all is as it was");
    let show = json!({"show_last_active": true});
    bob.patch("/v1/me/settings", &show).await.expect_status(200);
    let [at, told] = last_active(&ada, &bob, &app).await;
    assert!(at.is_string() && told.is_string(), "{at} {told}");
}

/// How many devices of somebody Redis counts as there.
async fn devices(app: &TestApp, url: &str, person: &Session) -> usize {
    let client = redis::Client::open(url).expect("an address");
    let mut redis = client.get_multiplexed_async_connection().await;
    let redis = redis.as_mut().expect("a connection");
    let key = app
        .ctx
        .redis()
        .key(format_args!("live:leases:{}", person.id));
    let (seconds, micros): (i64, i64) = redis::cmd("TIME").query_async(redis).await.expect("time");
    let now = seconds * 1_000 + micros / 1_000;
    let mut count = redis::cmd("ZCOUNT");
    count.arg(key).arg(now).arg("+inf");
    count.query_async(redis).await.expect("a number")
}

/// Comes and goes fifty times, by turns with a goodbye and without, and stays with so many sockets.
async fn flap(person: &Session, url: &str, stays: usize) -> Vec<Socket> {
    for turn in 0..50 {
        let socket = Socket::of(person, url).await;
        if turn % 5 == 4 {
            socket.cut();
        } else {
            socket.goodbye().await;
        }
    }
    let mut left = Vec::new();
    for _ in 0..stays {
        left.push(Socket::of(person, url).await);
    }
    left
}

#[tokio::test]
async fn however_quickly_many_come_and_go_those_count_as_there_who_are() {
    let app = TestApp::start_with(QUICK).await;
    let ada = app.person("ada").await;
    let mut people = Vec::new();
    for number in 0..6 {
        let person = app.person(&format!("p{number}_")).await;
        ada.befriend(&person).await;
        people.push(person);
    }
    let flapping = people.iter().enumerate();
    let flapping = flapping.map(|(number, person)| flap(person, &app.url, number % 3));
    let sockets = futures_util::future::join_all(flapping).await;
    for (person, open) in people.iter().zip(&sockets) {
        let state = if open.is_empty() { "offline" } else { "online" };
        wait_for(&ada, person, state).await;
        let Some(url) = app.redis_url() else { continue };
        let counting = async {
            while devices(&app, &url, person).await != open.len() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let counted = tokio::time::timeout(PATIENCE, counting).await;
        assert!(counted.is_ok(), "never {} devices", open.len());
    }
}
