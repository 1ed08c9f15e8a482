//! What is forgotten in Redis, or was told while nobody heard it, is made good.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{PATIENCE, Socket, position};
use super::line::{Stream, command};
use super::presence::{state_of, wait_for};
use super::{QUICK, QUIET, id_of, pair, post_of, publish, subscribe, two_on};
use crate::notifications::settle;
use crate::support::{OwnRedis, TestApp, mode};

/// Two instances, of which the first does no jobs: what a job tells, it has to hear.
async fn two(redis: &OwnRedis, beat: &str) -> (TestApp, TestApp) {
    two_on(redis, beat, &[("KITH_ROLES", "web,gateway")]).await
}

/// Does something while no instance hears the others.
async fn unheard<T>(redis: &OwnRedis, doing: impl Future<Output = T>) -> T {
    let mut kill = redis::cmd("CLIENT");
    kill.arg("KILL").arg("TYPE").arg("pubsub");
    let deafen = async {
        loop {
            let _killed: i64 = redis.ask(&kill).await.expect("it answers");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    // Once before anything is done.
    let _killed: i64 = redis.ask(&kill).await.expect("it answers");
    tokio::select! {
        () = deafen => unreachable!("it never ends"),
        done = doing => done,
    }
}

#[tokio::test]
async fn however_many_an_instance_leaves_behind_they_are_gone_soon() {
    if !mode::needs("a Redis", mode::has_redis()) {
        return;
    }
    // A look a second.
    let app = TestApp::start().await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let mut watching = Socket::of(&ada, &app.url).await;
    subscribe(&mut watching, &format!("presence:{}", bob.id)).await;
    let mut people: Vec<String> = (0..2_000)
        .map(|number| format!("00000000-0000-4000-8000-{number:012x}"))
        .collect();
    people.push(bob.id.clone());
    let mut left = redis::pipe();
    let keys = ["live:present", "live:due"].map(|key| app.ctx.redis().key(key));
    for (number, id) in people.iter().enumerate() {
        left.cmd("HSET").arg(&keys[0]).arg(id).arg("o:0").ignore();
        left.cmd("ZADD").arg(&keys[1]).arg(number).arg(id).ignore();
    }
    let client = redis::Client::open(app.redis_url().expect("a Redis")).expect("a client");
    let conn = client.get_multiplexed_async_connection().await;
    let mut conn = conn.expect("a connection");
    let began = Instant::now();
    left.query_async::<()>(&mut conn)
        .await
        .expect("they are left");
    let told = watching.event("presence.changed").await;
    assert_eq!(told["d"], json!({"user_id": bob.id, "state": "offline"}));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn whoever_stays_is_never_offline_while_redis_begins_anew() {
    let mut redis = OwnRedis::start().await;
    let (app, other) = two(&redis, "5s").await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let eve = app.person("eve").await;
    ada.befriend(&eve).await;
    let _his = Socket::of(&bob, &other.url).await;
    wait_for(&ada, &bob, "online").await;
    wait_for(&ada, &eve, "offline").await;
    for loses_all in [false, true] {
        if loses_all {
            let forget = redis::cmd("FLUSHALL");
            redis.ask::<()>(&forget).await.expect("it forgets");
        } else {
            redis.restart().await;
        }
        let began = Instant::now();
        let mut states: Vec<Value> = Vec::new();
        while began.elapsed() < Duration::from_secs(3) {
            states.push(state_of(&ada, &bob).await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(!states.contains(&json!("offline")), "{states:?}");
        wait_for(&ada, &bob, "online").await;
        // Of her it is known again in the end.
        wait_for(&ada, &eve, "offline").await;
    }
}

#[tokio::test]
async fn states_that_an_instance_did_not_hear_are_told_when_it_hears_again() {
    let redis = OwnRedis::start().await;
    let (app, other) = two(&redis, "2s").await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&bob, &ada).await;
    let path = format!("/v1/conversations/{}", id_of(&channel));
    settle(&other).await;
    let mut hers = Socket::of(&ada, &app.url).await;
    hers.rest(QUIET * 4).await;
    let (ada, bob) = (ada.at(&other.url), bob.at(&other.url));
    let up_to = ada.get(&path).await.expect_status(200).json["top_seq"].clone();
    let waiting = |count: i64| {
        move |frame: &Value| {
            let counts = &frame["d"]["counts"]["messages"];
            frame["t"] == "counts.changed" && counts["conversations"] == count
        }
    };
    unheard(&redis, async {
        let read = json!({"up_to": up_to});
        let read = ada.put(&format!("{path}/read"), &read).await;
        read.expect_status(200);
        tokio::time::sleep(QUIET).await;
    })
    .await;
    hers.find(waiting(0)).await;
    hers.rest(QUIET * 4).await;
    let said = unheard(&redis, async {
        let said = json!({"content": "more"});
        let said = bob.post(&format!("{path}/messages"), &said).await;
        let said = said.expect_status(201).json;
        settle(&other).await;
        tokio::time::sleep(QUIET).await;
        said
    })
    .await;
    hers.find(waiting(1)).await;
    let updated = hers.find(|frame| {
        let conversation = &frame["d"]["conversation"];
        frame["t"] == "conversation.updated" && conversation["top_seq"] == said["seq"]
    });
    assert_eq!(updated.await["d"]["conversation"]["unread"], 1);
}

#[tokio::test]
async fn a_stream_listens_to_what_it_asked_for_while_its_instance_heard_nothing() {
    let redis = OwnRedis::start().await;
    let (app, other) = two(&redis, "2s").await;
    let ada = app.person("ada").await;
    let (_post, kept) = post_of(&ada).await;
    let (_post, left) = post_of(&ada).await;
    let mut stream = Stream::open(&ada, &format!("?chs={left}"), None).await;
    let hello = stream.find(|frame| frame["op"] == "hello").await;
    let session = &hello["d"]["session"];
    let frames = json!([
        {"id": 1, "op": "subscribe", "d": {"chs": [{"ch": kept}]}},
        {"id": 2, "op": "unsubscribe", "d": {"ch": left}},
    ]);
    let replies = unheard(&redis, command(&ada.at(&other.url), session, &frames)).await;
    let at = position(&replies.json[0]["d"]["subs"][&kept]);
    publish(&app, &kept, 1).await;
    let event = tokio::time::timeout(PATIENCE, stream.event()).await;
    let event = event.expect("it comes");
    assert_eq!(event["ch"], kept);
    assert_eq!(event["o"], at["o"].as_i64().expect("a place") + 1);
    publish(&app, &left, 1).await;
    publish(&app, &kept, 2).await;
    assert_eq!(stream.event().await["d"]["number"], 2, "and to no more");
}

#[tokio::test]
async fn whoever_comes_back_is_told_how_those_are_whom_they_watch() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = format!("presence:{}", bob.id);
    let his = Socket::of(&bob, &app.url).await;
    wait_for(&ada, &bob, "online").await;
    let mut watching = Socket::of(&ada, &app.url).await;
    let at = position(&subscribe(&mut watching, &channel).await);
    watching.cut();
    let mut stream = Stream::open(&ada, &format!("?chs={channel}"), None).await;
    stream.find(|frame| frame["op"] == "hello").await;
    let cursor = stream.cursor.clone();
    drop(stream);
    his.goodbye().await;
    wait_for(&ada, &bob, "offline").await;
    let offline = json!({"user_id": bob.id, "state": "offline"});
    let resume = json!({"pos": {&channel: at}});
    let mut watching = Socket::resumed(&ada, &app.url, &resume).await;
    assert_eq!(watching.hello["subs"][&channel]["recovered"], true);
    let told = watching.event("presence.changed").await;
    assert_eq!(told["d"], offline);
    let mut stream = Stream::open(&ada, "", cursor.as_deref()).await;
    let told = stream.find(|frame| frame["t"] == "presence.changed");
    let told = tokio::time::timeout(PATIENCE, told).await;
    assert_eq!(told.expect("it comes")["d"], offline);
}
