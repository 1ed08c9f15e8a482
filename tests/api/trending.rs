//! What is talked about.

use kith::app::registry;
use kith::infra::jobs::Runner;
use serde_json::json;

use crate::support::{Session, TestApp};

async fn react(who: &Session, post: &str) {
    who.put(
        &format!("/v1/posts/{post}/reaction"),
        &json!({"kind": "like"}),
    )
    .await
    .expect_status(200);
}

/// Ranks now, as the job does every minute.
async fn rank(app: &TestApp) {
    sqlx::query(
        "update job set run_at = now() - interval '1 second' where name = 'discovery.trending'",
    )
    .execute(&app.db)
    .await
    .expect("due");
    let runner = Runner::new(app.db.clone(), registry(), app.ctx.clone(), app.ctx.clock());
    runner.run_due().await.expect("run");
}

/// A server whose jobs run only when a test says so.
async fn start() -> TestApp {
    let app = TestApp::start_with(&[("KITH_ROLES", "web")]).await;
    // The first pass plans the job, the next ones find it due.
    rank(&app).await;
    app
}

async fn posts(who: &Session) -> Vec<String> {
    let reply = who.get("/v1/trending/posts").await;
    reply.expect_status(200).ids()
}

async fn tags(who: &Session) -> Vec<String> {
    let reply = who.get("/v1/trending/hashtags").await.expect_status(200);
    let data = reply.json["data"].as_array().cloned().unwrap_or_default();
    data.iter()
        .map(|row| format!("{} {} {}", row["tag"], row["posts"], row["people"]))
        .collect()
}

#[tokio::test]
async fn posts_rank_by_what_is_said_of_them_and_by_their_age() {
    let app = start().await;
    let (author, one) = app.friends("author", "one").await;
    let other = app.person("other").await;
    let liked = author.post_to(&json!("public"), "liked").await;
    let talked = author.post_to(&json!("public"), "talked about").await;
    let quiet = author.post_to(&json!("public"), "quiet").await;
    let narrow = author.post_to(&json!("friends"), "narrow").await;
    react(&one, &liked).await;
    react(&one, &narrow).await;
    one.comment_on(&talked, "well").await;
    other.comment_on(&talked, "so").await;
    rank(&app).await;
    assert_eq!(posts(&other).await, [talked.clone(), liked.clone()]);
    let anyone = app.anyone().get("/v1/trending/posts").await;
    assert_eq!(anyone.expect_status(200).ids(), posts(&other).await);
    let walked = other.walk("/v1/trending/posts", 1).await;
    let walked: Vec<&str> = walked.iter().filter_map(|p| p["id"].as_str()).collect();
    assert_eq!(walked, [&*talked, &*liked]);
    let second = other.get("/v1/trending/posts?limit=1").await;
    let next = second.next().expect("a next page");
    let second = other
        .get(&format!("/v1/trending/posts?limit=1&cursor={next}"))
        .await;
    let back = second.prev().expect("a way back");
    let first = other
        .get(&format!("/v1/trending/posts?limit=1&cursor={back}"))
        .await;
    assert_eq!(first.ids(), [&*talked]);

    // Two days make much of little.
    sqlx::query(
        "update post set created_at = created_at - interval '2 days' where post_id = $1::uuid",
    )
    .bind(&talked)
    .execute(&app.db)
    .await
    .expect("older");
    react(&other, &quiet).await;
    react(&one, &quiet).await;
    rank(&app).await;
    assert_eq!(posts(&other).await, [quiet, liked, talked]);
}

#[tokio::test]
async fn nobody_is_shown_what_they_may_not_see_or_do_not_want() {
    let app = start().await;
    let (author, reader) = (app.person("author").await, app.person("reader").await);
    let (blocked, muter) = (app.person("blocked").await, app.person("muter").await);
    let post = author.post_to(&json!("public"), "#news").await;
    let other = author.post_to(&json!("public"), "#more").await;
    author.post_to(&json!("friends"), "#secret").await;
    react(&reader, &post).await;
    react(&reader, &other).await;
    author
        .set(&format!("/v1/users/{}/block", blocked.id))
        .await
        .expect_status(200);
    muter
        .set(&format!("/v1/users/{}/mute", author.id))
        .await
        .expect_status(200);
    reader
        .set(&format!("/v1/posts/{post}/hidden"))
        .await
        .expect_status(200);
    rank(&app).await;
    assert_eq!(posts(&reader).await, [&*other]);
    assert_eq!(posts(&muter).await, [""; 0]);
    assert_eq!(posts(&blocked).await, [""; 0]);
    assert_eq!(tags(&blocked).await, [""; 0]);
    let seen = tags(&reader).await;
    assert_eq!(seen.len(), 2, "{seen:?}");

    // Before the next ranking.
    author
        .patch(
            &format!("/v1/posts/{other}"),
            &json!({"audience": "friends"}),
        )
        .await
        .expect_status(200);
    assert_eq!(posts(&reader).await, [""; 0]);
    assert_eq!(tags(&reader).await, ["\"news\" 1 1"]);
    let shut = app.start_beside(&[("KITH_PUBLIC_READ", "off")]).await;
    for path in ["/v1/trending/posts", "/v1/trending/hashtags"] {
        shut.anyone().get(path).await.expect_status(401);
    }
}

#[tokio::test]
async fn hashtags_rank_by_how_many_people_use_them() {
    let app = start().await;
    let (one, other) = (app.person("one").await, app.person("other").await);
    for _ in 0..4 {
        one.post_to(&json!("public"), "#mine").await;
    }
    one.post_to(&json!("public"), "#ours").await;
    other.post_to(&json!("public"), "#Ours").await;
    rank(&app).await;
    assert_eq!(tags(&one).await, ["\"ours\" 2 2", "\"mine\" 4 1"]);
    sqlx::query("update account set state = 'suspended' where username = $1")
        .bind(&other.username)
        .execute(&app.db)
        .await
        .expect("suspended");
    rank(&app).await;
    let mut left = tags(&one).await;
    left.sort_unstable();
    assert_eq!(left, ["\"mine\" 4 1", "\"ours\" 1 1"]);
}
