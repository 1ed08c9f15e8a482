//! What an instance hears in Redis is exactly what somebody there listens to, also after Redis was gone.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::{PATIENCE, Socket};
use super::line::Stream;
use super::{post_of, publish, subscribe};
use crate::support::{OwnRedis, Session, TestApp};

/// A channel that is left is forgotten within two seconds; whoever is away for a moment is not let go.
const SETTINGS: &[(&str, &str)] = &[("KITH_LIVE_BEAT", "5s"), ("KITH_LIVE_PONG", "60s")];

/// By so much an instance hears again what it is to hear, once Redis answers.
const SOON: Duration = Duration::from_secs(2);

/// An instance beside its own Redis.
struct Scene {
    redis: OwnRedis,
    app: TestApp,
}

impl Scene {
    async fn set() -> Self {
        let redis = OwnRedis::start().await;
        let url = redis.url();
        let app = TestApp::start_with(&[&[("REDIS_URL", url.as_str())], SETTINGS].concat()).await;
        app.wait_for_redis().await;
        Self { redis, app }
    }

    /// The channels of Redis that somebody has subscribed to, or nothing while it does not answer.
    async fn heard(&self) -> Option<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        for kind in ["CHANNELS", "SHARDCHANNELS"] {
            let mut asked = redis::cmd("PUBSUB");
            asked.arg(kind);
            let some: Vec<String> = self.redis.ask(&asked).await.ok()?;
            names.extend(some);
        }
        Some(names)
    }

    /// Whether those are the channels of ours, the one for many and that of the probes, each once.
    async fn is_heard(&self, wanted: &BTreeSet<String>) -> bool {
        let Some(mut heard) = self.heard().await else {
            return false;
        };
        let prefix = self.app.ctx.redis().key("live:");
        let many = format!("{prefix}many:00000000-0000-0000-0000-000000000000");
        let probes = format!("{prefix}canary:");
        let is_own = heard.remove(&many);
        let before = heard.len();
        heard.retain(|name| !name.starts_with(&probes));
        let wanted = wanted.iter().map(|channel| format!("{prefix}{channel}"));
        is_own && before == heard.len() + 1 && heard == wanted.collect()
    }

    /// Waits for that, and gives how long it took.
    async fn until_heard(&self, wanted: &BTreeSet<String>) -> Duration {
        let began = Instant::now();
        while !self.is_heard(wanted).await {
            let heard = self.heard().await;
            let is_late = began.elapsed() > PATIENCE;
            assert!(!is_late, "{heard:#?} instead of {wanted:#?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        began.elapsed()
    }

    /// Waits until all of those are heard, and gives how long it took. What was `left` while nobody could be told so
    /// may be heard for a while yet; anything else may not.
    async fn until_heard_at_least(&self, wanted: &BTreeSet<String>, left: &[String]) -> Duration {
        let began = Instant::now();
        loop {
            for count in 0..1 << left.len() {
                let also = left.iter().enumerate();
                let also = also.filter(|(place, _)| count >> place & 1 == 1);
                let also = also.map(|(_, channel)| channel.clone());
                let most = wanted.iter().cloned().chain(also).collect();
                if self.is_heard(&most).await {
                    return began.elapsed();
                }
            }
            let is_late = began.elapsed() > PATIENCE;
            assert!(!is_late, "{:#?}", self.heard().await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// How often each channel is heard: nobody may hear it twice.
    async fn expect_once(&self, wanted: &BTreeSet<String>) {
        let mut asked = redis::cmd("PUBSUB");
        asked.arg("NUMSUB");
        for channel in wanted {
            let topic = format!("live:{channel}");
            asked.arg(self.app.ctx.redis().key(topic));
        }
        let counts: Vec<(String, i64)> = self.redis.ask(&asked).await.expect("it answers");
        assert!(counts.iter().all(|(_, count)| *count == 1), "{counts:?}");
        let patterns: i64 = self
            .redis
            .ask(redis::cmd("PUBSUB").arg("NUMPAT"))
            .await
            .expect("it answers");
        assert_eq!(patterns, 0);
    }
}

/// What everybody listens to who is connected.
fn own(people: &[&Session]) -> BTreeSet<String> {
    let inboxes = people.iter().map(|person| format!("user:{}", person.id));
    let everybody = "all:00000000-0000-0000-0000-000000000000".to_owned();
    inboxes.chain([everybody]).collect()
}

#[tokio::test]
async fn after_redis_has_begun_anew_exactly_what_is_listened_to_is_heard_within_two_seconds() {
    let mut scene = Scene::set().await;
    let (ada, bob) = (scene.app.person("ada").await, scene.app.person("bob").await);
    let eve = scene.app.person("eve").await;
    let mut posts = Vec::new();
    for _ in 0..6 {
        posts.push(post_of(&ada).await.1);
    }
    let mut hers = Socket::of(&ada, &scene.app.url).await;
    let mut again = Socket::of(&ada, &scene.app.url).await;
    let mut his = Socket::of(&bob, &scene.app.url).await;
    for (socket, channels) in [
        (&mut hers, &posts[..3]),
        (&mut again, &posts[..1]),
        (&mut his, &posts[2..4]),
    ] {
        for channel in channels {
            subscribe(socket, channel).await;
        }
    }
    let mut stream = Stream::open(&eve, &format!("?chs={}", posts[4]), None).await;
    stream.find(|frame| frame["op"] == "hello").await;
    let mut wanted = own(&[&ada, &bob, &eve]);
    wanted.extend(posts[..5].iter().cloned());
    scene.until_heard(&wanted).await;
    scene.expect_once(&wanted).await;
    // It comes back as it went: nothing has changed.
    scene.redis.restart().await;
    let took = scene.until_heard(&wanted).await;
    assert!(took < SOON, "{took:?}");
    scene.expect_once(&wanted).await;
    // While it is away somebody comes, somebody goes, and channels are joined and left.
    scene.redis.kill();
    subscribe(&mut his, &posts[5]).await;
    hers.ask("unsubscribe", json!({"chs": [&posts[1], &posts[2]]}))
        .await;
    drop(stream);
    let kim = scene.app.person("kim").await;
    let _comes = Socket::of(&kim, &scene.app.url).await;
    let mut wanted = own(&[&ada, &bob, &kim]);
    wanted.extend([0, 2, 3, 5].map(|number| posts[number].clone()));
    scene.redis.restart().await;
    let left = [
        posts[1].clone(),
        posts[4].clone(),
        format!("user:{}", eve.id),
    ];
    let took = scene.until_heard_at_least(&wanted, &left).await;
    assert!(took < SOON, "{took:?}");
    scene.until_heard(&wanted).await;
    scene.expect_once(&wanted).await;
    publish(&scene.app, &posts[5], 7).await;
    assert_eq!(his.event("test.event").await["d"]["number"], 7);
    // And what is left by its last listener is heard no more.
    his.goodbye().await;
    let mut wanted = own(&[&ada, &kim]);
    wanted.insert(posts[0].clone());
    scene.until_heard(&wanted).await;
}
