//! Views of posts, which are written a little later.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Session, TestApp};

async fn tell(who: &Session, posts: &[&str]) {
    who.post("/v1/views", &json!({ "post_ids": posts }))
        .await
        .expect_status(202);
}

async fn views(who: &Session, post: &str) -> Value {
    let reply = who.get(&format!("/v1/posts/{post}")).await;
    reply.expect_status(200).json["counts"]["views"].clone()
}

/// Waits until a post has this many views: they are written within a second.
async fn expect_views(who: &Session, post: &str, wanted: u64) {
    for _ in 0..100 {
        if views(who, post).await == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} views in place of {wanted}", views(who, post).await);
}

#[tokio::test]
async fn a_post_counts_a_person_once_a_day() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    let post = author.post_to(&json!("friends"), "look").await;
    let other = author.post_to(&json!("friends"), "here").await;
    tell(&friend, &[&post, &other, &post]).await;
    tell(&author, &[&post]).await;
    expect_views(&friend, &post, 2).await;
    expect_views(&friend, &other, 1).await;
    // Told again, in another write and at another instance.
    let beside = app.start_beside(&[]).await;
    tell(&friend.at(&beside.url), &[&post]).await;
    tell(&friend, &[&post]).await;
    let last = author.post_to(&json!("friends"), "last").await;
    tell(&friend, &[&last]).await;
    expect_views(&friend, &last, 1).await;
    drop(beside);
    assert_eq!(views(&friend, &post).await, 2);

    sqlx::query("update post_view set day = day - 1")
        .execute(&app.db)
        .await
        .expect("yesterday");
    tell(&friend, &[&post]).await;
    expect_views(&friend, &post, 3).await;
    app.expect_no_drift().await;
}

#[tokio::test]
async fn what_somebody_may_not_see_they_have_not_seen() {
    let app = TestApp::start().await;
    let (author, stranger) = (app.person("author").await, app.person("stranger").await);
    let narrow = author.post_to(&json!("friends"), "among us").await;
    let public = author.post_to(&json!("public"), "for all").await;
    let gone = author.post_to(&json!("public"), "gone").await;
    author
        .delete(&format!("/v1/posts/{gone}"))
        .await
        .expect_status(204);
    let nobody = "01938b2f-5a00-7000-8000-000000000001";
    tell(&stranger, &[&narrow, &gone, nobody, &public]).await;
    expect_views(&author, &public, 1).await;
    assert_eq!(views(&author, &narrow).await, 0);
    let told: i64 = sqlx::query_scalar("select count(*) from post_view")
        .fetch_one(&app.db)
        .await
        .expect("counted");
    assert_eq!(told, 1);
    let many = vec![nobody; 101];
    for bad in [json!([]), json!(many), json!(["none"])] {
        stranger
            .post("/v1/views", &json!({ "post_ids": bad }))
            .await
            .expect_problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn views_are_written_before_the_process_ends() {
    let app = TestApp::start().await;
    let me = app.person("me").await;
    let post = me.post_to(&json!("public"), "look").await;
    let beside = app.start_beside(&[]).await;
    tell(&me.at(&beside.url), &[&post]).await;
    drop(beside);
    // What it wrote on its way out is told by the one that stays.
    app.wait_until_voids_are_delivered().await;
    assert_eq!(views(&me, &post).await, 1);
}
