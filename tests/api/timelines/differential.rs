//! Random operations over two instances with timelines and one without: at any moment all of them
//! show the same feed. A failure names its seed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::{is_built, is_redis_there, key, run, wait_until_fanned_out};
use crate::support::{OwnRedis, Session, TestApp};

const PEOPLE: usize = 6;
const OPERATIONS: usize = 140;

struct World {
    apps: Vec<TestApp>,
    plain: TestApp,
    people: Vec<Session>,
    /// The same people at every instance, the one without timelines last.
    sessions: Vec<Vec<Session>>,
    posts: Vec<(usize, String)>,
    rng: StdRng,
    log: Vec<String>,
    from_timelines: usize,
    suspended: bool,
    /// Its own, which may be emptied.
    redis: OwnRedis,
}

#[tokio::test]
async fn feeds_from_timelines_equal_feeds_from_postgres() {
    compare_for_long(1, "5000").await;
}

#[tokio::test]
async fn feeds_that_fetch_the_posts_of_some_authors_equal_feeds_from_postgres() {
    compare_for_long(2, "3").await;
}

async fn compare_for_long(seed: u64, pull_above: &str) {
    if !is_redis_there() {
        return;
    }
    let mut world = World::new(seed, pull_above).await;
    for number in 0..OPERATIONS {
        let told = world.operate().await;
        world.log.push(format!("{number}: {told}"));
        let viewer = world.any(PEOPLE);
        world.compare(seed, viewer).await;
    }
    for viewer in 0..PEOPLE {
        world.compare(seed, viewer).await;
    }
    let from_timelines = world.from_timelines;
    assert!(
        from_timelines > OPERATIONS / 4,
        "only {from_timelines} feeds came from timelines"
    );
}

impl World {
    async fn new(seed: u64, pull_above: &str) -> Self {
        let redis = OwnRedis::start().await;
        let url = redis.url();
        let settings = [
            ("KITH_FEED_PULL_ABOVE", pull_above),
            ("REDIS_URL", url.as_str()),
        ];
        let first = TestApp::start_with(&settings).await;
        let second = first.start_beside(&settings).await;
        let plain = first
            .start_beside(&[("KITH_CACHE", "off"), settings[0], settings[1]])
            .await;
        for app in [&first, &second, &plain] {
            app.wait_for_redis().await;
        }
        let mut people = Vec::new();
        for number in 0..PEOPLE {
            people.push(first.person(&format!("someone{number}x")).await);
        }
        let urls = [&first.url, &second.url, &plain.url];
        let sessions = urls.map(|url| people.iter().map(|person| person.at(url)).collect());
        Self {
            sessions: sessions.into(),
            apps: vec![first, second],
            plain,
            people,
            posts: Vec::new(),
            rng: StdRng::seed_from_u64(seed),
            log: Vec::new(),
            from_timelines: 0,
            suspended: false,
            redis,
        }
    }

    fn any(&mut self, below: usize) -> usize {
        self.rng.random_range(0..below)
    }

    /// A person at one of the three instances.
    fn actor(&mut self, person: usize) -> Session {
        let number = self.any(3);
        self.sessions[number][person].clone()
    }

    fn audience(&mut self, author: usize) -> Value {
        let other = (author + 1 + self.any(PEOPLE - 1)) % PEOPLE;
        match self.any(7) {
            0..3 => json!("public"),
            3..5 => json!("friends"),
            5 => json!("only_me"),
            _ => json!({"kind": "custom", "deny": [self.people[other].id]}),
        }
    }

    async fn operate(&mut self) -> String {
        let one = self.any(PEOPLE);
        let other = (one + 1 + self.any(PEOPLE - 1)) % PEOPLE;
        match self.any(23) {
            0..5 => self.post(one).await,
            5..9 if !self.posts.is_empty() => self.change_post().await,
            9 => self.marks(one).await,
            10..12 => self.lose(one).await,
            12..14 if !self.posts.is_empty() => self.discuss(one).await,
            14 if !self.suspended => self.suspend(one).await,
            _ => self.relate(one, other).await,
        }
    }

