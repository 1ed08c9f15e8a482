//! What ends for somebody ends at once, over any transport and on every instance.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{Socket, position};
use super::line::{Line, Stream, TRANSPORTS, Transport, begin, poll};
use super::{QUICK, QUIET, beside, group, id_of, pair, second, subscribe};
use crate::support::{PASSWORD, Session, TestApp};

async fn say(who: &Session, channel: &str, content: &str) -> Value {
    let path = format!("/v1/conversations/{}/messages", id_of(channel));
    let said = who.post(&path, &json!({"content": content})).await;
    said.expect_status(201).json.clone()
}

#[tokio::test]
async fn whoever_is_put_out_of_a_group_hears_no_more_of_it_and_is_replayed_nothing() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let carol = app.person("carol").await;
    ann.befriend(&carol).await;
    for transport in TRANSPORTS {
        let channel = group(&ann, &[&ben, &carol]).await;
        let mut lines = Vec::new();
        for url in [&app.url, beside(&app, &other)] {
            let (mut line, at) = Line::open(transport, &ben, url, &channel).await;
            let said = say(&ann, &channel, "for all").await;
            let heard = line.event("message.created").await;
            assert_eq!(heard["d"]["message"]["id"], said["id"], "{transport:?}");
            lines.push((line, at));
        }
        let member = format!("/v1/conversations/{}/members/{}", id_of(&channel), ben.id);
        let began = Instant::now();
        ann.delete(&member).await.expect_status(200);
        say(&ann, &channel, "behind his back").await;
        for (line, _) in &mut lines {
            let word = line.word("unsubscribed").await;
            assert_eq!(word["ch"], channel, "{transport:?}");
            assert_eq!(word["reason"], "removed", "{transport:?}");
        }
        let took = began.elapsed();
        assert!(
            took < Duration::from_millis(1_500),
            "{transport:?}: {took:?}"
        );
        for (line, _) in &mut lines {
            let told = line.rest(QUIET).await;
            let words = serde_json::to_string(&told).expect("JSON");
            assert!(!words.contains("behind his back"), "{transport:?}: {words}");
        }
        let pos = json!({&channel: position(&lines[0].1)});
        let mut back = Socket::resumed(&ben, &app.url, &json!({"pos": pos})).await;
        let said = &back.hello["subs"][&channel];
        assert_eq!(said["reason"], "forbidden", "{transport:?}: {said}");
        // His inbox may still be told what it counts now, late.
        let replayed = back.rest(QUIET).await;
        let of_it = replayed.iter().filter(|frame| frame["ch"] == channel);
        assert_eq!(of_it.count(), 0, "{transport:?}: {replayed:?}");
        let words = serde_json::to_string(&replayed).expect("JSON");
        assert!(!words.contains("behind his back"), "{transport:?}: {words}");
    }
}

/// Another session of the same person.
pub async fn another_session(app: &TestApp, person: &Session) -> Session {
    let login = json!({"login": person.username, "password": PASSWORD});
    let signed_in = app.anyone().post("/v1/auth/login", &login).await;
    Session::new(&app.url, &signed_in.expect_status(200).json)
}

#[tokio::test]
async fn another_password_ends_the_lines_of_all_other_sessions() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let there = beside(&app, &other);
    let ada = app.person("ada").await;
    let second = another_session(&app, &ada).await;
    let mut kept = Socket::of(&ada, &app.url).await;
    let mut socket = Socket::of(&second, there).await;
    let mut stream = Stream::open(&second.at(there), "", None).await;
    stream.find(|frame| frame["op"] == "hello").await;
    let (_hello, cursor) = begin(Transport::Poll, &second, "").await;
    let (waiting, from) = (second.clone(), cursor.clone());
    let polling = tokio::spawn(async move { poll(&waiting, &from, 20).await });
    tokio::time::sleep(QUIET).await;
    let change = json!({"current_password": PASSWORD, "new_password": "quite another phrase"});
    ada.put("/v1/me/password", &change).await.expect_status(204);
    assert_eq!(socket.closed().await, 4007);
    let bye = stream.find(|frame| frame["op"] == "bye").await;
    assert_eq!(bye["code"], 4007, "{bye}");
    let polled = tokio::time::timeout(Duration::from_secs(3), polling).await;
    let polled = polled.expect("it does not wait on").expect("an answer");
    if polled.status != 401 {
        // What was told to the inbox came first.
        poll(&second, &polled.json["cursor"], 0)
            .await
            .expect_status(401);
    }
    kept.ask("ping", json!({})).await;
}

#[tokio::test]
async fn history_goes_back_by_seq_as_far_as_one_may_see() {
    let app = TestApp::start().await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&ada, &bob).await;
    for number in 2..8 {
        say(&bob, &channel, &format!("number {number}")).await;
    }
    let mut socket = Socket::of(&ada, &app.url).await;
    subscribe(&mut socket, &channel).await;
    let mut page = async |asked: Value| {
        let reply = socket.ask("history", asked).await["d"].clone();
        let messages = reply["messages"].as_array().expect("messages").clone();
        let seqs = messages.iter().map(|message| message["seq"].clone());
        (seqs.collect::<Vec<Value>>(), reply["top_seq"].clone())
    };
    let (newest, top) = page(json!({"ch": channel, "limit": 3})).await;
    assert_eq!(
        (newest, top),
        (vec![json!(7), json!(6), json!(5)], json!(7))
    );
    let (older, _) = page(json!({"ch": channel, "before": 5, "limit": 3})).await;
    assert_eq!(older, [4, 3, 2]);
    let (first, _) = page(json!({"ch": channel, "before": 2})).await;
    assert_eq!(first, [1]);
    let mine = format!("/v1/conversations/{}/me", id_of(&channel));
    ada.patch(&mine, &json!({"cleared_up_to": 5}))
        .await
        .expect_status(200);
    let (left, _) = page(json!({"ch": channel})).await;
    assert_eq!(left, [7, 6], "what is cleared is gone");
    let eve = app.person("eve").await;
    let mut hers = Socket::of(&eve, &app.url).await;
    let refused = hers.try_ask("history", json!({"ch": channel})).await;
    assert_eq!(refused["err"]["code"], "not_found", "{refused}");
}
