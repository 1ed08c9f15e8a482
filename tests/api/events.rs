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
        "post.edited",
        "post.edited",
        "post.edited",
        "post.widened",
        "post.edited",
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
    assert_eq!(events(&app.db).await.len(), 8, "what failed is not told");
}

/// Names of the events so far, oldest first, but those of posts and of relationships as such.
async fn names(db: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "select event from outbox
         where event not like 'post.%' and event <> 'relationship.changed' order by outbox_id",
    )
    .fetch_all(db)
    .await
    .expect("events")
}

#[tokio::test]
async fn comments_and_reactions_tell_what_changed_and_nothing_where_nothing_did() {
    let app = TestApp::start().await;
    let alice = app.person("alice").await;
    let post = alice.post_to(&json!("public"), "news").await;
    let comment = alice.comment_on(&post, "first").await;
    let path = format!("/v1/comments/{comment}");
    for words in ["other", "other"] {
        let change = json!({"content": words});
        alice.patch(&path, &change).await.expect_status(200);
    }
    let reaction = format!("{path}/reaction");
    for kind in ["like", "like", "love"] {
        alice
            .put(&reaction, &json!({"kind": kind}))
            .await
            .expect_status(200);
    }
    alice.delete(&reaction).await.expect_status(200);
    alice.delete(&reaction).await.expect_status(200);
    alice.delete(&path).await.expect_status(204);
    let expected = [
        "comment.created",
        "comment.edited",
        "reaction.changed",
        "reaction.changed",
        "reaction.changed",
        "comment.deleted",
    ];
    assert_eq!(names(&app.db).await, expected);
    let changes: Vec<(Value, Value)> = sqlx::query_as(
        "select payload -> 'was_there', payload -> 'is_there' from outbox
         where event = 'reaction.changed' order by outbox_id",
    )
    .fetch_all(&app.db)
    .await
    .expect("events");
    let [(no, yes), kept, gone] = &changes[..] else {
        panic!("{changes:?}")
    };
    assert_eq!((no, yes), (&json!(false), &json!(true)));
    assert_eq!(kept, &(json!(true), json!(true)));
    assert_eq!(gone, &(json!(true), json!(false)));
}

#[tokio::test]
async fn requests_for_friendship_tell_how_they_end() {
    let app = TestApp::start().await;
    let (alice, bob) = app.friends("alice", "bob").await;
    let carol = app.person("carol").await;
    for other in [&bob, &carol] {
        let request = json!({"user_id": alice.id});
        let asked = other.post("/v1/friend-requests", &request).await;
        assert_eq!(asked.status, if other.id == bob.id { 409 } else { 201 });
    }
    let block = format!("/v1/users/{}/block", carol.id);
    alice.set(&block).await.expect_status(200);
    let mute = format!("/v1/users/{}/mute", bob.id);
    alice.set(&mute).await.expect_status(200);
    let expected = [
        "friend.requested",
        "friend.accepted",
        "friend.requested",
        "friend.request-closed",
    ];
    assert_eq!(names(&app.db).await, expected);
    let private: Vec<bool> = sqlx::query_scalar(
        "select (payload -> 'is_private')::bool from outbox
         where event = 'relationship.changed' order by outbox_id",
    )
    .fetch_all(&app.db)
    .await
    .expect("events");
    assert_eq!(
        private,
        [false, false, false, false, true],
        "asked, accepted, asked, blocked, muted"
    );
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