    async fn post(&mut self, author: usize) -> String {
        let audience = self.audience(author);
        let session = self.actor(author);
        let body = json!({"content": "something", "audience": audience});
        let reply = session.post("/v1/posts", &body).await;
        if reply.status == 201 {
            self.posts.push((author, reply.id()));
        }
        format!("{author} posts to {audience}: {}", reply.status)
    }

    async fn change_post(&mut self) -> String {
        let number = self.any(self.posts.len());
        let (author, id) = self.posts[number].clone();
        let session = self.actor(author);
        let path = format!("/v1/posts/{id}");
        let (what, status) = match self.any(6) {
            0 => ("delete", session.delete(&path).await.status),
            1 => (
                "restore",
                session.act(&format!("{path}/restore")).await.status,
            ),
            2 => {
                let body = json!({"content": format!("changed {number}")});
                ("edit", session.patch(&path, &body).await.status)
            }
            _ => {
                let body = json!({"audience": self.audience(author)});
                ("audience", session.patch(&path, &body).await.status)
            }
        };
        format!("{what} of post {number} by {author}: {status}")
    }

    /// What changes the counters of a post.
    async fn discuss(&mut self, person: usize) -> String {
        let number = self.any(self.posts.len());
        let path = format!("/v1/posts/{}", self.posts[number].1);
        let session = self.actor(person);
        let (what, status) = match self.any(3) {
            0 => {
                let body = json!({"content": "a comment"});
                let made = session.post(&format!("{path}/comments"), &body).await;
                ("comments on", made.status)
            }
            1 => {
                let body = json!({"kind": "love"});
                let given = session.put(&format!("{path}/reaction"), &body).await;
                ("loves", given.status)
            }
            _ => {
                let taken = session.delete(&format!("{path}/reaction")).await;
                ("loves no more", taken.status)
            }
        };
        format!("{person} {what} {number}: {status}")
    }

    async fn marks(&mut self, viewer: usize) -> String {
        if self.posts.is_empty() {
            return "nothing".to_owned();
        }
        let number = self.any(self.posts.len());
        let path = format!("/v1/posts/{}/hidden", self.posts[number].1);
        let session = self.actor(viewer);
        let status = match self.any(2) {
            0 => session.set(&path).await.status,
            _ => session.delete(&path).await.status,
        };
        format!("{viewer} hides or shows {number}: {status}")
    }

    async fn relate(&mut self, one: usize, other: usize) -> String {
        let (session, peer) = (self.actor(one), self.people[other].clone());
        let user = format!("/v1/users/{}", peer.id);
        let (what, status) = match self.any(10) {
            0..3 => {
                let body = json!({"user_id": peer.id});
                let asked = session.post("/v1/friend-requests", &body).await;
                if asked.status == 201 {
                    let path = format!("/v1/friend-requests/{}/accept", asked.id());
                    let peer = self.actor(other);
                    peer.act(&path).await;
                }
                ("befriends", asked.status)
            }
            3 => {
                let path = format!("/v1/friends/{}", peer.id);
                ("unfriends", session.delete(&path).await.status)
            }
            4..6 => (
                "follows",
                session.set(&format!("{user}/follow")).await.status,
            ),
            6 => (
                "unfollows",
                session.delete(&format!("{user}/follow")).await.status,
            ),
            7 => {
                let blocked = session.set(&format!("{user}/block")).await.status;
                if self.any(3) > 0 {
                    session.delete(&format!("{user}/block")).await;
                }
                ("blocks", blocked)
            }
            8 => (
                "unblocks",
                session.delete(&format!("{user}/block")).await.status,
            ),
            _ => match self.any(2) {
                0 => ("mutes", session.set(&format!("{user}/mute")).await.status),
                _ => (
                    "unmutes",
                    session.delete(&format!("{user}/mute")).await.status,
                ),
            },
        };
        format!("{one} {what} {other}: {status}")
    }

