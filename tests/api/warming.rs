//! Filling the cache ahead of requests.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use crate::support::{OwnRedis, PASSWORD, Session, TestApp, mode};

/// Long enough for what follows a sign-in.
const BEHIND: Duration = Duration::from_millis(500);

fn is_shared() -> bool {
    mode::needs("a shared cache", mode::has_shared_cache())
}

async fn sign_in(app: &TestApp, username: &str) -> Session {
    let body = json!({"login": username, "password": PASSWORD});
    let reply = app.anyone().post("/v1/auth/login", &body).await;
    Session::new(&app.url, &reply.expect_status(200).json)
}

/// Ranks this post, as the job would.
async fn trend(app: &TestApp, post: &str) {
    sqlx::query("insert into trending_post (post_id, score) values ($1::uuid, 1)")
        .bind(post)
        .execute(&app.db)
        .await
        .expect("ranked");
}

fn category(report: &Value, name: &str) -> (u64, u64, u64) {
    let all = report["categories"].as_array().expect("categories");
    let one = all
        .iter()
        .find(|one| one["name"] == name)
        .expect("a category");
    let count = |member: &str| one[member].as_u64().expect("a number");
    (count("warmed"), count("failed"), count("skipped"))
}

/// Keeps everybody from a table until it is dropped.
async fn lock_table(app: &TestApp, table: &str) -> PgConnection {
    let mut conn = PgConnection::connect(&app.database_url())
        .await
        .expect("a connection");
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "begin; lock table {table} in access exclusive mode"
    )))
    .execute(&mut conn)
    .await
    .expect("locked");
    conn
}

#[tokio::test]
async fn after_a_sign_in_the_first_reads_need_no_sql() {
    if !is_shared() {
        return;
    }
    let app = TestApp::start().await;
    let (ada, eve) = app.friends("ada", "eve").await;
    for number in 0..3 {
        eve.post_to(&json!("friends"), &format!("post {number}"))
            .await;
    }
    // Another instance, which has seen nobody yet.
    let other = app.start_beside(&[("KITH_WARMING", "on")]).await;
    let ada = sign_in(&other, &ada.username).await;
    tokio::time::sleep(BEHIND).await;
    for path in ["/v1/me/settings", "/v1/feed", "/v1/me", "/v1/me/counts"] {
        let reply = ada.get(path).await.expect_status(200);
        assert_eq!(reply.sql(), 0, "{path}");
    }
    assert_eq!(ada.get("/v1/feed").await.ids().len(), 3);
}

#[tokio::test]
async fn settings_are_warm_when_their_change_is_answered() {
    if !is_shared() {
        return;
    }
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    for searchable in [false, true] {
        ada.patch("/v1/me/settings", &json!({"searchable": searchable}))
            .await
            .expect_status(200);
        let reply = ada.get("/v1/me/settings").await.expect_status(200);
        assert_eq!(reply.json["searchable"], searchable);
        assert_eq!(reply.sql(), 0);
    }
    let again = sign_in(&app, &ada.username).await;
    let reply = again.get("/v1/me/settings").await;
    assert_eq!(reply.sql(), 0, "the session is warm too");
}

#[tokio::test]
async fn warming_that_races_edits_leaves_nothing_stale() {
    let app = TestApp::start().await;
    let (ada, admin) = (app.person("ada").await, app.admin().await);
    let post = ada.post_to(&json!("public"), "first").await;
    trend(&app, &post).await;
    let none = json!({});
    for number in 0..12 {
        let change = json!({"bio": format!("bio {number}")});
        let edit = json!({"content": format!("text {number}")});
        let path = format!("/v1/posts/{post}");
        let (warmed, changed, edited) = tokio::join!(
            admin.post("/v1/admin/cache/warm", &none),
            ada.patch("/v1/me", &change),
            ada.patch(&path, &edit),
        );
        warmed.expect_status(200);
        changed.expect_status(200);
        edited.expect_status(200);
        assert_eq!(ada.get("/v1/me").await.json["bio"], change["bio"]);
        assert_eq!(ada.get(&path).await.json["content"], edit["content"]);
    }
}

#[tokio::test]
async fn two_instances_do_not_warm_at_once() {
    if !is_shared() {
        return;
    }
    let app = TestApp::start().await;
    let other = app.start_beside(&[]).await;
    let admin = app.admin().await;
    let there = admin.at(&other.url);
    let held = lock_table(&app, "trending_post").await;
    let none = json!({});
    let first = admin.post("/v1/admin/cache/warm", &none);
    let second = async {
        app.wait_until_somebody_waits_for_a_lock().await;
        let refused = there.post("/v1/admin/cache/warm", &none).await;
        held.close().await.expect("closed");
        refused
    };
    let (first, second) = tokio::join!(first, second);
    second.expect_problem(409, "conflict");
    assert_eq!(first.expect_status(200).json["outcome"], "done");
    let again = there.post("/v1/admin/cache/warm", &none).await;
    again.expect_status(200);
}

#[tokio::test]
async fn a_category_that_fails_stops_nothing() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for sql in [
        "alter table trending_post rename to away",
        "alter table user_settings rename to gone",
    ] {
        sqlx::query(sql).execute(&app.db).await.expect("renamed");
    }
    // Another instance holds nobody's settings.
    let other = app.start_beside(&[]).await;
    let reply = admin
        .at(&other.url)
        .post("/v1/admin/cache/warm", &json!({}))
        .await
        .expect_status(200);
    let report = reply.json;
    assert_eq!(report["outcome"], "done");
    let (_, failed, _) = category(&report, "trending_posts");
    assert!(failed > 0, "{report}");
    if mode::has_shared_cache() {
        let (warmed, _, _) = category(&report, "active_people");
        assert!(warmed > 0, "{report}");
        assert_eq!(category(&report, "timelines"), (1, 0, 0));
    }
}

#[tokio::test]
async fn a_start_is_ready_before_it_is_warm() {
    if !is_shared() {
        return;
    }
    let app = TestApp::start().await;
    let held = lock_table(&app, "trending_post").await;
    // Warming waits for the table longer than a test waits for a start.
    let settings = [("KITH_WARMING", "on"), ("KITH_STATEMENT_TIMEOUT", "30s")];
    let other = app.start_beside(&settings).await;
    // It is ready by now, and warming waits.
    app.wait_until_somebody_waits_for_a_lock().await;
    let reply = other.anyone().get("/readyz").await;
    reply.expect_status(200);
    held.close().await.expect("closed");
}

#[tokio::test]
async fn a_redis_that_comes_back_empty_is_filled_before_its_readers_ask() {
    if !is_shared() {
        return;
    }
    let mut redis = OwnRedis::start().await;
    let url = redis.url();
    let settings = [("REDIS_URL", url.as_str()), ("KITH_WARMING", "on")];
    let app = TestApp::start_with(&settings).await;
    let mut readers = Vec::new();
    for _ in 0..6 {
        let (reader, author) = app.friends("reader", "author").await;
        author.post_to(&json!("friends"), "for friends").await;
        readers.push((reader, author));
    }
    redis.restart().await;
    app.wait_for_redis().await;
    // Whoever asks has the rest of what they see from Postgres, so each may be asked once.
    for (reader, author) in readers {
        tokio::time::sleep(BEHIND).await;
        let feed = reader.get("/v1/feed").await.expect_status(200);
        assert_eq!(feed.ids().len(), 1);
        let path = format!("/v1/users/{}/posts", author.id);
        let page = author.get(&path).await.expect_status(200);
        if (feed.sql(), page.sql()) == (0, 0) {
            return;
        }
    }
    panic!("each first reader had to wait for Postgres");
}
