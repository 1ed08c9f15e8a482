//! One idempotency key, one outcome: across retries, instances, restarts and races.

use futures_util::future::join_all;
use serde_json::json;
use sqlx::PgPool;

use crate::support::TestApp;

async fn count_posts(db: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from post")
        .fetch_one(db)
        .await
        .expect("a count")
}

#[tokio::test]
async fn a_repeated_create_replays_the_first_answer_word_for_word() {
    let app = TestApp::start().await;
    let alice = app.person("alice").await;
    let key = "01938b2f-5a00-7000-8000-000000000001";
    let body = json!({"content": "once", "audience": "public"});
    let first = alice
        .post_with_key("/v1/posts", key, &body)
        .await
        .expect_status(201);
    assert_eq!(first.header("idempotent-replayed"), None);
    assert_eq!(first.json["op_id"], key);
    // Quoted is the same key, and the order of members changes nothing.
    let reordered = json!({"audience": "public", "content": "once"});
    let again = alice
        .post_with_key("/v1/posts", &format!("\"{key}\""), &reordered)
        .await;
    let again = again.expect_status(201);
    assert_eq!(again.header("idempotent-replayed").as_deref(), Some("true"));
    assert_eq!(again.json, first.json);
    for header in ["location", "etag"] {
        assert_eq!(again.header(header), first.header(header), "{header}");
    }
    assert_eq!(count_posts(&app.db).await, 1);
}

#[tokio::test]
async fn a_key_used_for_another_payload_is_refused_and_another_person_may_use_it() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.person("alice").await, app.person("bob").await);
    let body = json!({"content": "one", "audience": "public"});
    alice
        .post_with_key("/v1/posts", "key", &body)
        .await
        .expect_status(201);
    let other = json!({"content": "two", "audience": "public"});
    alice
        .post_with_key("/v1/posts", "key", &other)
        .await
        .expect_problem(422, "idempotency_conflict");
    bob.post_with_key("/v1/posts", "key", &body)
        .await
        .expect_status(201);
    assert_eq!(count_posts(&app.db).await, 2);
}

#[tokio::test]
async fn only_what_was_committed_is_stored() {
    let app = TestApp::start().await;
    let alice = app.person("alice").await;
    let empty = json!({"content": "", "audience": "public"});
    alice
        .post_with_key("/v1/posts", "key", &empty)
        .await
        .expect_problem(422, "validation_failed");
    let body = json!({"content": "better", "audience": "public"});
    alice
        .post_with_key("/v1/posts", "key", &body)
        .await
        .expect_status(201);
}

#[tokio::test]
async fn of_many_first_requests_at_once_one_does_the_work() {
    let app = TestApp::start().await;
    let alice = app.person("alice").await;
    let body = json!({"content": "race", "audience": "public"});
    let replies = join_all((0..20).map(|_| alice.post_with_key("/v1/posts", "race", &body))).await;
    let created: Vec<_> = replies.iter().filter(|reply| reply.status == 201).collect();
    assert!(!created.is_empty());
    for reply in &replies {
        match reply.status {
            201 => assert_eq!(reply.json, created[0].json),
            409 => assert_eq!(reply.json["code"], "idempotency_in_progress"),
            other => panic!("{other}: {}", reply.json),
        }
    }
    assert_eq!(count_posts(&app.db).await, 1);
}

#[tokio::test]
async fn a_key_counts_on_every_instance_and_after_a_restart() {
    let app = TestApp::start().await;
    let alice = app.person("alice").await;
    let body = json!({"content": "everywhere", "audience": "public"});
    let first = alice
        .post_with_key("/v1/posts", "key", &body)
        .await
        .expect_status(201);
    let second = app.start_beside(&[]).await;
    let again = alice
        .at(&second.url)
        .post_with_key("/v1/posts", "key", &body)
        .await;
    assert_eq!(again.expect_status(201).json, first.json);
    assert_eq!(count_posts(&app.db).await, 1);
}

#[tokio::test]
async fn every_create_honours_its_key() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.person("alice").await, app.person("bob").await);
    let post = alice.post_to(&json!("public"), "hello").await;
    let creates = [
        (
            "/v1/posts".to_owned(),
            json!({"content": "x", "audience": "public"}),
        ),
        (
            format!("/v1/posts/{post}/comments"),
            json!({"content": "x"}),
        ),
        ("/v1/friend-requests".to_owned(), json!({"user_id": bob.id})),
        ("/v1/circles".to_owned(), json!({"name": "x"})),
    ];
    for (path, body) in creates {
        let first = alice
            .post_with_key(&path, "key", &body)
            .await
            .expect_status(201);
        assert!(first.header("location").is_some(), "{path}");
        let again = alice
            .post_with_key(&path, "key", &body)
            .await
            .expect_status(201);
        assert_eq!(
            again.header("idempotent-replayed").as_deref(),
            Some("true"),
            "{path}"
        );
        assert_eq!(again.json, first.json, "{path}");
    }
}

#[tokio::test]
async fn keys_have_up_to_255_visible_characters() {
    let app = TestApp::start().await;
    let alice = app.person("alice").await;
    let body = json!({"content": "x", "audience": "public"});
    alice
        .post_with_key("/v1/posts", &"k".repeat(255), &body)
        .await
        .expect_status(201);
    let long = alice
        .post_with_key("/v1/posts", &"k".repeat(256), &body)
        .await;
    long.expect_problem(400, "malformed_request");
    alice
        .post_with_key("/v1/posts", "\"\"", &body)
        .await
        .expect_problem(400, "malformed_request");
}
