//! The cache for administrators, and its checker.

use std::time::{Duration, Instant};

use kith::domains::comments::COMMENT_COUNTS;
use kith::infra::cache::{Check, Tally};
use kith::kernel::CommentId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{OwnRedis, Session, TestApp, mode};

const SOON: Duration = Duration::from_millis(100);
/// Longer than voids take that the relay delivers.
const CALM: Duration = Duration::from_millis(700);
const SPACE: &str = "comment-counts";

fn is_shared() -> bool {
    mode::needs("a shared cache", mode::has_shared_cache())
}

/// A comment that has been read, and so is cached.
async fn comment(app: &TestApp) -> (Session, String, CommentId) {
    let alice = app.person("alice").await;
    let post_id = alice.post_to(&json!({"kind": "public"}), "hello").await;
    let comment_id = alice.comment_on(&post_id, "first").await;
    let path = format!("/v1/posts/{post_id}/comments");
    alice.get(&path).await.expect_status(200);
    (alice, path, comment_id.parse().expect("an id"))
}

/// Stores a number that Postgres doesn't have, under the right stamps, in Redis and in the process.
async fn plant(app: &TestApp, comment_id: CommentId) {
    let cache = app.ctx.cache();
    let ticket = cache.ticket(&COMMENT_COUNTS, &[comment_id]).await;
    assert_eq!(
        cache.put(&COMMENT_COUNTS, ticket, 41).await,
        mode::has_shared_cache(),
        "it is in Redis too"
    );
}

async fn verify(app: &TestApp, name: &str, grace: Duration) -> Option<Tally> {
    let mut spaces = kith::app::spaces().into_iter();
    let space = spaces.find(|space| space.name == name).expect("a space");
    let check = Check { grace, limit: None };
    let checked = space.verify(app.ctx.cache(), &check).await;
    checked.expect("both servers answer")
}

#[tokio::test]
async fn what_is_cached_right_makes_nines() {
    if !is_shared() {
        return;
    }
    let app = TestApp::start().await;
    let (alice, path, _) = comment(&app).await;
    let bob = app.person("bob").await;
    bob.befriend(&alice).await;
    for path in [
        path.as_str(),
        "/v1/feed",
        "/v1/me",
        "/v1/friends",
        "/v1/circles",
    ] {
        bob.get(path).await.expect_status(200);
    }
    let mut all = Tally::default();
    for space in kith::app::spaces() {
        if let Some(tally) = verify(&app, space.name, CALM).await {
            assert_eq!((tally.wrong, tally.unreadable), (0, 0), "{}", space.name);
            all.add(&tally);
        }
    }
    assert!(all.checked >= 10, "{all:?}");
    assert!(
        all.nines()
            .is_some_and(|nines| nines.at_least && nines.nines >= 1.0)
    );
}

#[tokio::test]
async fn a_planted_entry_is_found_in_redis() {
    if !is_shared() {
        return;
    }
    let app = TestApp::start().await;
    let (_, _, comment_id) = comment(&app).await;
    plant(&app, comment_id).await;
    let found = verify(&app, SPACE, SOON).await.expect("it has a walk");
    assert_eq!((found.checked, found.wrong), (1, 1));
    assert_eq!(found.wrong_keys, [format!("{SPACE}:{comment_id}")]);
}

#[tokio::test]
async fn an_entry_that_ends_within_the_grace_is_not_wrong() {
    if !is_shared() {
        return;
    }
    let app = TestApp::start().await;
    let (_, path, comment_id) = comment(&app).await;
    plant(&app, comment_id).await;
    let ending = async {
        tokio::time::sleep(SOON).await;
        app.ctx.cache().remove(&COMMENT_COUNTS, &comment_id).await;
        // Another one takes its place.
        app.anyone().get(&path).await.expect_status(200);
    };
    let (found, ()) = tokio::join!(verify(&app, SPACE, SOON * 4), ending);
    let found = found.expect("it has a walk");
    assert_eq!((found.checked, found.settled, found.wrong), (1, 1, 0));
}

