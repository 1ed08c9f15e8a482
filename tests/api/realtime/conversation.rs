//! A conversation, as two clients hold it: said, changed and read over any transport, and nothing done
//! twice however often it is sent.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::client::Socket;
use super::line::{Line, TRANSPORTS, Transport};
use super::{QUICK, QUIET, beside, id_of, offsets, pair, second, subscribe};
use crate::support::{Program, Session, TestApp, mode};

/// What a conversation's own events are called.
const DURABLE: [&str; 6] = [
    "message.created",
    "message.edited",
    "message.deleted",
    "message.read",
    "reaction.added",
    "reaction.removed",
];

#[tokio::test]
async fn a_conversation_is_held_over_any_transport() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let there = beside(&app, &other);
    for transport in TRANSPORTS {
        // A conversation of its own: in a room that is open already, what was said just before the
        // listener comes may be told after that.
        let (one, two) = (format!("ada_{transport:?}"), format!("bob_{transport:?}"));
        let (ada, bob) = app.friends(&one, &two).await;
        let channel = pair(&ada, &bob).await;
        hold(transport, &channel, (&ada, &app.url), (&bob, there)).await;
    }
}

/// One of two does everything over this transport, and the other answers over a socket of another
/// instance.
async fn hold(transport: Transport, channel: &str, one: (&Session, &str), two: (&Session, &str)) {
    let (ada, bob) = (one.0, two.0);
    let (mut hers, at) = Line::open(transport, ada, one.1, channel).await;
    let mut his = Socket::of(bob, two.1).await;
    subscribe(&mut his, channel).await;
    let id = id_of(channel);
    let say = json!({"conversation_id": id, "content": "hello"});
    let op_id = |number: u32| format!("{transport:?}-{number}");
    let sent = hers.ask("message.send", &op_id(1), say.clone()).await;
    assert_eq!(hers.ask("message.send", &op_id(1), say).await, sent, "once");
    let message = &sent["message"]["id"];
    let heard = his.event("message.created").await;
    assert_eq!(heard["d"]["message"]["content"], "hello", "{transport:?}");
    assert_eq!(heard["d"]["top_seq"], sent["message"]["seq"]);
    assert!(heard.get("op_id").is_none());
    assert_eq!(hers.event("message.created").await["op_id"], op_id(1));
    let answer = json!({"conversation_id": id, "content": "hi", "reply_to": message});
    his.ask("message.send", answer).await;
    let answered = hers.event("message.created").await;
    assert_eq!(answered["d"]["message"]["reply_to"]["id"], *message);
    assert_eq!(answered["by"], bob.id);
    let edit = json!({"message_id": message, "content": "hello there"});
    hers.ask("message.edit", &op_id(2), edit).await;
    let edited = his.event("message.edited").await;
    assert_eq!(edited["d"]["message"]["content"], "hello there");
    his.ask(
        "reaction.add",
        json!({"message_id": message, "kind": "love"}),
    )
    .await;
    let added = hers.event("reaction.added").await;
    assert_eq!(added["d"]["reactions"], json!({"love": 1}));
    his.ask("reaction.remove", json!({"message_id": message}))
        .await;
    let up_to = answered["d"]["message"]["seq"].clone();
    let read = json!({"conversation_id": id, "up_to": up_to});
    // What is read has arrived: of that alone nothing would be left to tell.
    hers.ask("delivered.mark", "", read.clone()).await;
    his.event("message.delivered").await;
    hers.ask("read.mark", "", read).await;
    let told = his.event("message.read").await;
    assert_eq!(
        (&told["d"]["user_id"], &told["d"]["up_to"]),
        (&json!(ada.id), &up_to)
    );
    hers.ask("message.delete", &op_id(3), json!({"message_id": message}))
        .await;
    let deleted = his.event("message.deleted").await;
    assert_eq!(deleted["d"]["message"]["deleted"], true);
    // All of it came to her in order and whole, what she took out above aside.
    let end = hers.event("message.deleted").await;
    let mut events = hers.rest(QUIET).await;
    events.extend([answered, edited, added, end]);
    events.retain(|event| DURABLE.contains(&event["t"].as_str().unwrap_or_default()));
    let mut places = offsets(&events);
    places.sort_unstable();
    places.dedup();
    let last = deleted["o"].as_i64().expect("a place");
    let first = at["o"].as_i64().expect("a place") + 2;
    assert_eq!(places, (first..=last).collect::<Vec<_>>(), "{transport:?}");
}

