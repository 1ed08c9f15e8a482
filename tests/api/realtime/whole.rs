//! Conversations in events are those of the routes: what an inbox is told is what its person would be
//! answered, and what many are told is that without what differs between them.

use serde_json::{Value, json};

use super::client::Socket;
use super::{QUICK, beside, group, id_of, pair, second, subscribe};
use crate::support::{Session, TestApp};

async fn seen(who: &Session, id: &str) -> Value {
    let path = format!("/v1/conversations/{id}");
    who.get(&path).await.expect_status(200).json
}

/// The next that an inbox is told of a conversation, if it fits.
async fn update(socket: &mut Socket, fits: impl Fn(&Value) -> bool) -> Value {
    let is_it = |frame: &Value| {
        let is_inbox = frame["ch"]
            .as_str()
            .is_some_and(|ch| ch.starts_with("user:"));
        frame["t"] == "conversation.updated" && is_inbox && fits(&frame["d"]["conversation"])
    };
    socket.find(is_it).await["d"]["conversation"].clone()
}

/// A conversation as all are told of it at once.
fn shared(mut conversation: Value) -> Value {
    for name in ["viewer", "unread"] {
        conversation[name] = Value::Null;
    }
    if !conversation["last_message"].is_null() {
        conversation["last_message"]["viewer"] = Value::Null;
        conversation["last_message"]["op_id"] = Value::Null;
    }
    let members = conversation["members"].as_array_mut().expect("members");
    for member in members {
        member["read_up_to"] = Value::Null;
    }
    conversation
}

#[tokio::test]
async fn an_inbox_is_told_of_a_message_what_the_route_answers_to_its_person() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let there = beside(&app, &other);
    let (ann, ben) = app.friends("ann", "ben").await;
    let cara = app.person("cara").await;
    ann.befriend(&cara).await;
    let both = [group(&ann, &[&ben, &cara]).await, pair(&ben, &ann).await];
    for channel in &both {
        let id = id_of(channel);
        let mut hers = Socket::of(&ann, &app.url).await;
        let mut his = Socket::of(&ben, there).await;
        let path = format!("/v1/conversations/{id}/messages");
        let body = json!({"content": "hello"});
        let said = ann.post_with_key(&path, &format!("op-{id}"), &body).await;
        let said = said.expect_status(201).json;
        let is_of_it = |told: &Value| told["last_message"]["seq"] == said["seq"];
        let told = update(&mut his, is_of_it).await;
        assert_eq!(told, seen(&ben, id).await);
        assert_ne!(told["unread"], 0);
        assert!(told["last_message"]["op_id"].is_null());
        let told = update(&mut hers, is_of_it).await;
        assert_eq!(told, seen(&ann, id).await);
        assert_eq!(told["last_message"]["op_id"], format!("op-{id}"));
        // What one has done oneself comes with it.
        let message = format!("/v1/messages/{}", said["id"].as_str().expect("an id"));
        let reaction = json!({"kind": "love"});
        ben.put(&format!("{message}/reaction"), &reaction)
            .await
            .expect_status(200);
        let edit = json!({"content": "hello there"});
        ann.patch(&message, &edit).await.expect_status(200);
        let is_edited = |told: &Value| told["last_message"]["content"] == "hello there";
        for (socket, person, own) in [
            (&mut his, &ben, json!("love")),
            (&mut hers, &ann, Value::Null),
        ] {
            let told = update(socket, is_edited).await;
            assert_eq!(told["last_message"]["viewer"]["reaction"], own);
            assert_eq!(told, seen(person, id).await);
        }
        // And so do one's own marks.
        let mark = json!({"conversation_id": id, "up_to": said["seq"]});
        his.ask("read.mark", mark).await;
        let is_read = |told: &Value| told["id"] == *id && told["unread"] == 0;
        let told = update(&mut his, is_read).await;
        assert_eq!(told, seen(&ben, id).await);
        let mine = format!("/v1/conversations/{id}/me");
        let quiet = json!({"muted_until": "2100-01-01T00:00:00Z"});
        ben.patch(&mine, &quiet).await.expect_status(200);
        let is_quiet = |told: &Value| !told["viewer"]["muted_until"].is_null();
        let told = update(&mut his, is_quiet).await;
        assert_eq!(told, seen(&ben, id).await);
    }
}

#[tokio::test]
async fn who_is_asked_and_who_is_gone_is_told_no_more_than_the_route_shows() {
    let app = TestApp::start_with(QUICK).await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let (cara, dan) = (app.person("cara").await, app.person("dan").await);
    ann.befriend(&cara).await;
    let channel = group(&ann, &[&ben, &cara]).await;
    let id = id_of(&channel);
    let mut asked = Socket::of(&dan, &app.url).await;
    let mut gone = Socket::of(&ben, &app.url).await;
    let member = |who: &Session| format!("/v1/conversations/{id}/members/{}", who.id);
    ann.set(&member(&dan)).await.expect_status(200);
    let told = update(&mut asked, |told| told["id"] == id).await;
    assert_eq!(told["viewer"]["state"], "request");
    assert_eq!(told, seen(&dan, id).await);
    ann.delete(&member(&ben)).await.expect_status(200);
    let told = update(&mut gone, |told| told["viewer"]["state"] == "left").await;
    assert_eq!(told, seen(&ben, id).await);
    assert_eq!(told["members"], json!([]));
}

#[tokio::test]
async fn a_channel_is_told_of_a_conversation_without_what_it_is_to_each() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let (cara, dan) = (app.person("cara").await, app.person("dan").await);
    ann.befriend(&cara).await;
    ann.befriend(&dan).await;
    let channel = group(&ann, &[&ben, &cara]).await;
    let id = id_of(&channel);
    let mut his = Socket::of(&ben, beside(&app, &other)).await;
    subscribe(&mut his, &channel).await;
    let mark = json!({"conversation_id": id, "up_to": 1});
    his.ask("delivered.mark", mark.clone()).await;
    assert_eq!(his.event("message.delivered").await["d"]["top_seq"], 1);
    his.ask("read.mark", mark).await;
    let title = json!({"title": "Ours"});
    ann.patch(&format!("/v1/conversations/{id}"), &title)
        .await
        .expect_status(200);
    let is_update = |frame: &Value| frame["t"] == "conversation.updated" && frame["ch"] == channel;
    let told = his.find(is_update).await;
    assert_eq!(told["d"]["conversation"], shared(seen(&cara, id).await));
    assert_eq!(told["d"]["conversation"]["title"], "Ours");
    assert_eq!(told["d"]["top_seq"], told["d"]["conversation"]["top_seq"]);
    let member = format!("/v1/conversations/{id}/members/{}", dan.id);
    let mut added = ann.set(&member).await.expect_status(200).json;
    added["read_up_to"] = Value::Null;
    let told = his.event("conversation.member_added").await;
    assert_eq!(told["d"]["member"], added);
    assert_eq!(told["d"]["member_count"], 4);
}
