//! What listeners of a channel learn of each other.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{PATIENCE, Socket};
use super::{QUICK, QUIET, beside, group, pair, post_of, second, subscribe, two_on};
use crate::support::{OwnRedis, Program, Session, TestApp, mode};

/// Follows what a socket is told of a room, from the beginning.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    people: Vec<String>,
    count: Option<u64>,
}

impl Seen {
    fn note(&mut self, event: &Value) {
        let user_id = || event["d"]["user_id"].as_str().expect("an id").to_owned();
        match event["t"].as_str() {
            Some("room.joined") => self.people.push(user_id()),
            Some("room.left") => self.people.retain(|known| *known != user_id()),
            Some("room.count") => {
                self.count = event["d"]["count"].as_u64();
                let named = event["d"]["user_ids"].as_array();
                let named = named.into_iter().flatten();
                let named = named.map(|id| id.as_str().expect("an id").to_owned());
                self.people = named.collect();
            }
            _ => return,
        }
        assert!(event.get("o").is_none(), "it is not kept: {event}");
        self.people.sort();
        self.people.dedup();
    }

    /// Reads on until exactly these people are there.
    async fn until(&mut self, socket: &mut Socket, people: &[&Session]) {
        let mut wanted: Vec<String> = people.iter().map(|one| one.id.clone()).collect();
        wanted.sort();
        let reading = async {
            while self.people != wanted {
                self.note(&socket.next().await.expect("it goes on"));
            }
        };
        let read = tokio::time::timeout(PATIENCE, reading).await;
        assert!(read.is_ok(), "{:?} and not {wanted:?}", self.people);
    }
}

/// A socket that listens to one channel.
async fn listening(person: &Session, url: &str, channel: &str) -> Socket {
    let mut socket = Socket::of(person, url).await;
    subscribe(&mut socket, channel).await;
    socket
}

#[tokio::test]
async fn those_in_a_conversation_see_each_other_come_and_go() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let there = beside(&app, &other);
    let (ada, bob) = app.friends("ada", "bob").await;
    let eve = app.person("eve").await;
    ada.befriend(&eve).await;
    let channel = group(&ada, &[&bob, &eve]).await;
    let mut hers = listening(&ada, &app.url, &channel).await;
    let mut seen = Seen::default();
    seen.until(&mut hers, &[&ada]).await;
    let mut his = listening(&bob, there, &channel).await;
    seen.until(&mut hers, &[&ada, &bob]).await;
    // Whoever comes is told who is there already.
    let mut told = Seen::default();
    told.until(&mut his, &[&ada, &bob]).await;
    // Another device of his is nobody else, and the first that goes is nobody who goes.
    let second = listening(&bob, &app.url, &channel).await;
    let eves = listening(&eve, there, &channel).await;
    seen.until(&mut hers, &[&ada, &bob, &eve]).await;
    second.goodbye().await;
    his.ask("unsubscribe", json!({"ch": channel})).await;
    seen.until(&mut hers, &[&ada, &eve]).await;
    eves.goodbye().await;
    seen.until(&mut hers, &[&ada]).await;
}

#[tokio::test]
async fn a_line_that_breaks_for_a_moment_is_nobody_who_goes() {
    // The grace is 1.2 seconds.
    let settings = [("KITH_LIVE_BEAT", "2s"), ("KITH_LIVE_PONG", "60s")];
    let app = TestApp::start_with(&settings).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&ada, &bob).await;
    let mut hers = listening(&ada, &app.url, &channel).await;
    let his = listening(&bob, &app.url, &channel).await;
    let mut seen = Seen::default();
    seen.until(&mut hers, &[&ada, &bob]).await;
    his.cut();
    // Several rounds pass, and the grace does not.
    tokio::time::sleep(Duration::from_millis(400)).await;
    let his = listening(&bob, &app.url, &channel).await;
    let rest = hers.rest(Duration::from_millis(1_500)).await;
    let told = rest.iter().filter(|event| event["ch"] == channel);
    assert_eq!(told.count(), 0, "{rest:?}");
    his.cut();
    seen.until(&mut hers, &[&ada]).await;
}

#[tokio::test]
async fn whoever_hides_is_not_told_of_and_learns_of_nobody() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let eve = app.person("eve").await;
    ada.befriend(&eve).await;
    let hide = |hides: bool| json!({"show_presence": !hides});
    bob.patch("/v1/me/settings", &hide(true))
        .await
        .expect_status(200);
    let channel = group(&ada, &[&bob, &eve]).await;
    let mut hers = listening(&ada, &app.url, &channel).await;
    let mut his = listening(&bob, &app.url, &channel).await;
    let _eves = listening(&eve, &app.url, &channel).await;
    let mut seen = Seen::default();
    seen.until(&mut hers, &[&ada, &eve]).await;
    let told = his.rest(QUIET).await;
    assert!(told.iter().all(|event| event["ch"] != channel), "{told:?}");
    // Shown again, he is there, and sees the others; hidden again, he is gone.
    bob.patch("/v1/me/settings", &hide(false))
        .await
        .expect_status(200);
    seen.until(&mut hers, &[&ada, &bob, &eve]).await;
    let mut his_own = Seen::default();
    his_own.until(&mut his, &[&ada, &bob, &eve]).await;
    bob.patch("/v1/me/settings", &hide(true))
        .await
        .expect_status(200);
    seen.until(&mut hers, &[&ada, &eve]).await;
}