#[tokio::test]
async fn lost_replies_do_nothing_twice() {
    const SENDS: usize = 40;
    let app = TestApp::start().await;
    let other = app.start_beside(&[]).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&ada, &bob).await;
    let before = top_seq(&bob, &channel).await;
    let mut losses = 0;
    for number in 0..SENDS {
        let mut tries = 0;
        loop {
            let url = if (number + tries).is_multiple_of(2) {
                &app.url
            } else {
                &other.url
            };
            // Half of all replies are lost, the first two of every fourth.
            let is_lost = tries < 2 && (number % 4 == 0 || (number + tries) % 3 == 0);
            let said = send(&ada, url, &channel, number, tries, is_lost).await;
            losses += usize::from(is_lost);
            tries += 1;
            match said {
                None => {}
                Some(reply) if reply["ok"] == true => break,
                Some(reply) => {
                    assert_eq!(reply["err"]["code"], "idempotency_in_progress", "{reply}");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }
    assert!(losses * 2 >= SENDS, "{losses} replies were lost");
    let said = messages(&bob, &channel).await;
    let wanted: Vec<String> = (0..SENDS)
        .map(|number| format!("number {number}"))
        .collect();
    assert_eq!(said, wanted, "each once, in the order of the first time");
    let after = top_seq(&bob, &channel).await;
    assert_eq!(after - before, i64::try_from(SENDS).expect("few"));
}

/// Sends a message, by a socket or, every third time, by a request for commands; gives the reply unless
/// that is lost with its connection.
async fn send(
    person: &Session,
    url: &str,
    channel: &str,
    number: usize,
    tries: usize,
    is_lost: bool,
) -> Option<Value> {
    let frame = json!({"op": "message.send", "op_id": format!("send-{number}"),
        "d": {"conversation_id": id_of(channel), "content": format!("number {number}")}});
    if (number + tries) % 3 == 2 {
        let person = person.at(url);
        let request = person.request(Method::POST, "/v1/realtime/commands");
        let sent = person.send(request.json(&json!([frame])));
        if is_lost {
            // Gone before, while or after it is done.
            let wait = Duration::from_millis(u64::try_from(number % 10).expect("few"));
            drop(tokio::time::timeout(wait, sent).await);
            return None;
        }
        return Some(sent.await.expect_status(200).json[0].clone());
    }
    let mut socket = Socket::of(person, url).await;
    let id = socket.tell(&frame).await;
    if is_lost {
        tokio::time::sleep(Duration::from_millis(
            u64::try_from(number % 10).expect("few"),
        ))
        .await;
        socket.cut();
        return None;
    }
    Some(socket.reply(id).await)
}

async fn top_seq(person: &Session, channel: &str) -> i64 {
    let path = format!("/v1/conversations/{}", id_of(channel));
    let seen = person.get(&path).await.expect_status(200);
    seen.json["top_seq"].as_i64().expect("a number")
}

/// What people have said, oldest first.
async fn messages(person: &Session, channel: &str) -> Vec<String> {
    let path = format!("/v1/conversations/{}/messages?limit=100", id_of(channel));
    let page = person.get(&path).await.expect_status(200).json;
    let data = page["data"].as_array().expect("a list").iter().rev();
    let said = data.map(|message| message["content"].as_str().expect("text").to_owned());
    said.filter(|content| content != "first").collect()
}

#[tokio::test]
async fn frames_of_one_connection_are_done_in_their_order_however_long_each_takes() {
    let app = TestApp::start().await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&ada, &bob).await;
    let mut socket = Socket::of(&ada, &app.url).await;
    let id = id_of(&channel).to_owned();
    // The first has to wait; those that could overtake it do not.
    let mut tx = app.db.begin().await.expect("a transaction");
    sqlx::query("select 1 from conversation where conversation_id = $1::uuid for update")
        .bind(&id)
        .execute(&mut *tx)
        .await
        .expect("it is locked");
    let mut ids = Vec::new();
    for number in 0..10 {
        let say = json!({"conversation_id": id, "content": format!("number {number}")});
        ids.push(socket.tell(&json!({"op": "message.send", "d": say})).await);
        ids.push(socket.tell(&json!({"op": "ping"})).await);
    }
    let early = tokio::time::timeout(QUIET, socket.find(|frame| frame.get("re").is_some()));
    assert!(early.await.is_err(), "nothing is answered before the first");
    tx.rollback().await.expect("it is free");
    let mut seqs = Vec::new();
    for id in ids {
        let reply = socket.find(|frame| frame.get("re").is_some()).await;
        assert_eq!((&reply["re"], &reply["ok"]), (&json!(id), &json!(true)));
        seqs.extend(reply["d"]["message"]["seq"].as_i64());
    }
    let first = seqs.first().copied().expect("a message");
    assert_eq!(seqs, (first..first + 10).collect::<Vec<_>>());
}

#[tokio::test]
async fn typing_ends_by_itself_and_is_not_replayed() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let there = beside(&app, &other);
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&ada, &bob).await;
    // What is ephemeral reaches a long poll only while one waits.
    for transport in [Transport::Socket, Transport::Sse] {
        let (mut hers, at) = Line::open(transport, &ada, &app.url, &channel).await;
        let mut his = Socket::of(&bob, there).await;
        subscribe(&mut his, &channel).await;
        let start = json!({"ch": channel});
        // Once for two that come together; and nobody stops it.
        for _ in 0..2 {
            his.ask("typing.start", start.clone()).await;
        }
        let told = hers.event("typing.started").await;
        assert_eq!(told["d"]["user_id"], bob.id);
        assert!(told["d"]["expires_ms"].as_u64() > Some(0));
        hers.event("typing.stopped").await;
        let say = json!({"conversation_id": id_of(&channel), "content": "done"});
        his.ask("message.send", say).await;
        hers.event("message.created").await;
        let rest = hers.rest(QUIET).await;
        let again = rest.iter().filter(|event| event["t"] == "typing.started");
        assert_eq!(again.count(), 0, "{transport:?}: {rest:?}");
        drop(hers);
        // Nothing of it is replayed.
        let pos = json!({&channel: super::client::position(&at)});
        let mut back = Socket::resumed(&ada, &app.url, &json!({"pos": pos})).await;
        let replayed = back.rest(QUIET).await;
        let is_typing =
            |event: &&Value| event["t"].as_str().is_some_and(|t| t.starts_with("typing"));
        assert_eq!(replayed.iter().filter(is_typing).count(), 0, "{replayed:?}");
        assert!(replayed.iter().any(|event| event["t"] == "message.created"));
    }
}

