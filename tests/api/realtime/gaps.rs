//! Long absences: all that was missed comes, whatever the transport, or it is said that it does not.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::client::{PATIENCE, Socket, position};
use super::line::{Stream, TRANSPORTS, Transport, begin, poll};
use super::{
    QUICK, expect_whole, group, id_of, offsets, pair, post_of, publish_many, published, subscribe,
};
use crate::support::{Session, TestApp, mode};

/// Who comes back, and from where.
struct Absent {
    transport: Transport,
    from: Value,
}

impl Absent {
    async fn leave(transport: Transport, person: &Session, url: &str, channels: &[String]) -> Self {
        let from = if transport == Transport::Socket {
            let mut socket = Socket::of(person, url).await;
            let mut pos = serde_json::Map::new();
            for channel in channels {
                let at = subscribe(&mut socket, channel).await;
                pos.insert(channel.clone(), position(&at));
            }
            let session = socket.hello["session"].clone();
            socket.cut();
            json!({"session": session, "pos": pos})
        } else {
            begin(transport, person, &format!("?chs={}", channels.join(",")))
                .await
                .1
        };
        Self { transport, from }
    }

    /// Comes back, and takes events of a kind until there are so many.
    async fn back(self, person: &Session, url: &str, kind: &str, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        match self.transport {
            Transport::Socket => {
                let mut socket = Socket::resumed(person, url, &self.from).await;
                while events.len() < count {
                    events.push(socket.event(kind).await);
                }
            }
            Transport::Sse => {
                let mut stream = Stream::open(person, "", self.from.as_str()).await;
                while events.len() < count {
                    events.push(stream.find(|frame| frame["t"] == kind).await);
                }
            }
            Transport::Poll => {
                let mut cursor = self.from;
                while events.len() < count {
                    let reply = poll(person, &cursor, 5).await.expect_status(200).json;
                    let come = reply["events"].as_array().expect("events").iter();
                    events.extend(come.filter(|event| event["t"] == kind).cloned());
                    cursor = reply["cursor"].clone();
                }
            }
        }
        events
    }
}

#[tokio::test]
async fn of_five_hundred_messages_in_three_conversations_none_is_lost_over_any_transport() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let eve = app.person("eve").await;
    bob.befriend(&eve).await;
    ada.befriend(&eve).await;
    let channels = [
        pair(&bob, &ada).await,
        group(&bob, &[&ada, &eve]).await,
        group(&bob, &[&ada, &eve]).await,
    ];
    let mut absent = Vec::new();
    for transport in TRANSPORTS {
        absent.push(Absent::leave(transport, &ada, &app.url, &channels).await);
    }
    let talks = channels.iter().enumerate().map(|(place, channel)| {
        let count = if place == 0 { 168 } else { 166 };
        talk(&bob, channel, count)
    });
    let said: HashMap<&str, Vec<String>> = futures_util::future::join_all(talks)
        .await
        .into_iter()
        .collect();
    for one in absent {
        let transport = one.transport;
        let coming = one.back(&ada, &app.url, "message.created", 500);
        let come = tokio::time::timeout(PATIENCE * 2, coming).await;
        let come = come.unwrap_or_else(|_| panic!("not all come over {transport:?}"));
        for (channel, said) in &said {
            let own = come.iter().filter(|event| event["ch"] == *channel);
            let own: Vec<&Value> = own.collect();
            let heard: Vec<&str> = own
                .iter()
                .map(|event| event["d"]["message"]["content"].as_str().expect("words"))
                .collect();
            assert_eq!(heard, *said, "{transport:?}");
        }
    }
}

/// Says so many things one after the other; gives them.
async fn talk<'a>(by: &Session, channel: &'a str, count: usize) -> (&'a str, Vec<String>) {
    let path = format!("/v1/conversations/{}/messages", id_of(channel));
    let mut said = Vec::new();
    for number in 0..count {
        let content = format!("{number}");
        by.post(&path, &json!({"content": content}))
            .await
            .expect_status(201);
        said.push(content);
    }
    (channel, said)
}

/// Waits until so many events of a channel are told and, as far as they are, kept in Redis.
async fn told(app: &TestApp, person: &Session, channel: &str, at: &Value, count: i64) {
    let last = at["o"].as_i64().expect("a place") + count;
    let telling = async {
        loop {
            let mut socket = Socket::of(person, &app.url).await;
            let said = subscribe(&mut socket, channel).await;
            socket.goodbye().await;
            if said["o"] == last
                && kept(app, channel, at)
                    .await
                    .is_none_or(|kept| kept >= count.min(512))
            {
                return;
            }
        }
    };
    let waited = tokio::time::timeout(PATIENCE, telling).await;
    assert!(waited.is_ok(), "not all are told");
}