#[tokio::test]
async fn those_between_whom_there_is_a_block_are_not_told_of_each_other() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let eve = app.person("eve").await;
    ada.befriend(&eve).await;
    let channel = group(&ada, &[&bob, &eve]).await;
    bob.set(&format!("/v1/users/{}/block", eve.id))
        .await
        .expect_status(200);
    let mut his = listening(&bob, &app.url, &channel).await;
    let mut eves = listening(&eve, &app.url, &channel).await;
    let mut hers = listening(&ada, &app.url, &channel).await;
    Seen::default().until(&mut hers, &[&ada, &bob, &eve]).await;
    let (mut his_seen, mut eves_seen) = (Seen::default(), Seen::default());
    his_seen.until(&mut his, &[&ada, &bob]).await;
    eves_seen.until(&mut eves, &[&ada, &eve]).await;
    for (socket, seen, other) in [
        (&mut his, &mut his_seen, &eve),
        (&mut eves, &mut eves_seen, &bob),
    ] {
        for event in socket.rest(QUIET).await {
            seen.note(&event);
            assert!(!event.to_string().contains(&other.id), "{event}");
        }
        assert!(seen.people.len() == 2, "{seen:?}");
    }
}

#[tokio::test]
async fn of_a_post_it_is_told_how_many_look_and_not_who() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let there = beside(&app, &other);
    let (ada, bob) = app.friends("ada", "bob").await;
    let (_post, channel) = post_of(&ada).await;
    let mut hers = listening(&ada, &app.url, &channel).await;
    let his = listening(&bob, there, &channel).await;
    let mut count = async |wanted: u64| {
        let told = hers.find(|frame| frame["t"] == "room.count" && frame["d"]["count"] == wanted);
        assert_eq!(told.await["d"], json!({"count": wanted}));
    };
    count(2).await;
    his.goodbye().await;
    count(1).await;
    let named = hers.rest(QUIET).await;
    assert!(
        named.iter().all(|event| event["t"] != "room.joined"),
        "{named:?}"
    );
}

#[tokio::test]
async fn however_many_come_at_once_each_is_told_once_in_a_round() {
    // A round a second.
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    let mut people = Vec::new();
    for number in 0..24 {
        people.push(app.person(&format!("p{number}_")).await);
    }
    let mut hers = listening(&ada, &app.url, &channel).await;
    let began = Instant::now();
    let coming = people
        .iter()
        .map(|person| listening(person, &app.url, &channel));
    let sockets = futures_util::future::join_all(coming).await;
    let mut events = hers.rest(Duration::from_millis(1_500)).await;
    events.retain(|event| event["t"] == "room.count");
    let last = events.last().expect("they are counted");
    assert_eq!(last["d"]["count"], 25);
    let seconds = usize::try_from(began.elapsed().as_secs()).expect("few") + 1;
    let told = events.len();
    assert!(told <= seconds, "{told} events in {seconds} seconds");
    drop(sockets);
}

#[tokio::test]
async fn nobody_has_gone_because_redis_has_forgotten_them() {
    let redis = OwnRedis::start().await;
    let (app, other) = two_on(&redis, "5s", &[]).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let (eve, mal) = (app.person("eve").await, app.person("mal").await);
    ada.befriend(&eve).await;
    ada.befriend(&mal).await;
    let channel = group(&ada, &[&bob, &eve, &mal]).await;
    let mut hers = listening(&ada, &app.url, &channel).await;
    let mut his = listening(&bob, &other.url, &channel).await;
    let (mut seen, mut his_seen) = (Seen::default(), Seen::default());
    seen.until(&mut hers, &[&ada, &bob]).await;
    his_seen.until(&mut his, &[&ada, &bob]).await;
    let key = app.ctx.redis().key(format!("live:room:{channel}"));
    let mut lose_one = redis::cmd("DEL");
    lose_one.arg(key);
    let mut all = vec![&ada, &bob];
    let mut sockets = Vec::new();
    for (lose, who) in [(lose_one, &eve), (redis::cmd("FLUSHALL"), &mal)] {
        redis.ask::<()>(&lose).await.expect("it is lost");
        sockets.push(listening(who, &app.url, &channel).await);
        all.push(who);
        for (socket, seen) in [(&mut hers, &mut seen), (&mut his, &mut his_seen)] {
            seen.until(socket, &all).await;
            let rest = socket.rest(Duration::from_millis(1_500)).await;
            // Being told once more who is there does no harm.
            let told = rest.iter().filter(|event| event["ch"] == channel);
            let mut fewer = told.filter(|event| event["d"]["count"] != all.len());
            assert_eq!(fewer.next(), None, "{rest:?}");
        }
    }
    // And who goes is seen to go.
    his.goodbye().await;
    seen.until(&mut hers, &[&ada, &eve, &mal]).await;
}

#[tokio::test]
async fn those_who_listened_to_an_instance_that_dies_are_gone_soon() {
    if !mode::needs("a Redis", mode::has_redis()) {
        return;
    }
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&ada, &bob).await;
    let mut hers = listening(&ada, &app.url, &channel).await;
    let program = Program::start(&app, QUICK);
    let _his = listening(&bob, &program.url, &channel).await;
    let mut seen = Seen::default();
    seen.until(&mut hers, &[&ada, &bob]).await;
    program.signal(nix::sys::signal::Signal::SIGKILL);
    seen.until(&mut hers, &[&ada]).await;
}