    /// By hand in the database, and back again after a look.
    async fn suspend(&mut self, person: usize) -> String {
        self.suspended = true;
        let id: uuid::Uuid = self.people[person].id.parse().expect("a UUID");
        let viewer = (person + 1) % PEOPLE;
        for state in ["suspended", "active"] {
            sqlx::query("update account set state = $2 where user_id = $1")
                .bind(id)
                .bind(state)
                .execute(&self.plain.db)
                .await
                .expect("the account changes");
            // Until the relay has delivered it to every instance.
            tokio::time::sleep(Duration::from_millis(700)).await;
            self.log.push(format!("{person} is {state}"));
            self.compare(0, viewer).await;
        }
        format!("{person} was suspended")
    }

    /// Takes something away from Redis, or all that it holds.
    async fn lose(&mut self, person: usize) -> String {
        let what = self.any(9);
        if what == 0 {
            let emptied = self.redis.ask::<()>(&redis::cmd("FLUSHALL")).await;
            emptied.expect("Redis is emptied");
            return "all is lost".to_owned();
        }
        let app = &self.apps[0];
        // Since Redis was emptied nobody may have had a word with it.
        app.ctx.cache().step().await;
        let Some(epoch) = app.ctx.cache().epoch() else {
            return "nothing is there to be lost".to_owned();
        };
        let kind = ["timeline", "author-timeline"][what % 2];
        let id = &self.people[person].id;
        let line = key(app, &format!("{kind}:{id}:v2"));
        match what {
            1..3 => run::<i64>(app, &[b"DEL", line.as_bytes()]).await,
            3 => {
                let first: Vec<Vec<u8>> = run(app, &[b"ZRANGE", line.as_bytes(), b"0", b"0"]).await;
                match first.first() {
                    Some(mark) => run(app, &[b"ZREM", line.as_bytes(), mark]).await,
                    None => 0,
                }
            }
            4..6 => {
                let tag = format!("{kind}:{id}");
                let stamp = app.ctx.cache().tag_key(epoch, &tag);
                run(app, &[b"DEL", stamp.as_bytes()]).await
            }
            6 => {
                // What is on its way is known there alone.
                wait_until_fanned_out(app).await;
                let pending = key(app, "pending");
                run(app, &[b"DEL", pending.as_bytes()]).await
            }
            _ => trim(app, &line).await,
        };
        format!("something of {person} is lost: {what}")
    }

    async fn compare(&mut self, seed: u64, viewer: usize) {
        let app = &self.apps[0];
        let has_epoch = app.ctx.cache().epoch().is_some();
        if has_epoch && is_built(app, &self.people[viewer].id).await {
            self.from_timelines += 1;
        }
        let expected = shown(&self.sessions[2][viewer].walk("/v1/feed", 100).await);
        let limit = [3, 7, 20][self.any(3)];
        let number = self.any(2);
        let session = self.sessions[number][viewer].clone();
        let found = shown(&session.walk("/v1/feed", limit).await);
        assert_eq!(
            found,
            expected,
            "seed {seed}, viewer {viewer} at {number}, pages of {limit}:\n{}",
            self.log.join("\n")
        );
    }
}

/// What pushes into a full timeline do: the lowest posts go and the mark moves up.
async fn trim(app: &TestApp, line: &str) -> i64 {
    let all: Vec<Vec<u8>> = run(
        app,
        &[b"ZRANGE", line.as_bytes(), b"0", b"-1", b"WITHSCORES"],
    )
    .await;
    let pairs: Vec<&[Vec<u8>]> = all.chunks(2).collect();
    let Some((mark, posts)) = pairs.split_first() else {
        return 0;
    };
    if mark[0].first() != Some(&b'm') || posts.len() < 3 {
        return 0;
    }
    let low = posts[1];
    let moved = [&mark[0][..17], &low[0], &low[1]].concat();
    run::<i64>(app, &[b"ZREM", line.as_bytes(), &posts[0][0], &mark[0]]).await;
    run(app, &[b"ZADD", line.as_bytes(), b"-inf", &moved]).await
}

/// What is compared of each post: which one it is, what it says, and its numbers.
fn shown(items: &[Value]) -> Vec<String> {
    let words = items.iter().map(|item| {
        let id = item["id"].as_str().expect("an id");
        format!("{id} {} {}", item["content"], item["counts"])
    });
    words.collect()
}
