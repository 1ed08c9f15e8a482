//! Between two polls there is no connection: what happens then is told all the same, and what the client
//! has said holds.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{PATIENCE, Socket};
use super::line::{Transport, begin, command, poll};
use super::{QUICK, QUIET, beside, group, id_of, pair, second, subscribe};
use crate::support::{Session, TestApp};

/// Polls without waiting and goes on from what comes; gives events and words.
async fn look(person: &Session, cursor: &mut Value) -> Vec<Value> {
    let reply = poll(person, cursor, 0).await;
    if reply.status == 204 {
        return Vec::new();
    }
    let reply = reply.expect_status(200).json;
    *cursor = reply["cursor"].clone();
    let list = |name: &str| reply[name].as_array().expect("a list").clone();
    [list("events"), list("ctl")].concat()
}

/// Waits until a route says so.
async fn until(person: &Session, path: &str, pointer: &str, value: Value) {
    let began = Instant::now();
    while person.get(path).await.json.pointer(pointer) != Some(&value) {
        assert!(began.elapsed() < PATIENCE, "{path} never says {value}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Polls until words come; gives them, and where to go on from.
async fn wait_for_a_word(person: Session, mut cursor: Value) -> (Vec<Value>, Value) {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let reply = poll(&person, &cursor, 5).await;
        if reply.status == 204 {
            continue;
        }
        let reply = reply.expect_status(200).json;
        cursor = reply["cursor"].clone();
        let words = reply["ctl"].as_array().expect("words");
        if !words.is_empty() {
            return (words.clone(), cursor);
        }
    }
    panic!("no word comes");
}

fn of<'a>(frames: &'a [Value], kind: &str) -> Vec<&'a Value> {
    frames.iter().filter(|frame| frame["t"] == kind).collect()
}

#[tokio::test]
async fn whoever_is_removed_from_a_channel_is_told_once() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let eve = app.person("eve").await;
    ada.befriend(&eve).await;
    for waits in [false, true] {
        let channel = group(&ada, &[&bob, &eve]).await;
        let (hello, mut cursor) = begin(Transport::Poll, &bob, "").await;
        let frame = json!([{"op": "subscribe", "d": {"chs": [{"ch": channel}]}}]);
        let there = bob.at(beside(&app, &other));
        command(&there, &hello["session"], &frame).await;
        let waiting = waits.then(|| tokio::spawn(wait_for_a_word(bob.clone(), cursor.clone())));
        tokio::time::sleep(QUIET).await;
        let path = format!("/v1/conversations/{}/members/{}", id_of(&channel), bob.id);
        ada.delete(&path).await.expect_status(200);
        let mut told = Vec::new();
        if let Some(waiting) = waiting {
            let words;
            (words, cursor) = waiting.await.expect("an answer");
            told.extend(words);
        }
        for _ in 0..8 {
            told.extend(look(&bob, &mut cursor).await);
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
        told.retain(|frame| frame["op"] == "unsubscribed");
        assert_eq!(told.len(), 1, "{waits}: {told:?}");
        assert_eq!(
            (&told[0]["ch"], &told[0]["reason"]),
            (&json!(channel), &json!("removed"))
        );
    }
}

