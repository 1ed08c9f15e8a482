//! Who is there, and who types.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{PATIENCE, Socket};
use super::{QUICK, QUIET, second, subscribe, two_on};
use crate::support::{OwnRedis, Program, Session, TestApp, mode};

pub(super) async fn state_of(viewer: &Session, other: &Session) -> Value {
    let path = format!("/v1/presence?ids={}", other.id);
    let reply = viewer.get(&path).await.expect_status(200);
    reply.json["data"][0]["state"].clone()
}

#[tokio::test]
async fn friends_see_who_comes_and_goes() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
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
    // The grace is longer than it takes to come back, also where much else runs.
    let settings = [("KITH_LIVE_BEAT", "2s"), ("KITH_LIVE_PONG", "60s")];
    let app = TestApp::start_with(&settings).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let mut watching = Socket::of(&ada, &app.url).await;
    subscribe(&mut watching, &format!("presence:{}", bob.id)).await;
    let his = Socket::of(&bob, &app.url).await;
    watching.event("presence.changed").await;
    his.cut();
    let his = Socket::of(&bob, &app.url).await;
    let told = watching.event("presence.changed");
    let told = tokio::time::timeout(Duration::from_millis(1_800), told).await;
    assert!(told.is_err(), "{told:?}");
    // A longer one is, without a word of the client.
    his.cut();
    let told = watching.event("presence.changed").await;
    assert_eq!(told["d"]["state"], "offline");
}

#[tokio::test]
async fn a_line_that_its_client_takes_for_dead_is_no_goodbye() {
    let settings = [("KITH_LIVE_BEAT", "4s"), ("KITH_LIVE_PONG", "60s")];
    let app = TestApp::start_with(&settings).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let mut watching = Socket::of(&ada, &app.url).await;
    subscribe(&mut watching, &format!("presence:{}", bob.id)).await;
    let his = Socket::of(&bob, &app.url).await;
    watching.event("presence.changed").await;
    // Changes are told at once from here on.
    tokio::time::sleep(Duration::from_secs(1)).await;
    his.give_up().await;
    let told = watching.event("presence.changed");
    let told = tokio::time::timeout(Duration::from_millis(1_200), told).await;
    assert!(told.is_err(), "{told:?}");
    // Nobody came back.
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
async fn whoever_hides_their_own_presence_hears_no_more_of_that_of_others() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = format!("presence:{}", bob.id);
    let mut watching = Socket::of(&ada, &app.url).await;
    subscribe(&mut watching, &channel).await;
    ada.patch("/v1/me/settings", &json!({"show_presence": false}))
        .await
        .expect_status(200);
    let told = watching.find(|frame| frame["op"] == "unsubscribed").await;
    assert_eq!(told["ch"], channel);
    let _his = Socket::of(&bob, &app.url).await;
    let heard = watching.rest(QUIET).await;
    let heard = heard.iter().find(|frame| frame["t"] == "presence.changed");
    assert_eq!(heard, None);
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

#[tokio::test]
async fn however_often_somebody_comes_and_goes_few_changes_are_told() {
    let settings = [("KITH_LIVE_BEAT", "5s"), ("KITH_LIVE_PONG", "60s")];
    let app = TestApp::start_with(&settings).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let mut watching = Socket::of(&ada, &app.url).await;
    subscribe(&mut watching, &format!("presence:{}", bob.id)).await;
    // One change within a second is told.
    let began = Instant::now();
    for _ in 0..25 {
        Socket::of(&bob, &app.url).await.goodbye().await;
    }
    let events = watching.rest(Duration::from_millis(1_600)).await;
    let mut changes = events
        .iter()
        .filter(|event| event["t"] == "presence.changed");
    let most = began.elapsed().as_secs() + 2;
    let told = u64::try_from(changes.clone().count()).expect("few");
    assert!(
        (1..=most.min(30)).contains(&told),
        "{told} of at most {most}"
    );
    // The last that is told is how it is.
    let last = changes.next_back().expect("a change");
    assert_eq!(last["d"]["state"], "offline");
}

#[tokio::test]
async fn with_an_instance_dead_presence_is_told_at_once_and_from_redis_alone() {
    if !mode::needs("a Redis", mode::has_redis()) {
        return;
    }
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let program = Program::start(&app, QUICK);
    let his = Socket::of(&bob, &program.url).await;
    wait_for(&ada, &bob, "online").await;
    program.signal(nix::sys::signal::Signal::SIGKILL);
    drop(his);
    let path = format!("/v1/presence?ids={}", bob.id);
    for _ in 0..20 {
        let began = Instant::now();
        let reply = ada.get(&path).await.expect_status(200);
        // The step of the door, the session, relations and settings, and one question about presence.
        assert!(reply.redis() <= 4, "{:?}", reply.headers);
        let took = began.elapsed();
        assert!(took < Duration::from_millis(500), "{took:?}");
    }
    wait_for(&ada, &bob, "offline").await;
}

#[tokio::test]
async fn without_redis_it_is_said_that_nobody_knows_and_then_how_it_is() {
    let mut redis = OwnRedis::start().await;
    let (app, other) = two_on(&redis, "1s", &[]).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let eve = app.person("eve").await;
    ada.befriend(&eve).await;
    let mut watching = Socket::of(&ada, &app.url).await;
    let mut his = Socket::of(&bob, &other.url).await;
    let eves = Socket::of(&eve, &other.url).await;
    for friend in [&bob, &eve] {
        wait_for(&ada, friend, "online").await;
        subscribe(&mut watching, &format!("presence:{}", friend.id)).await;
    }
    redis.kill();
    let state = |person: &Session, state: &str| {
        let (id, state) = (json!(person.id), json!(state));
        move |frame: &Value| {
            let d = &frame["d"];
            frame["t"] == "presence.changed" && d["user_id"] == id && d["state"] == state
        }
    };
    for friend in [&bob, &eve] {
        watching.find(state(friend, "stale")).await;
        assert_eq!(state_of(&ada, friend).await, "stale");
    }
    // One goes meanwhile, and Redis forgets that she was there.
    eves.goodbye().await;
    redis.restart().await;
    watching.find(state(&bob, "online")).await;
    watching.find(state(&eve, "offline")).await;
    wait_for(&ada, &eve, "offline").await;
    his.ask("ping", json!({})).await;
}

/// Waits until the routes say so.
pub(super) async fn wait_for(viewer: &Session, other: &Session, state: &str) {
    let waiting = async {
        while state_of(viewer, other).await != state {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(waited.is_ok(), "never {state}");
}

#[tokio::test]
async fn whoever_is_suspended_is_watched_no_more() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let _his = Socket::of(&bob, &app.url).await;
    let channel = format!("presence:{}", bob.id);
    let mut watching = Socket::of(&ada, &app.url).await;
    subscribe(&mut watching, &channel).await;
    assert_ne!(state_of(&ada, &bob).await, Value::Null);
    sqlx::query("update account set state = 'suspended' where user_id = $1::uuid")
        .bind(&bob.id)
        .execute(&app.db)
        .await
        .expect("suspended");
    app.wait_until_voids_are_delivered().await;
    let told = watching.find(|frame| frame["op"] == "unsubscribed").await;
    assert_eq!(told["ch"], channel);
    assert_eq!(state_of(&ada, &bob).await, Value::Null);
    let again = json!({"chs": [{"ch": channel}]});
    let reply = watching.ask("subscribe", again).await;
    assert_eq!(reply["d"]["subs"][&channel]["err"]["code"], "not_found");
}