#[tokio::test]
async fn typing_ends_at_once_with_a_message_and_with_the_connection() {
    // By itself it would end after six seconds.
    let app = TestApp::start().await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&ada, &bob).await;
    let mut hers = Socket::of(&ada, &app.url).await;
    subscribe(&mut hers, &channel).await;
    let mut his = Socket::of(&bob, &app.url).await;
    subscribe(&mut his, &channel).await;
    let start = json!({"ch": channel});
    his.ask("typing.start", start.clone()).await;
    hers.event("typing.started").await;
    let began = Instant::now();
    let say = json!({"conversation_id": id_of(&channel), "content": "done"});
    his.ask("message.send", say).await;
    hers.event("typing.stopped").await;
    assert!(began.elapsed() < Duration::from_secs(3), "with a message");
    his.ask("typing.start", start).await;
    hers.event("typing.started").await;
    let began = Instant::now();
    his.cut();
    hers.event("typing.stopped").await;
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "with the connection"
    );
}

#[tokio::test]
async fn typing_ends_so_long_after_the_last_time_that_somebody_said_so() {
    // Typing lasts for 1.2 seconds, and is told once in half of that.
    let settings = [("KITH_LIVE_BEAT", "5s"), ("KITH_LIVE_PONG", "60s")];
    let lasts = Duration::from_millis(1_200);
    let app = TestApp::start_with(&settings).await;
    let other = second(&app, &settings).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&ada, &bob).await;
    let mut hers = Socket::of(&ada, &app.url).await;
    subscribe(&mut hers, &channel).await;
    let mut his = Socket::of(&bob, beside(&app, &other)).await;
    subscribe(&mut his, &channel).await;
    for pause in [0, 200, 550] {
        let start = json!({"ch": channel});
        his.ask("typing.start", start.clone()).await;
        hers.event("typing.started").await;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let began = Instant::now();
        his.ask("typing.start", start).await;
        hers.event("typing.stopped").await;
        assert!(began.elapsed() >= lasts, "{pause}: {:?}", began.elapsed());
        // What was told again is told no more.
        hers.rest(QUIET).await;
    }
}