#[tokio::test]
async fn counts_that_change_between_two_polls_are_told_once() {
    let app = TestApp::start_with(QUICK).await;
    let ada = app.person("ada").await;
    let bob = app.person("bob").await;
    let (_hello, mut cursor) = begin(Transport::Poll, &ada, "").await;
    assert!(look(&ada, &mut cursor).await.is_empty(), "as it was");
    bob.post("/v1/friend-requests", &json!({"user_id": ada.id}))
        .await
        .expect_status(201);
    until(&ada, "/v1/me/counts", "/friend_requests/pending", json!(1)).await;
    tokio::time::sleep(QUIET).await;
    let mut told = Vec::new();
    for _ in 0..5 {
        told.extend(look(&ada, &mut cursor).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // A notification may come later than the request itself.
    let counts = of(&told, "counts.changed");
    let now = ada.get("/v1/me/counts").await.json;
    let last = counts.last().expect("they are told");
    assert_eq!(last["d"]["counts"], now, "{told:?}");
    assert_eq!(last["ch"], format!("user:{}", ada.id));
    let mut different: Vec<Value> = counts.iter().map(|event| event["d"].clone()).collect();
    different.dedup();
    assert_eq!(different.len(), counts.len(), "told twice: {told:?}");
    assert!(look(&ada, &mut cursor).await.is_empty(), "told already");
}

#[tokio::test]
async fn conversations_that_change_between_two_polls_are_told_once() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&ada, &bob).await;
    let path = format!("/v1/conversations/{}", id_of(&channel));
    // What was told while a poll waited is not told again by the next one.
    let (_hello, mut cursor) = begin(Transport::Poll, &ada, "").await;
    look(&ada, &mut cursor).await;
    for number in 1..4 {
        let body = json!({"content": format!("number {number}")});
        bob.post(&format!("{path}/messages"), &body)
            .await
            .expect_status(201);
        until(&ada, &path, "/unread", json!(number)).await;
        tokio::time::sleep(QUIET).await;
        let told = look(&ada, &mut cursor).await;
        let updated = of(&told, "conversation.updated");
        assert_eq!(updated.len(), 1, "{told:?}");
        let conversation = &updated[0]["d"]["conversation"];
        assert_eq!(conversation["id"], id_of(&channel));
        assert_eq!(conversation["unread"], number);
        assert_eq!(
            conversation["last_message"]["content"],
            format!("number {number}")
        );
        let again = look(&ada, &mut cursor).await;
        assert!(of(&again, "conversation.updated").is_empty(), "{again:?}");
    }
    let (waiting, from) = (ada.clone(), cursor.clone());
    let waiter = tokio::spawn(async move { poll(&waiting, &from, 5).await });
    tokio::time::sleep(QUIET).await;
    let body = json!({"content": "number 4"});
    bob.post(&format!("{path}/messages"), &body)
        .await
        .expect_status(201);
    let reply = waiter.await.expect("an answer").expect_status(200).json;
    let mut told = reply["events"].as_array().expect("events").clone();
    cursor = reply["cursor"].clone();
    until(&ada, &path, "/unread", json!(4)).await;
    tokio::time::sleep(QUIET).await;
    for _ in 0..3 {
        told.extend(look(&ada, &mut cursor).await);
    }
    let updated = of(&told, "conversation.updated");
    assert_eq!(updated.len(), 1, "{told:?}");
    assert_eq!(updated[0]["d"]["conversation"]["unread"], 4);
}

#[tokio::test]
async fn presence_that_changes_between_two_polls_is_told_once() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let query = format!("?chs=presence:{}", bob.id);
    let (_hello, mut cursor) = begin(Transport::Poll, &ada, &query).await;
    assert!(of(&look(&ada, &mut cursor).await, "presence.changed").is_empty());
    let presence = format!("/v1/presence?ids={}", bob.id);
    let his = Socket::of(&bob, &app.url).await;
    until(&ada, &presence, "/data/0/state", json!("online")).await;
    tokio::time::sleep(QUIET).await;
    let told = look(&ada, &mut cursor).await;
    let changed = of(&told, "presence.changed");
    assert_eq!(changed.len(), 1, "{told:?}");
    assert_eq!(
        changed[0]["d"],
        json!({"user_id": bob.id, "state": "online"})
    );
    assert!(of(&look(&ada, &mut cursor).await, "presence.changed").is_empty());
    his.goodbye().await;
    until(&ada, &presence, "/data/0/state", json!("offline")).await;
    let told = look(&ada, &mut cursor).await;
    assert_eq!(of(&told, "presence.changed").len(), 1, "{told:?}");
}

/// Somebody's typing lasts for 1.2 seconds.
const TYPING: &[(&str, &str)] = &[("KITH_LIVE_BEAT", "5s"), ("KITH_LIVE_PONG", "60s")];

