//! Everybody at once: after a deploy, and after Redis was gone.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{PATIENCE, Socket, position, upgrade, with};
use super::closes::figure;
use super::{QUICK, expect_whole, post_of, publish, published, subscribe};
use crate::support::{OwnRedis, Session, TestApp, mode};

#[tokio::test]
async fn those_whom_a_server_sends_away_come_back_elsewhere_no_faster_than_it_takes_them() {
    const RATE: usize = 12;
    let mut app = TestApp::start().await;
    let settings = [("KITH_LIMITS", "on"), ("KITH_CONNECT_RATE", "12")];
    let survivor = app.start_beside(&settings).await;
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    let mut sockets = Vec::new();
    for name in ["bob", "eve", "kim"] {
        let person = app.person(name).await;
        for _ in 0..10 {
            let mut socket = Socket::of(&person, &app.url).await;
            let at = subscribe(&mut socket, &channel).await;
            sockets.push((person.clone(), socket, at));
        }
    }
    let stopping = tokio::task::spawn_blocking(move || {
        app.stop();
        app
    });
    let mut waits = Vec::new();
    let mut away = Vec::new();
    for (person, mut socket, at) in sockets {
        let bye = socket.find(|frame| frame["op"] == "bye").await;
        assert_eq!(bye["code"], 4201);
        waits.push(bye["after_ms"].as_u64().expect("when to come back"));
        assert_eq!(socket.closed().await, 4201);
        away.push((person, at));
    }
    let _app = stopping.await.expect("it stops");
    // Each at a moment of its own, in a window that fits their number.
    assert!(waits.iter().all(|wait| *wait < 500), "{waits:?}");
    let halves = waits.iter().filter(|wait| **wait < 250).count();
    assert!((8..=22).contains(&halves), "{waits:?}");
    waits.sort_unstable();
    waits.dedup();
    assert!(waits.len() >= 25, "{waits:?}");
    publish(&survivor, &channel, 1).await;
    // They all come at the same moment nevertheless: so many are taken in a second, and all in the end.
    let began = Instant::now();
    let coming = away
        .iter()
        .map(|(person, at)| come_back(person, &survivor.url, &channel, at));
    let back = futures_util::future::join_all(coming).await;
    let took = began.elapsed();
    let count = back.len();
    let most = RATE * (usize::try_from(took.as_secs()).expect("few") + 2);
    assert!(count <= most, "{count} in {took:?}");
    assert!(took > Duration::from_secs(1), "{count} in {took:?}");
    for (mut socket, (_, at)) in back.into_iter().zip(&away) {
        assert_eq!(socket.hello["resumed"], "full", "{}", socket.hello);
        expect_whole(&published(&mut socket).await, at, 1);
    }
}

