//! A process dies between its commit and its voids: nothing stale outlives the next look at the
//! table of voids.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};

use super::pair_on;
use crate::support::{OwnRedis, Program, Proxy, Session, TestApp};

/// So many processes die.
const DEATHS: usize = 100;

/// Posts of one person, each read once.
async fn posts(app: &TestApp) -> Vec<String> {
    let author = app.person("author").await;
    let audience = json!("public");
    let mut posts = Vec::with_capacity(DEATHS);
    for _ in 0..DEATHS {
        posts.push(author.post_to(&audience, "before").await);
    }
    assert!(
        contents(app, &posts)
            .await
            .iter()
            .all(|said| said == "before")
    );
    posts
}

async fn contents(app: &TestApp, posts: &[String]) -> Vec<Value> {
    let anyone = app.anyone();
    let mut contents = Vec::with_capacity(posts.len());
    for post in posts {
        let seen = anyone.get(&format!("/v1/posts/{post}")).await;
        contents.push(seen.expect_status(200).json["content"].clone());
    }
    contents
}

/// What a process leaves that dies right after its commit: the change and the row that says what it
/// voids, and nothing in Redis. The trigger writes that row on any connection.
async fn commit_and_die(app: &TestApp, post: &str) {
    sqlx::query("update post set content = 'committed' where post_id = $1::uuid")
        .bind(post)
        .execute(&app.db)
        .await
        .expect("a commit");
}

#[tokio::test]
async fn a_hundred_commits_without_their_voids_are_seen_by_an_instance_that_runs() {
    let app = TestApp::start().await;
    let posts = posts(&app).await;
    for post in &posts {
        commit_and_die(&app, post).await;
    }
    super::soon("all posts are right", async || {
        let contents = contents(&app, &posts).await;
        contents.iter().all(|said| said == "committed")
    })
    .await;
}

#[tokio::test]
async fn a_hundred_commits_without_their_voids_are_seen_by_the_next_instance_at_once() {
    let mut app = TestApp::start().await;
    // Redis has them all, and nobody runs who could void them.
    let posts = posts(&app).await;
    app.stop();
    for post in &posts {
        commit_and_die(&app, post).await;
    }
    let next = app.start_beside(&[]).await;
    for said in contents(&next, &posts).await {
        assert_eq!(said, "committed");
    }
}

/// The name of a person in the database.
async fn true_name(app: &TestApp, who: &Session) -> String {
    sqlx::query_scalar("select display_name from account where user_id = $1::uuid")
        .bind(&who.id)
        .fetch_one(&app.db)
        .await
        .expect("a name")
}

/// How many real processes are killed.
fn kills() -> u64 {
    let kills = std::env::var("KITH_TEST_KILLS");
    kills.map_or(4, |kills| kills.parse().expect("a number"))
}

/// Kills a real process in the middle of writes. `KITH_TEST_KILLS` says how often.
#[tokio::test]
async fn processes_that_are_killed_at_any_instant_leave_nothing_stale() {
    let kills = kills();
    let app = TestApp::start().await;
    let people = join_all((0..8).map(|_| app.person("person"))).await;
    for kill in 0..kills {
        let mut program = Program::start(&app, &[]);
        let url = program.url.clone();
        let writing = join_all(people.iter().map(async |who| {
            let writer = who.at(&url);
            for number in 0.. {
                let body = json!({"display_name": format!("{kill} {number}")});
                let request = writer.request(Method::PATCH, "/v1/me").json(&body);
                if request.send().await.is_err() {
                    return;
                }
                // Held in the process and in Redis by the one that stays.
                app.anyone().get(&format!("/v1/users/{}", who.id)).await;
            }
        }));
        let killing = async {
            tokio::time::sleep(Duration::from_millis(60 + 17 * (kill % 7))).await;
            program.signal(Signal::SIGKILL);
            program.ended().await
        };
        tokio::join!(writing, killing);
        let killed = Instant::now();
        for who in &people {
            let truth = true_name(&app, who).await;
            let path = format!("/v1/users/{}", who.id);
            while app.anyone().get(&path).await.json["display_name"] != truth {
                assert!(killed.elapsed() < Duration::from_secs(2), "kill {kill}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Kills a real process that has committed and whose voids have not reached Redis. `KITH_TEST_KILLS` says how often.
#[tokio::test]
async fn processes_that_are_killed_between_commit_and_voids_leave_nothing_stale() {
    let redis = OwnRedis::start().await;
    let Some((one, other)) = pair_on(&redis).await else {
        return;
    };
    let proxy = Proxy::before(&redis).await;
    let who = one.person("person").await;
    let path = format!("/v1/users/{}", who.id);
    let name = async |app: &TestApp| {
        let seen = app.anyone().get(&path).await.expect_status(200);
        seen.json["display_name"].clone()
    };
    let mut stale = 0;
    for kill in 0..kills() {
        let mut program = Program::start(&one, &[("REDIS_URL", &proxy.redis_url())]);
        let writer = who.at(&program.url);
        super::soon("it is ready", async || {
            writer.get("/readyz").await.status == 200
        })
        .await;
        for app in [&one, &other, &one, &other] {
            name(app).await;
        }
        proxy.lose_all(true);
        let wanted = format!("name {kill}");
        let body = json!({"display_name": wanted});
        let request = writer.request(Method::PATCH, "/v1/me").json(&body);
        let writing = tokio::spawn(request.send());
        while true_name(&one, &who).await != wanted {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        program.signal(Signal::SIGKILL);
        program.ended().await;
        let killed = Instant::now();
        // Once it knows that Redis is away, it may have answered just before.
        drop(writing.await.expect("no panic"));
        proxy.lose_all(false);
        for app in [&one, &other] {
            while name(app).await != wanted {
                stale += 1;
                assert!(killed.elapsed() < Duration::from_secs(2), "kill {kill}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    assert!(stale > 0, "no process was killed between the two");
}