#[tokio::test]
async fn typing_of_whoever_polls_lasts_as_long_as_that_of_others() {
    let app = TestApp::start_with(TYPING).await;
    let other = second(&app, TYPING).await;
    let there = beside(&app, &other);
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&ada, &bob).await;
    let mut his = Socket::of(&bob, there).await;
    subscribe(&mut his, &channel).await;
    let query = format!("?chs={channel}");
    let (hello, mut cursor) = begin(Transport::Poll, &ada, &query).await;
    let frame = |op: &str| json!([{"op": op, "d": {"ch": channel}}]);
    let session = &hello["session"];
    for is_polling in [false, true] {
        let began = Instant::now();
        let start = frame("typing.start");
        let reply = command(&ada, session, &start).await.json;
        assert_eq!(reply[0]["d"]["expires_ms"], 1_200, "{reply}");
        let started = his.event("typing.started").await;
        assert_eq!(started["by"], ada.id);
        while is_polling && began.elapsed() < Duration::from_millis(700) {
            let told = look(&ada, &mut cursor).await;
            let is_own = |frame: &Value| frame["by"] == ada.id;
            assert!(!told.iter().any(is_own), "her own: {told:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        his.event("typing.stopped").await;
        let lasted = began.elapsed();
        assert!(lasted >= Duration::from_millis(1_150), "{lasted:?}");
    }
    // Her word ends it at once, on any instance.
    command(&ada, session, &frame("typing.start")).await;
    his.event("typing.started").await;
    command(&ada.at(there), session, &frame("typing.stop")).await;
    his.event("typing.stopped").await;
    let rest = his.rest(Duration::from_millis(1_500)).await;
    assert!(of(&rest, "typing.stopped").is_empty(), "{rest:?}");
    // Where she does not listen she types not.
    let (post, _) = super::post_of(&ada).await;
    let elsewhere = json!([{"op": "typing.start", "d": {"ch": format!("post:{post}")}}]);
    let refused = command(&ada, session, &elsewhere).await.json;
    assert_eq!(refused[0]["err"]["code"], "not_found");
}

#[tokio::test]
async fn whoever_polls_stays_away_until_they_say_otherwise() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let mut watching = Socket::of(&ada, &app.url).await;
    subscribe(&mut watching, &format!("presence:{}", bob.id)).await;
    let there = bob.at(beside(&app, &other));
    let (hello, mut cursor) = begin(Transport::Poll, &bob, "").await;
    let set = |state: &str| json!([{"op": "presence.set", "d": {"state": state}}]);
    let mut told = watching.event("presence.changed").await;
    for state in ["online", "away", "online"] {
        if told["d"]["state"] != state {
            command(&there, &hello["session"], &set(state)).await;
            told = watching.event("presence.changed").await;
        }
        assert_eq!(told["d"]["state"], state);
        // Polls that come and go change nothing, here and there.
        for at in [&bob, &there, &bob, &there] {
            look(at, &mut cursor).await;
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        let rest = watching.rest(Duration::from_millis(100)).await;
        assert!(
            of(&rest, "presence.changed").is_empty(),
            "{state}: {rest:?}"
        );
    }
}

#[tokio::test]
async fn polls_do_not_use_up_what_other_requests_may_do() {
    let figures = "[general]\nquota = 10\n[poll]\nquota = 30\n";
    let app = TestApp::start_limited(figures, &[]).await;
    let ada = app.person("ada").await;
    let begun = ada.get("/v1/realtime/poll?wait=0").await.expect_status(200);
    for _ in 1..30 {
        let reply = poll(&ada, &begun.json["cursor"], 0).await;
        assert!([200, 204].contains(&reply.status), "{}", reply.status);
    }
    ada.get("/v1/me").await.expect_status(200);
    let refused = poll(&ada, &begun.json["cursor"], 0).await;
    refused.expect_problem(429, "rate_limited");
}
