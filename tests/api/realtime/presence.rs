//! Who is there, and who types.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::Socket;
use super::{QUICK, QUIET, subscribe};
use crate::support::{Program, Session, TestApp, mode};

async fn state_of(viewer: &Session, other: &Session) -> Value {
    let path = format!("/v1/presence?ids={}", other.id);
    let reply = viewer.get(&path).await.expect_status(200);
    reply.json["data"][0]["state"].clone()
}

#[tokio::test]
async fn friends_see_who_comes_and_goes() {
    let app = TestApp::start_with(QUICK).await;
    let other = app.start_beside(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let mut watching = Socket::of(&ada, &app.url).await;
    let channel = format!("presence:{}", bob.id);
    subscribe(&mut watching, &channel).await;
    assert_eq!(state_of(&ada, &bob).await, "offline");
    let mut his = Socket::of(&bob, &app.url).await;
    let told = watching.event("presence.changed").await;
    assert_eq!(told["d"], json!({"user_id": bob.id, "state": "online"}));
    assert_eq!(state_of(&ada, &bob).await, "online");
    // Of two devices the more present one counts.
    let second = Socket::of(&bob, &app.url).await;
    his.ask("presence.set", json!({"state": "away"})).await;
    let events = watching.rest(QUIET).await;
    assert!(
        events.iter().all(|event| event["t"] != "presence.changed"),
        "{events:?}"
    );
    second.goodbye().await;
    let told = watching.event("presence.changed").await;
    assert_eq!(told["d"]["state"], "away");
    his.goodbye().await;
    let told = watching.event("presence.changed").await;
    assert_eq!(told["d"]["state"], "offline");
    assert_eq!(state_of(&ada, &bob).await, "offline");
    drop(other);
}

#[tokio::test]
async fn a_short_absence_is_no_absence() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let mut watching = Socket::of(&ada, &app.url).await;
    subscribe(&mut watching, &format!("presence:{}", bob.id)).await;
    let his = Socket::of(&bob, &app.url).await;
    watching.event("presence.changed").await;
    his.cut();
    let his = Socket::of(&bob, &app.url).await;
    let told = watching.event("presence.changed");
    let told = tokio::time::timeout(Duration::from_millis(900), told).await;
    assert!(told.is_err(), "{told:?}");
    // A longer one is, without a word of the client.
    his.cut();
    let told = watching.event("presence.changed").await;
    assert_eq!(told["d"]["state"], "offline");
}

#[tokio::test]
async fn strangers_and_those_who_hide_see_and_show_nothing() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let eve = app.person("eve").await;
    let _his = Socket::of(&bob, &app.url).await;
    let channel = json!({"chs": [{"ch": format!("presence:{}", bob.id)}]});
    let mut strange = Socket::of(&eve, &app.url).await;
    let reply = strange.ask("subscribe", channel.clone()).await;
    let said = &reply["d"]["subs"][format!("presence:{}", bob.id)];
    assert_eq!(said["err"]["code"], "not_found");
    assert_eq!(state_of(&eve, &bob).await, Value::Null);
    let mut watching = Socket::of(&ada, &app.url).await;
    watching.ask("subscribe", channel.clone()).await;
    bob.patch("/v1/me/settings", &json!({"show_presence": false}))
        .await
        .expect_status(200);
    let told = watching.find(|frame| frame["op"] == "unsubscribed").await;
    assert_eq!(told["ch"], format!("presence:{}", bob.id));
    assert_eq!(state_of(&ada, &bob).await, Value::Null);
    assert_eq!(state_of(&bob, &ada).await, Value::Null, "both ways");
}

#[tokio::test]
async fn typing_is_for_conversations_only() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let (_post, channel) = super::post_of(&ada).await;
    let mut socket = Socket::of(&ada, &app.url).await;
    subscribe(&mut socket, &channel).await;
    let refused = socket.try_ask("typing.start", json!({"ch": channel})).await;
    assert_eq!(refused["err"]["code"], "not_found");
}

#[tokio::test]
async fn the_people_of_an_instance_that_dies_are_gone_soon() {
    if !mode::needs("a Redis", mode::has_redis()) {
        return;
    }
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let mut watching = Socket::of(&ada, &app.url).await;
    subscribe(&mut watching, &format!("presence:{}", bob.id)).await;
    let program = Program::start(&app, QUICK);
    let _his = Socket::of(&bob, &program.url).await;
    let told = watching.event("presence.changed").await;
    assert_eq!(told["d"]["state"], "online");
    program.signal(nix::sys::signal::Signal::SIGKILL);
    let told = watching.event("presence.changed").await;
    assert_eq!(told["d"]["state"], "offline");
}
