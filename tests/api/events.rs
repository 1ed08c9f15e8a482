//! The events of posts: what actions tell the rest of the house, and that it is delivered.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::TestApp;

/// Events so far, oldest first: name, post, author, and whether the instant is that of the post.
async fn events(db: &PgPool) -> Vec<(String, Value, Value, bool)> {
    sqlx::query_as(
        "select o.event, o.payload -> 'post_id', o.payload -> 'author_id',
                (o.payload ->> 'created_at')::bigint
                    = (extract(epoch from p.created_at) * 1000000)::bigint
         from outbox o join post p on p.post_id = (o.payload ->> 'post_id')::uuid
         order by o.outbox_id",
    )
    .fetch_all(db)
    .await
    .expect("events")
}

#[tokio::test]
async fn a_post_tells_when_it_is_made_deleted_restored_and_widened() {
    let app = TestApp::start().await;
    let alice = app.person("alice").await;
    let body = json!({"content": "news", "audience": "friends"});
    let post = alice.post("/v1/posts", &body).await.expect_status(201).json;
    let path = format!("/v1/posts/{}", post["id"].as_str().expect("an id"));
    alice.delete(&path).await.expect_status(204);
    let restore = format!("{path}/restore");
    alice.post(&restore, &json!({})).await.expect_status(200);
    // Not deleted any more: nothing happens, and nothing is told.
    alice.post(&restore, &json!({})).await.expect_status(200);
    for change in [
        json!({"content": "other words"}),
        json!({"audience": "only_me"}),
        json!({"audience": "public"}),
        json!({"audience": "public"}),
        json!({"audience": "friends"}),
    ] {
        alice.patch(&path, &change).await.expect_status(200);
    }
    let expected = [
        "post.created",
        "post.deleted",
        "post.restored",
        "post.widened",
    ]
    .map(|name| {
        (
            name.to_owned(),
            post["id"].clone(),
            post["author"]["id"].clone(),
            true,
        )
    });
    assert_eq!(events(&app.db).await, expected);
    alice
        .post("/v1/posts", &json!({"content": ""}))
        .await
        .expect_status(422);
    assert_eq!(events(&app.db).await.len(), 4, "what failed is not told");
}

#[tokio::test]
async fn events_are_delivered_within_milliseconds() {
    let app = TestApp::start().await;
    let alice = app.person("alice").await;
    let body = json!({"content": "news", "audience": "friends"});
    let mut quickest = Duration::MAX;
    for _ in 0..5 {
        alice.post("/v1/posts", &body).await.expect_status(201);
        let begun = tokio::time::Instant::now();
        let waiting = "select exists (select from outbox where delivered_at is null)";
        while sqlx::query_scalar::<_, bool>(waiting)
            .fetch_one(&app.db)
            .await
            .expect("an answer")
        {
            assert!(begun.elapsed() < Duration::from_secs(2), "never delivered");
        }
        quickest = quickest.min(begun.elapsed());
    }
    assert!(quickest < Duration::from_millis(100), "{quickest:?}");
}