/// How many events of a channel Redis has, if there is one.
async fn kept(app: &TestApp, channel: &str, at: &Value) -> Option<i64> {
    let mut count = redis::cmd("ZCARD");
    ask_of(app, channel, at, &mut count).await
}

/// Asks Redis about the newest events of a channel.
async fn ask_of(app: &TestApp, channel: &str, at: &Value, cmd: &mut redis::Cmd) -> Option<i64> {
    let client = redis::Client::open(app.redis_url()?).expect("a client");
    let conn = client.get_multiplexed_async_connection().await;
    let mut conn = conn.expect("Redis");
    let epoch = at["e"].as_str().expect("an epoch");
    let key = app
        .ctx
        .redis()
        .key(format!("live:recent:{epoch}:{channel}"));
    let asked = cmd.arg(key).query_async(&mut conn).await;
    Some(asked.expect("it answers"))
}

#[tokio::test]
async fn a_gap_is_replayed_up_to_what_is_kept_and_beyond_that_it_is_said() {
    let app = TestApp::start_with(QUICK).await;
    let ada = app.person("ada").await;
    // With ballast these are more than a connection's queue has room for.
    for (count, is_kept, is_recovered) in [
        (500, true, true),
        (501, true, mode::has_redis()),
        (512, true, mode::has_redis()),
        (513, true, false),
        (500, false, true),
        (501, false, false),
    ] {
        let (_post, channel) = post_of(&ada).await;
        let mut socket = Socket::of(&ada, &app.url).await;
        let at = subscribe(&mut socket, &channel).await;
        socket.cut();
        publish_many(&app, &channel, 0..count, None).await;
        told(&app, &ada, &channel, &at, count).await;
        if !is_kept {
            ask_of(&app, &channel, &at, &mut redis::cmd("DEL")).await;
        }
        let resume = json!({"pos": {&channel: position(&at)}});
        let mut back = Socket::resumed(&ada, &app.url, &resume).await;
        let said = back.hello["subs"][&channel].clone();
        assert_eq!(said["recovered"], is_recovered, "{count} {is_kept}: {said}");
        let mut come = Vec::new();
        let missed = if is_recovered { count } else { 0 };
        for _ in 0..missed {
            come.push(back.event("test.event").await);
        }
        come.extend(published(&mut back).await);
        if is_recovered {
            expect_whole(&come, &at, count);
        } else {
            assert_eq!(said["reason"], "expired");
            assert!(come.is_empty(), "{count}: no part of it");
            publish_many(&app, &channel, 0..1, None).await;
            expect_whole(&published(&mut back).await, &said, 1);
        }
        back.ask("ping", json!({})).await;
    }
}

#[tokio::test]
async fn a_stream_that_breaks_while_it_is_busy_has_few_events_twice_and_none_not_at_all() {
    const COUNT: i64 = 100;
    let app = TestApp::start_with(QUICK).await;
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    let (hello, from) = begin(Transport::Sse, &ada, &format!("?chs={channel}")).await;
    let at = hello["subs"][&channel].clone();
    publish_many(&app, &channel, 0..COUNT, None).await;
    told(&app, &ada, &channel, &at, COUNT).await;
    for taken in [1, 31, 40, 64, 90, 99] {
        let mut stream = Stream::open(&ada, "", from.as_str()).await;
        let mut events = Vec::new();
        for _ in 0..taken {
            events.push(stream.event().await);
        }
        let cursor = stream.cursor.clone().expect("an id");
        drop(stream);
        let mut stream = Stream::open(&ada, "", Some(&cursor)).await;
        let mut again = Vec::new();
        while again
            .last()
            .is_none_or(|last: &Value| last["d"]["number"] != COUNT - 1)
        {
            again.push(stream.event().await);
        }
        let first = offsets(&again)[0];
        let twice = offsets(&events).iter().filter(|o| **o >= first).count();
        assert!(twice <= 32, "{twice} of {taken} come twice");
        events.retain(|event| offsets(std::slice::from_ref(event))[0] < first);
        events.extend(again);
        expect_whole(&events, &at, COUNT);
    }
}