#[tokio::test]
async fn a_process_finds_a_planted_entry_among_its_own_answers() {
    if !is_shared() {
        return;
    }
    let app = TestApp::start().await;
    let (alice, path, comment_id) = comment(&app).await;
    // Each thread of the server counts for itself.
    let read = async || {
        for _ in 0..200 {
            let list = alice.get(&path).await.expect_status(200).json;
            assert_eq!(list["data"][0]["id"], comment_id.to_string());
        }
    };
    read().await;
    let found = app.ctx.cache().check_served(CALM).await;
    assert!(found.checked > 0 && found.wrong == 0, "{found:?}");
    plant(&app, comment_id).await;
    read().await;
    let found = app.ctx.cache().check_served(SOON).await;
    assert!(found.wrong > 0, "{found:?}");
    let state = app.admin().await.get("/v1/admin/cache").await.json;
    assert_eq!(state["checker"]["wrong"], found.wrong);
    assert_ne!(state["warnings"], json!([]));
}

#[tokio::test]
async fn a_server_checks_by_itself_what_it_answers_with() {
    if !is_shared() {
        return;
    }
    let app = TestApp::start_with(&[("KITH_CACHE_CHECK", "100ms")]).await;
    let (alice, path, comment_id) = comment(&app).await;
    let admin = app.admin().await;
    plant(&app, comment_id).await;
    let began = Instant::now();
    let is_found = async || {
        for _ in 0..200 {
            alice.get(&path).await.expect_status(200);
        }
        let state = admin.get("/v1/admin/cache").await.expect_status(200).json;
        state["checker"]["wrong"].as_u64() > Some(0)
    };
    while !is_found().await {
        assert!(began.elapsed() < Duration::from_secs(20), "nobody looks");
    }
    let metrics = reqwest::get(format!("http://{}/metrics", app.ops_addr)).await;
    let metrics = metrics.expect("an answer").text().await.expect("text");
    let wrong = metrics.lines().find_map(|line| {
        line.strip_prefix("kith_cache_checked_entries_total{outcome=\"inconsistent\"} ")
    });
    assert!(wrong.is_some_and(|wrong| wrong != "0"), "{metrics}");
    assert!(metrics.contains("\nkith_cache_nines "), "{metrics}");
}

#[tokio::test]
async fn what_lies_between_people_is_checked_pair_by_pair() {
    if !is_shared() {
        return;
    }
    let app = TestApp::start().await;
    let alice = app.person("alice").await;
    let mut others = Vec::new();
    for deed in ["befriend", "follow", "block", "mute", "ask"] {
        let other = app.person(deed).await;
        match deed {
            "befriend" => alice.befriend(&other).await,
            "ask" => {
                let request = alice
                    .post("/v1/friend-requests", &json!({"user_id": other.id}))
                    .await;
                request.expect_status(201);
            }
            _ => {
                let path = format!("/v1/users/{}/{deed}", other.id);
                alice.set(&path).await.expect_status(200);
            }
        }
        others.push(other);
    }
    let ids: Vec<&str> = others.iter().map(|other| other.id.as_str()).collect();
    let path = format!("/v1/relationships?ids={}", ids.join(","));
    alice.get(&path).await.expect_status(200);
    for other in &others {
        let path = format!("/v1/relationships?ids={}", alice.id);
        other.get(&path).await.expect_status(200);
    }
    let found = verify(&app, "standing", CALM).await.expect("it has a walk");
    // Of a mute only the one who mutes knows.
    assert_eq!(
        (found.keys, found.checked, found.wrong),
        (9, 9, 0),
        "{found:?}"
    );
}

#[tokio::test]
async fn an_administrator_sees_how_the_cache_does() {
    if !is_shared() {
        return;
    }
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for _ in 0..120 {
        admin.get("/v1/me").await.expect_status(200);
    }
    let state = admin.get("/v1/admin/cache").await.expect_status(200).json;
    assert_eq!(state["mode"], "on");
    let space = |name: &str| {
        let mut spaces = state["spaces"].as_array().expect("spaces").iter();
        spaces.find(|space| space["name"] == name).expect("a space")
    };
    let user = space("user");
    assert!(user["figures"]["l1_hits"].as_u64() > Some(100), "{user}");
    assert!(user["hit_rate"].as_f64() > Some(0.9), "{user}");
    assert!(user["process"]["entries"].as_u64() > Some(0), "{user}");
    assert!(user["process"]["bytes"].as_u64() > Some(0), "{user}");
    assert_eq!(user["process"]["evictions"], 0);
    assert_eq!(space("replies")["process"]["entries"], 0);
    assert_eq!(space("replies")["hit_rate"], Value::Null, "no sample");
    assert!(state["redis"]["used_memory"].as_u64() > Some(0));
    assert!(state["redis"]["keys"].as_u64() > Some(0));
}

