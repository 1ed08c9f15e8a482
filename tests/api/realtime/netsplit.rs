//! One of two instances is cut off from Redis alone: each side says what it knows, and both agree soon after.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{PATIENCE, Socket};
use super::presence::{state_of, wait_for};
use super::subscribe;
use crate::support::{OwnRedis, Proxy, Session, TestApp};

/// Somebody counts as there for 3.6 seconds, where that is 45 by default: what is promised within a minute comes
/// within five seconds.
const SETTINGS: [(&str, &str); 2] = [("KITH_LIVE_BEAT", "2s"), ("KITH_LIVE_PONG", "60s")];

/// Two instances, of which the second can be cut off from their Redis, and people who are friends of the one
/// who watches.
struct Scene {
    line: Proxy,
    here: TestApp,
    cut_off: TestApp,
    ada: Session,
    /// Who stays on either side.
    stays: [Session; 2],
    /// Who goes on either side meanwhile.
    goes: [Session; 2],
    /// Who comes on either side meanwhile.
    comes: [Session; 2],
    _redis: OwnRedis,
}

impl Scene {
    async fn set() -> Self {
        let redis = OwnRedis::start().await;
        let line = Proxy::before(&redis).await;
        let (url, by_line) = (redis.url(), line.redis_url());
        let on = |url| [&[("REDIS_URL", url)], &SETTINGS[..]].concat();
        let here = TestApp::start_with(&on(&url)).await;
        let cut_off = here.start_beside(&on(&by_line)).await;
        here.wait_for_redis().await;
        cut_off.wait_for_redis().await;
        let ada = here.person("ada").await;
        let mut friends = Vec::new();
        for name in ["bob", "eve", "kim", "lea", "mia", "tom"] {
            let friend = here.person(name).await;
            ada.befriend(&friend).await;
            friends.push(friend);
        }
        let mut pair = || [friends.remove(0), friends.remove(0)];
        Self {
            stays: pair(),
            goes: pair(),
            comes: pair(),
            line,
            here,
            cut_off,
            ada,
            _redis: redis,
        }
    }

    /// The instances, and who is at each of them.
    fn sides(&self) -> [&str; 2] {
        [&self.here.url, &self.cut_off.url]
    }

    /// A socket that watches all of them.
    async fn watch(&self, url: &str) -> Socket {
        let mut socket = Socket::of(&self.ada, url).await;
        for friend in self.stays.iter().chain(&self.goes).chain(&self.comes) {
            subscribe(&mut socket, &format!("presence:{}", friend.id)).await;
        }
        socket
    }
}

/// What a socket was told of somebody.
fn is_told(person: &Session, state: &str) -> impl Fn(&Value) -> bool {
    let d = json!({"user_id": person.id, "state": state});
    move |frame| frame["t"] == "presence.changed" && frame["d"] == d
}

/// The states of somebody that a socket is told until then.
async fn told_until(socket: &mut Socket, person: &Session, until: Instant) -> Vec<Value> {
    let mut told = Vec::new();
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        let Ok(frame) = tokio::time::timeout(left, socket.next()).await else {
            break;
        };
        let frame = frame.expect("it stays open");
        if frame["t"] == "presence.changed" && frame["d"]["user_id"] == person.id {
            told.push(frame["d"]["state"].clone());
        }
    }
    told
}

#[tokio::test]
async fn an_instance_that_is_cut_off_from_redis_leaves_no_ghosts_and_sends_nobody_away() {
    let scene = Scene::set().await;
    let [here, there] = scene.sides();
    let [eve, bob] = &scene.stays;
    let _stay = (Socket::of(eve, here).await, Socket::of(bob, there).await);
    let (lea, kim) = (&scene.goes[0], &scene.goes[1]);
    let (leas, kims) = (Socket::of(lea, here).await, Socket::of(kim, there).await);
    let (tom, mia) = (&scene.comes[0], &scene.comes[1]);
    let (ada, ada_there) = (&scene.ada, scene.ada.at(there));
    for friend in [eve, bob, lea, kim] {
        wait_for(ada, friend, "online").await;
    }
    let (mut watches, mut cut_off) = (scene.watch(here).await, scene.watch(there).await);
    scene.line.cut().await;
    // On the side that is cut off it is said of those on the other that nobody knows.
    cut_off.find(is_told(eve, "stale")).await;
    assert_eq!(state_of(&ada_there, eve).await, "stale");
    assert_eq!(state_of(&ada_there, bob).await, "online");
    // One goes and one comes, on either side.
    leas.goodbye().await;
    kims.goodbye().await;
    let _come = (Socket::of(tom, here).await, Socket::of(mia, there).await);
    watches.find(is_told(lea, "offline")).await;
    watches.find(is_told(tom, "online")).await;
    // Longer than any lease.
    let over = Instant::now() + Duration::from_millis(4_500);
    let told = told_until(&mut watches, eve, over).await;
    assert!(!told.contains(&json!("offline")), "{told:?}");
    assert_eq!(state_of(ada, eve).await, "online");
    // Who went from the side that is cut off is no ghost, although nobody could say so.
    wait_for(ada, kim, "offline").await;
    let before = told_until(
        &mut cut_off,
        eve,
        Instant::now() + Duration::from_millis(100),
    )
    .await;
    let sent_away = [json!("offline"), json!("away")];
    assert!(
        !before.iter().any(|state| sent_away.contains(state)),
        "{before:?}"
    );
    scene.line.restore().await;
    let began = Instant::now();
    for viewer in [ada, &ada_there] {
        for (friend, state) in [
            (eve, "online"),
            (bob, "online"),
            (tom, "online"),
            (mia, "online"),
            (lea, "offline"),
            (kim, "offline"),
        ] {
            wait_for(viewer, friend, state).await;
        }
    }
    // Whoever watches on either side is told the same, and eve was never away.
    watches.find(is_told(mia, "online")).await;
    cut_off.find(is_told(lea, "offline")).await;
    cut_off.find(is_told(eve, "online")).await;
    let after = told_until(
        &mut cut_off,
        eve,
        Instant::now() + Duration::from_millis(500),
    )
    .await;
    assert!(!after.contains(&json!("offline")), "{after:?}");
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}
