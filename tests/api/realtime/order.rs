//! Order, without holes and without doubles, whatever happens on the way.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::Socket;
use super::{QUICK, expect_whole, id_of, pair, post_of, publish, published, subscribe, two_on};
use crate::support::{OwnRedis, TestApp, mode};

#[tokio::test]
async fn events_of_many_writers_are_contiguous() {
    let app = Arc::new(TestApp::start().await);
    let other = Arc::new(app.start_beside(&[]).await);
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    let mut here = Socket::of(&ada, &app.url).await;
    let mut there = Socket::of(&ada, &other.url).await;
    let at = subscribe(&mut here, &channel).await;
    subscribe(&mut there, &channel).await;
    let writers = (0..16).map(|writer| {
        let app = if writer % 2 == 0 { &app } else { &other };
        let (app, channel) = (Arc::clone(app), channel.clone());
        tokio::spawn(async move {
            for number in 0..10 {
                publish(&app, &channel, number).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("it writes");
    }
    // Without Redis, an instance finds what others wrote when it writes itself, or at the next beat.
    publish(&app, &channel, 160).await;
    expect_whole(&published(&mut here).await, &at, 161);
    if mode::has_redis() {
        expect_whole(&published(&mut there).await, &at, 161);
    }
}

#[tokio::test]
async fn sixty_four_who_write_in_one_conversation_are_heard_in_one_order_on_every_instance() {
    const WRITERS: i64 = 64;
    const EACH: i64 = 10;
    let app = Arc::new(TestApp::start().await);
    let other = Arc::new(app.start_beside(&[]).await);
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&ada, &bob).await;
    let path = format!("/v1/conversations/{}/messages", id_of(&channel));
    let mut hearing = Vec::new();
    for (person, url) in [(&ada, &app.url), (&bob, &app.url), (&ada, &other.url)] {
        let mut socket = Socket::of(person, url).await;
        let at = subscribe(&mut socket, &channel).await;
        hearing.push(tokio::spawn(hear(
            socket,
            at,
            channel.clone(),
            WRITERS * EACH,
        )));
    }
    // Half of them say something, which is written together, and half of them publish by themselves.
    let writers = (0..WRITERS).map(|writer| {
        let at = if writer % 2 == 0 { &app } else { &other };
        let person = if writer % 4 < 2 { &ada } else { &bob }.at(&at.url);
        let (at, channel, path) = (Arc::clone(at), channel.clone(), path.clone());
        tokio::spawn(async move {
            for number in 0..EACH {
                if writer < WRITERS / 2 {
                    let said = json!({"content": format!("{writer} {number}")});
                    person.post(&path, &said).await.expect_status(201);
                } else {
                    publish(&at, &channel, writer * EACH + number).await;
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("it writes");
    }
    let mut heard = Vec::new();
    for hearing in hearing {
        heard.push(hearing.await.expect("it hears"));
    }
    assert!(
        heard.iter().all(|one| *one == heard[0]),
        "all hear the same"
    );
    // What each has written comes in its order.
    let of_the_second = format!("published {}", WRITERS / 2 * EACH);
    let first = heard[0].iter().filter(|what| **what == of_the_second);
    assert_eq!(first.count(), 1);
    for writer in 0..WRITERS / 2 {
        let own = format!("said {writer} ");
        let own = heard[0].iter().filter_map(|what| what.strip_prefix(&own));
        let wanted = (0..EACH).map(|number| number.to_string());
        assert!(own.eq(wanted), "{writer}");
    }
}

/// Hears so many events of a channel, of which none is missing, twice or out of order; gives what they say.
async fn hear(mut socket: Socket, at: Value, channel: String, count: i64) -> Vec<String> {
    let mut events = Vec::new();
    let mut seqs = Vec::new();
    while i64::try_from(events.len()).expect("few") < count {
        let frame = socket.next().await.expect("it stays open");
        if frame["ch"] != channel || frame.get("o").is_none() {
            continue;
        }
        seqs.extend(frame["d"]["message"]["seq"].as_i64());
        events.push(frame);
    }
    expect_whole(&events, &at, count);
    let first = seqs.first().copied().expect("a message");
    let wanted: Vec<i64> = (first..).take(seqs.len()).collect();
    assert_eq!(seqs, wanted, "messages in their order");
    let says = |event: &Value| match event["d"]["message"]["content"].as_str() {
        Some(content) => format!("said {content}"),
        None => format!("published {}", event["d"]["number"]),
    };
    events.iter().map(says).collect()
}

#[tokio::test]
async fn subscribing_while_others_write_leaves_no_hole() {
    let app = Arc::new(TestApp::start().await);
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    let (writing, to) = (Arc::clone(&app), channel.clone());
    let writer = tokio::spawn(async move {
        for number in 0..150 {
            publish(&writing, &to, number).await;
        }
    });
    let mut sockets = Vec::new();
    for _ in 0..8 {
        let mut socket = Socket::of(&ada, &app.url).await;
        let at = subscribe(&mut socket, &channel).await;
        sockets.push((socket, at));
    }
    writer.await.expect("it writes");
    for (mut socket, at) in sockets {
        let rest = 150 - at["o"].as_i64().expect("a place");
        expect_whole(&published(&mut socket).await, &at, rest);
    }
}

#[tokio::test]
async fn what_a_process_could_not_tell_is_found_by_the_others() {
    let app = TestApp::start_with(QUICK).await;
    let ada = app.person("ada").await;
    let (post, channel) = post_of(&ada).await;
    let mut socket = Socket::of(&ada, &app.url).await;
    let at = subscribe(&mut socket, &channel).await;
    // As a process leaves it that dies after its commit.
    sqlx::query(
        "with next as (
             insert into stream (topic, id, top) values ('post', $1::uuid, 1)
             on conflict (topic, id) do update set top = stream.top + 1 returning top)
         insert into stream_event (topic, id, number, kind, at)
         select 'post', $1::uuid, top, 'test.event', now() from next",
    )
    .bind(&post)
    .execute(&app.db)
    .await
    .expect("a row");
    let event = socket.event("test.event").await;
    assert_eq!(event["o"], at["o"].as_i64().expect("a place") + 1);
}

#[tokio::test]
async fn events_go_on_through_the_end_and_the_return_of_redis() {
    let mut redis = OwnRedis::start().await;
    let (app, other) = two_on(&redis, "2s", &[]).await;
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    let mut socket = Socket::of(&ada, &other.url).await;
    let at = subscribe(&mut socket, &channel).await;
    for number in 0..30 {
        match number {
            10 => redis.kill(),
            20 => redis.restart().await,
            _ => {}
        }
        publish(&app, &channel, number).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut events = Vec::new();
    for _ in 0..30 {
        events.push(socket.event("test.event").await);
    }
    expect_whole(&events, &at, 30);
    // And by way of Redis again.
    other.wait_for_redis().await;
    publish(&app, &channel, 30).await;
    assert_eq!(socket.event("test.event").await["d"]["number"], 30);
    let kept = json!(at["e"]);
    let again = Socket::of(&ada, &app.url).await;
    let inbox = format!("user:{}", ada.id);
    assert_eq!(
        again.hello["subs"][inbox]["e"], kept,
        "the epoch is Postgres's"
    );
}

#[tokio::test]
async fn the_subscriber_is_cut_again_and_again_and_nothing_is_lost() {
    let redis = OwnRedis::start().await;
    let url = redis.url();
    let settings = [
        ("REDIS_URL", url.as_str()),
        ("KITH_LIVE_BEAT", "2s"),
        ("KITH_LIVE_PONG", "60s"),
    ];
    let app = TestApp::start_with(&settings).await;
    app.wait_for_redis().await;
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    let mut socket = Socket::of(&ada, &app.url).await;
    let at = subscribe(&mut socket, &channel).await;
    let mut kill = redis::cmd("CLIENT");
    kill.arg("KILL").arg("TYPE").arg("pubsub");
    for number in 0..100 {
        if number % 5 == 0 {
            let killed: i64 = redis.ask(&kill).await.expect("it answers");
            assert!(killed <= 1);
        }
        publish(&app, &channel, number).await;
    }
    let mut events = Vec::new();
    for _ in 0..100 {
        events.push(socket.event("test.event").await);
    }
    expect_whole(&events, &at, 100);
}

#[tokio::test]
async fn an_instance_that_hears_nothing_is_not_ready_and_hears_again() {
    let redis = OwnRedis::start().await;
    let url = redis.url();
    let settings = [
        ("REDIS_URL", url.as_str()),
        ("KITH_LIVE_BEAT", "500ms"),
        ("KITH_LIVE_PONG", "60s"),
    ];
    let app = TestApp::start_with(&settings).await;
    app.wait_for_redis().await;
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    // Redis answers everything but what goes by channels.
    let mut acl = redis::cmd("ACL");
    acl.arg("SETUSER").arg("default").arg("resetchannels");
    redis.ask::<()>(&acl).await.expect("it obeys");
    until(&app, 503, "deaf").await;
    // What is told here is heard here all the same.
    let mut socket = Socket::of(&ada, &app.url).await;
    let at = subscribe(&mut socket, &channel).await;
    publish(&app, &channel, 1).await;
    expect_whole(&[socket.event("test.event").await], &at, 1);
    let mut acl = redis::cmd("ACL");
    acl.arg("SETUSER").arg("default").arg("allchannels");
    redis.ask::<()>(&acl).await.expect("it obeys");
    until(&app, 200, "ok").await;
    let mut heard = redis::cmd("PUBSUB");
    heard.arg("CHANNELS").arg(format!("*{channel}"));
    for _ in 0..100 {
        let names: Vec<String> = redis.ask(&heard).await.expect("it answers");
        if names.len() == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("what is listened to is not subscribed to");
}

/// Waits until readiness says so.
async fn until(app: &TestApp, status: u16, live: &str) {
    for _ in 0..200 {
        let reply = app.anyone().get("/readyz").await;
        if reply.status == status && reply.json["parts"]["live"] == live {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("readiness never said {status} and {live}");
}