#[tokio::test]
async fn an_administrator_is_warned_of_a_redis_that_is_almost_full_and_of_a_space_that_seldom_hits()
{
    let redis = OwnRedis::start().await;
    let set = async |name: &str, value: String| {
        let mut cmd = redis::cmd("CONFIG");
        cmd.arg("SET").arg(name).arg(value);
        redis.ask::<()>(&cmd).await.expect("set");
    };
    set("maxmemory", (1_u64 << 30).to_string()).await;
    set("maxmemory-policy", "allkeys-lfu".to_owned()).await;
    let url = redis.url();
    let settings = [("REDIS_URL", url.as_str()), ("KITH_CACHE", "on")];
    let app = TestApp::start_with(&settings).await;
    app.wait_for_redis().await;
    let admin = app.admin().await;
    let state = async || admin.get("/v1/admin/cache").await.expect_status(200).json;
    let calm = state().await;
    assert_eq!(calm["warnings"], json!([]), "{calm}");
    assert_eq!(calm["redis"]["policy"], "allkeys-lfu");
    assert!(calm["redis"]["clients"].as_u64() > Some(0), "{calm}");
    assert_eq!(calm["redis"]["evicted_keys"], 0, "{calm}");

    let used = calm["redis"]["used_memory"].as_u64().expect("bytes");
    set("maxmemory", (used + used / 5).to_string()).await;
    for round in 1..12_u128 {
        let nobody = |number| Uuid::from_u128(round * 100 + number).to_string();
        let ids: Vec<String> = (0..100).map(nobody).collect();
        let path = format!("/v1/users?ids={}", ids.join(","));
        admin.get(&path).await.expect_status(200);
    }
    let warned = state().await;
    let warnings = warned["warnings"].to_string();
    assert!(warnings.contains("80 % or more of maxmemory"), "{warned}");
    assert!(warnings.contains("user: only "), "{warned}");
}

#[tokio::test]
async fn an_administrator_sees_how_many_sessions_are_alive() {
    let app = TestApp::start().await;
    app.person("somebody").await;
    let admin = app.admin().await;
    let state = admin.get("/v1/admin/cache").await.expect_status(200).json;
    let stats = admin.get("/v1/admin/stats").await.expect_status(200).json;
    assert_eq!(state["sessions"]["alive"], 2);
    assert_eq!(stats["sessions"], 2);
    assert!(state["sessions"]["counted_at"].is_string(), "{state}");
}

#[tokio::test]
async fn an_administrator_voids_a_space() {
    if !is_shared() {
        return;
    }
    let app = TestApp::start().await;
    let (alice, path, comment_id) = comment(&app).await;
    plant(&app, comment_id).await;
    let count = async || {
        let list = alice.get(&path).await.expect_status(200).json;
        list["data"][0]["counts"]["replies"].clone()
    };
    assert_eq!(count().await, 41, "what is planted is read");
    let admin = app.admin().await;
    let invalidate = |space: &str| format!("/v1/admin/cache/spaces/{space}/invalidate");
    admin.act(&invalidate(SPACE)).await.expect_status(204);
    assert_eq!(count().await, 0);
    let unknown = admin.act(&invalidate("nothing")).await;
    let unknown = unknown.expect_problem(404, "not_found");
    let detail = unknown.json["detail"].to_string();
    assert!(detail.contains("`GET /v1/admin/cache` lists"), "{detail}");
}

#[tokio::test]
async fn the_health_of_redis_is_told_either_way() {
    let app = TestApp::start().await;
    let told = app
        .anyone()
        .get("/health/redis")
        .await
        .expect_status(200)
        .json;
    assert_eq!(told["configured"], mode::has_redis());
    assert_eq!(
        told["status"],
        if mode::has_redis() { "ok" } else { "degraded" }
    );
    let alone = TestApp::start_with(&[("REDIS_URL", "")]).await;
    let told = alone
        .anyone()
        .get("/health/redis")
        .await
        .expect_status(200)
        .json;
    let expected = json!({"status": "degraded", "configured": false, "latency_ms": null});
    assert_eq!(told, expected);
}