#[tokio::test]
async fn no_second_has_more_new_sockets_than_it_may_have_wherever_it_begins() {
    const RATE: usize = 8;
    let settings = [("KITH_LIMITS", "on"), ("KITH_CONNECT_RATE", "8")];
    let app = TestApp::start_with(&settings).await;
    let bearer = format!("Bearer {}", app.person("ada").await.access_token);
    // It has let nobody in for a second.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let began = Instant::now();
    // From when to when each may have been let in.
    let mut opened = Vec::new();
    while began.elapsed() < Duration::from_millis(2_500) {
        let request = with(upgrade(&app.url, ""), "authorization", &bearer);
        let asked = began.elapsed();
        if Socket::open(request).await.is_ok() {
            opened.push((asked, began.elapsed()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for (place, (first, _)) in opened.iter().enumerate() {
        let end = *first + Duration::from_secs(1);
        let within = opened.iter().skip(place).filter(|(_, at)| *at < end);
        assert!(within.count() <= RATE, "{opened:?}");
    }
    assert!(opened.len() >= 2 * RATE, "{opened:?}");
}

#[tokio::test]
async fn those_who_come_at_once_ask_postgres_together() {
    const PEOPLE: u32 = 40;
    if !mode::has_shared_cache() {
        return;
    }
    let app = TestApp::start_with(QUICK).await;
    let mut people = Vec::new();
    for _ in 0..PEOPLE {
        people.push(app.person("bob").await);
    }
    let all_come =
        || futures_util::future::join_all(people.iter().map(|one| Socket::of(one, &app.url)));
    // Once before, so that what is asked of them is known.
    drop(all_come().await);
    wait_for_no_rooms(&app).await;
    let before = figure(&app, "kith_sql_statements_total ").await;
    let _sockets = all_come().await;
    let statements = figure(&app, "kith_sql_statements_total ").await - before;
    assert!(
        statements < f64::from(PEOPLE),
        "{statements} statements for {PEOPLE} people"
    );
}

/// Waits until nobody listens to anything, and nothing is kept for those who did.
async fn wait_for_no_rooms(app: &TestApp) {
    let waiting = async {
        while figure(app, "kith_live_channels ").await > 0.0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.expect("the rooms are closed");
}

/// Connects as often as it takes, and no sooner than it is told.
async fn come_back(person: &Session, url: &str, channel: &str, at: &Value) -> Socket {
    let bearer = format!("Bearer {}", person.access_token);
    let began = Instant::now();
    loop {
        let request = with(upgrade(url, ""), "authorization", &bearer);
        match Socket::open_or_wait(request).await {
            Ok(mut socket) => {
                let resume = json!({"resume": {"pos": {channel: position(at)}}});
                socket.hello = socket.ask("hello", resume).await["d"].clone();
                return socket;
            }
            Err((status, wait)) => {
                assert_eq!(status, 503);
                assert!(began.elapsed() < PATIENCE, "there is never room");
                tokio::time::sleep(Duration::from_secs(wait)).await;
            }
        }
    }
}

#[tokio::test]
async fn after_redis_was_gone_all_channels_are_subscribed_to_in_few_commands() {
    const POSTS: usize = 1_200;
    let mut redis = OwnRedis::start().await;
    let url = redis.url();
    let settings: Vec<_> = [("REDIS_URL", url.as_str())]
        .into_iter()
        .chain(QUICK.iter().copied())
        .collect();
    let app = TestApp::start_with(&settings).await;
    app.wait_for_redis().await;
    let ada = app.person("ada").await;
    let channels = channels_of_posts(&app, &ada, POSTS).await;
    let mut sockets = Vec::new();
    for some in channels.chunks(120) {
        let mut socket = Socket::of(&ada, &app.url).await;
        for few in some.chunks(60) {
            let chs: Vec<Value> = few.iter().map(|ch| json!({"ch": ch})).collect();
            socket.ask("subscribe", json!({"chs": chs})).await;
        }
        sockets.push(socket);
    }
    wait_for_channels(&redis, POSTS).await;
    redis.restart().await;
    let began = Instant::now();
    wait_for_channels(&redis, POSTS).await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    // A fresh Redis has counted from nothing: five hundred channels a command, and the probe's own.
    let info: String = redis
        .ask(redis::cmd("INFO").arg("commandstats"))
        .await
        .expect("it answers");
    let line = info
        .lines()
        .find(|line| line.starts_with("cmdstat_subscribe:calls="));
    let line = line.expect("it was subscribed to");
    let calls = line.split(['=', ',']).nth(1).expect("a number");
    let calls: usize = calls.parse().expect("a number");
    assert!(calls <= 12, "{calls} commands for {POSTS} channels");
    let last = channels.last().expect("a channel");
    let socket = sockets.last_mut().expect("a socket");
    publish(&app, last, 7).await;
    assert_eq!(socket.event("test.event").await["d"]["number"], 7);
}

/// The channels of so many posts, made at once.
async fn channels_of_posts(app: &TestApp, author: &Session, count: usize) -> Vec<String> {
    let ids: Vec<String> = sqlx::query_scalar(
        "insert into post (post_id, author_id, content, audience, created_at)
         select gen_random_uuid(), $1::uuid, 'a post', 'public', now()
         from generate_series(1, $2) returning post_id::text",
    )
    .bind(&author.id)
    .bind(i64::try_from(count).expect("few"))
    .fetch_all(&app.db)
    .await
    .expect("posts");
    ids.iter().map(|id| format!("post:{id}")).collect()
}

/// Waits until so many channels of posts are listened to.
async fn wait_for_channels(redis: &OwnRedis, count: usize) {
    let waiting = async {
        loop {
            let mut heard = redis::cmd("PUBSUB");
            heard.arg("CHANNELS").arg("*live:post:*");
            let names: Vec<String> = redis.ask(&heard).await.unwrap_or_default();
            if names.len() == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.expect("all are listened to");
}
