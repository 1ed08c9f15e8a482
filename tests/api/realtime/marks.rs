//! How far somebody has read, on all their devices and to the others.

use serde_json::{Value, json};

use super::client::{PATIENCE, Socket};
use super::line::{Line, TRANSPORTS};
use super::{QUICK, QUIET, beside, id_of, pair, second, subscribe};
use crate::support::{Session, TestApp, mode};

async fn say(person: &Session, channel: &str, times: usize) -> i64 {
    let path = format!("/v1/conversations/{}/messages", id_of(channel));
    let mut seq = 0;
    for number in 0..times {
        let body = json!({"content": format!("number {number}")});
        let said = person.post(&path, &body).await.expect_status(201);
        seq = said.json["seq"].as_i64().expect("a number");
    }
    seq
}

async fn seen(person: &Session, channel: &str) -> Value {
    let path = format!("/v1/conversations/{}", id_of(channel));
    person.get(&path).await.expect_status(200).json
}

#[tokio::test]
async fn marks_of_many_devices_at_once_end_at_the_greatest_on_all_of_them() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&ada, &bob).await;
    let top = say(&bob, &channel, 12).await;
    let mut devices = Vec::new();
    for number in 0..4 {
        let url = if number % 2 == 1 && mode::has_redis() {
            &other.url
        } else {
            &app.url
        };
        devices.push(Socket::of(&ada, url).await);
    }
    // Each marks places of its own in an order of its own; the greatest is one below the top.
    let marking = devices.iter_mut().enumerate().map(|(device, socket)| {
        let channel = channel.clone();
        async move {
            for step in 0..6 {
                let place = (step * 7 + i64::try_from(device).expect("few") * 5) % (top - 1) + 1;
                let mark = json!({"conversation_id": id_of(&channel), "up_to": place});
                socket.ask("read.mark", mark).await;
            }
        }
    });
    futures_util::future::join_all(marking).await;
    let last = json!({"conversation_id": id_of(&channel), "up_to": top - 1});
    devices[0].ask("read.mark", last).await;
    let back = json!({"conversation_id": id_of(&channel), "up_to": 1});
    let answer = devices[1].ask("read.mark", back).await;
    let state = &answer["d"]["conversation"];
    assert_eq!(
        state["viewer"]["read_up_to"],
        top - 1,
        "it never moves back"
    );
    let truth = seen(&ada, &channel).await;
    assert_eq!(truth["viewer"]["read_up_to"], top - 1);
    assert_eq!(truth["unread"], 1, "top less read");
    for mut socket in devices {
        // Of two states the one that has read more is the later.
        let is_last = |frame: &Value| {
            let conversation = &frame["d"]["conversation"];
            frame["t"] == "conversation.updated" && conversation["viewer"]["read_up_to"] == top - 1
        };
        let told = tokio::time::timeout(PATIENCE, socket.find(is_last)).await;
        let told = told.expect("each device is told");
        assert_eq!(told["d"]["conversation"]["unread"], 1);
    }
}

#[tokio::test]
async fn what_is_read_in_private_clears_ones_own_devices_and_is_told_nobody() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let there = beside(&app, &other);
    let (ada, bob) = app.friends("ada", "bob").await;
    for transport in TRANSPORTS {
        let channel = pair(&ada, &bob).await;
        let top = say(&bob, &channel, 2).await;
        let (mut his, _) = Line::open(transport, &bob, there, &channel).await;
        let (mut hers, _) = Line::open(transport, &ada, &app.url, &channel).await;
        let mut second = Socket::of(&ada, there).await;
        let id = id_of(&channel);
        let private = json!({"conversation_id": id, "up_to": top, "private": true});
        let marked = hers.ask("read.mark", "", private).await;
        assert_eq!(marked["conversation"]["unread"], 0);
        // What was said before may be told late, with what it was then.
        let is_clear = |frame: &Value| {
            let told = &frame["d"]["conversation"];
            frame["t"] == "conversation.updated" && told["id"] == id && told["unread"] == 0
        };
        second.find(is_clear).await;
        let rest = his.rest(QUIET).await;
        // She comes and goes with her lines; that is no reading.
        let is_of_room =
            |event: &Value| event["t"].as_str().is_some_and(|t| t.starts_with("room."));
        let is_hers = |event: &&Value| event["by"] == ada.id && !is_of_room(event);
        let told = rest.iter().filter(is_hers);
        assert_eq!(told.count(), 0, "{transport:?}: {rest:?}");
        let open = json!({"conversation_id": id, "up_to": top});
        hers.ask("read.mark", "", open).await;
        assert_eq!(his.event("message.read").await["d"]["up_to"], top);
    }
}

#[tokio::test]
async fn whoever_does_not_tell_what_they_read_is_not_told_what_others_read() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&ada, &bob).await;
    let tells = |tells: bool| json!({"read_receipts": tells});
    for transport in TRANSPORTS {
        bob.patch("/v1/me/settings", &tells(false))
            .await
            .expect_status(200);
        let (mut his, at) = Line::open(transport, &bob, &app.url, &channel).await;
        let mut hers = Socket::of(&ada, &app.url).await;
        subscribe(&mut hers, &channel).await;
        let top = say(&bob, &channel, 1).await;
        let mark = json!({"conversation_id": id_of(&channel), "up_to": top});
        hers.ask("read.mark", mark).await;
        // As the routes hide it.
        let shown = seen(&bob, &channel).await;
        let members = shown["members"].as_array().expect("members").clone();
        let ada_there = members.iter().find(|one| one["user"]["id"] == ada.id);
        assert_eq!(ada_there.expect("a member")["read_up_to"], Value::Null);
        let is_read = |event: &&Value| event["t"] == "message.read";
        let rest = his.rest(QUIET).await;
        assert_eq!(
            rest.iter().filter(is_read).count(),
            0,
            "{transport:?}: {rest:?}"
        );
        // Nor by a replay; and from when they tell, they are told.
        let pos = json!({&channel: super::client::position(&at)});
        let mut back = Socket::resumed(&bob, &app.url, &json!({"pos": pos})).await;
        let replayed = back.rest(QUIET).await;
        assert_eq!(replayed.iter().filter(is_read).count(), 0, "{replayed:?}");
        bob.patch("/v1/me/settings", &tells(true))
            .await
            .expect_status(200);
        back.event("me.changed").await;
        tokio::time::sleep(QUIET).await;
        let next = say(&bob, &channel, 1).await;
        let mark = json!({"conversation_id": id_of(&channel), "up_to": next});
        hers.ask("read.mark", mark).await;
        assert_eq!(back.event("message.read").await["d"]["user_id"], ada.id);
    }
}