#[tokio::test]
async fn typing_on_an_instance_that_dies_ends_too() {
    if !mode::needs("a Redis", mode::has_redis()) {
        return;
    }
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&ada, &bob).await;
    let program = Program::start(&app, &[("KITH_LIVE_BEAT", "25s")]);
    let mut hers = Socket::of(&ada, &app.url).await;
    subscribe(&mut hers, &channel).await;
    let mut his = Socket::of(&bob, &program.url).await;
    subscribe(&mut his, &channel).await;
    his.ask("typing.start", json!({"ch": channel})).await;
    hers.event("typing.started").await;
    program.signal(nix::sys::signal::Signal::SIGKILL);
    hers.event("typing.stopped").await;
}

/// Inboxes of several conversations are told in one go when many speak at once.
#[tokio::test]
async fn each_inbox_is_told_of_its_own_conversation_when_many_speak_at_once() {
    let app = TestApp::start_with(QUICK).await;
    let mut listeners = Vec::new();
    let mut writers = Vec::new();
    for number in 0..8 {
        let names = (format!("ada{number}"), format!("bob{number}"));
        let (ada, bob) = app.friends(&names.0, &names.1).await;
        let id = id_of(&pair(&ada, &bob).await).to_owned();
        listeners.push((Socket::of(&ada, &app.url).await, id.clone()));
        writers.push((bob, id));
    }
    let writing = writers.iter().map(async |(bob, id)| {
        let path = format!("/v1/conversations/{id}/messages");
        for number in 1..=3 {
            let body = json!({"content": format!("{number} of {id}")});
            bob.post(&path, &body).await.expect_status(201);
        }
    });
    futures_util::future::join_all(writing).await;
    for (mut socket, id) in listeners {
        let content = format!("3 of {id}");
        // What was told while more was being said may have the count and the words of two moments.
        let is_last = |frame: &Value| {
            let told = &frame["d"]["conversation"];
            let is_update = frame["t"] == "conversation.updated";
            assert!(!is_update || told["id"] == id, "{frame} is not of {id}");
            is_update && told["unread"] == 3 && told["last_message"]["content"] == content
        };
        socket.find(is_last).await;
    }
}

#[tokio::test]
async fn whoever_takes_an_invitation_back_is_named_and_not_who_was_asked() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let eve = app.person("eve").await;
    let channel = super::group(&ada, &[&bob, &eve]).await;
    let mut his = Socket::of(&bob, &app.url).await;
    subscribe(&mut his, &channel).await;
    let group = format!("/v1/conversations/{}", id_of(&channel));
    ada.delete(&format!("{group}/members/{}", eve.id))
        .await
        .expect_status(200);
    let told = his.event("conversation.member_removed").await;
    assert_eq!(
        (&told["by"], &told["d"]["user_id"]),
        (&json!(ada.id), &json!(eve.id))
    );
}
