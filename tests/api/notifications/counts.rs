//! Seen and read, and the counts of what is neither.

use serde_json::{Value, json};

use super::{expect_kinds, list, list_until, react};
use crate::support::{Session, TestApp};

async fn counts(who: &Session) -> Value {
    let reply = who.get("/v1/me/counts").await.expect_status(200);
    reply.json["notifications"].clone()
}

#[tokio::test]
async fn seen_clears_what_is_new_and_read_what_is_unread_and_neither_moves_back() {
    let app = TestApp::start().await;
    let (author, bob) = (app.person("author").await, app.person("bob").await);
    let mut posts = Vec::new();
    for number in 0..3 {
        let post = author.post_to(&json!("public"), "a post").await;
        react(&bob, &format!("/v1/posts/{post}")).await;
        list_until(&author, |found| found.len() == number + 1).await;
        posts.push(post);
    }
    let told = expect_kinds(&author, &["reaction"; 3]).await;
    assert_eq!(counts(&author).await, json!({"unseen": 3, "unread": 3}));

    let second = &told[1]["updated_at"];
    let seen = author
        .put("/v1/notifications/seen", &json!({"up_to": second}))
        .await
        .expect_status(200);
    assert_eq!(
        seen.json["notifications"],
        json!({"unseen": 1, "unread": 3})
    );
    assert_eq!(counts(&author).await, json!({"unseen": 1, "unread": 3}));
    let oldest = &told[2]["updated_at"];
    author
        .put("/v1/notifications/seen", &json!({"up_to": oldest}))
        .await
        .expect_status(200);
    assert_eq!(counts(&author).await["unseen"], 1, "it does not move back");

    let id = told[2]["id"].as_str().expect("an id");
    author
        .set(&format!("/v1/notifications/{id}/read"))
        .await
        .expect_status(200);
    assert_eq!(counts(&author).await, json!({"unseen": 1, "unread": 2}));
    author
        .put(
            "/v1/notifications/read-all",
            &json!({"up_to": told[1]["id"]}),
        )
        .await
        .expect_status(200);
    assert_eq!(counts(&author).await, json!({"unseen": 1, "unread": 1}));
    let flags: Vec<(Value, Value)> = list(&author)
        .await
        .iter()
        .map(|one| (one["seen"].clone(), one["read"].clone()))
        .collect();
    let (yes, no) = (json!(true), json!(false));
    assert_eq!(
        flags,
        [
            (no.clone(), no),
            (yes.clone(), yes.clone()),
            (yes.clone(), yes)
        ]
    );
}

#[tokio::test]
async fn an_instant_of_the_future_does_not_clear_what_is_yet_to_come() {
    let app = TestApp::start().await;
    let (author, bob) = (app.person("author").await, app.person("bob").await);
    for path in ["/v1/notifications/seen", "/v1/notifications/read-all"] {
        let far = json!({"up_to": "2999-01-01T00:00:00Z"});
        author.put(path, &far).await.expect_status(200);
        for bad in ["", "yesterday", "01938b2f-5a00-7000-8000-000000000001"] {
            let refused = author.put(path, &json!({"up_to": bad})).await;
            refused.expect_problem(422, "validation_failed");
        }
    }
    let post = author.post_to(&json!("public"), "a post").await;
    react(&bob, &format!("/v1/posts/{post}")).await;
    expect_kinds(&author, &["reaction"]).await;
    assert_eq!(counts(&author).await, json!({"unseen": 1, "unread": 1}));
}

#[tokio::test]
async fn marks_set_by_several_devices_at_once_end_at_the_latest() {
    let app = TestApp::start().await;
    let (author, bob) = (app.person("author").await, app.person("bob").await);
    for number in 0..4 {
        let post = author.post_to(&json!("public"), "a post").await;
        react(&bob, &format!("/v1/posts/{post}")).await;
        list_until(&author, |found| found.len() == number + 1).await;
    }
    let told = list(&author).await;
    let marks = told[1..].iter().map(|one| {
        let author = author.clone();
        let up_to = json!({"up_to": one["updated_at"]});
        async move {
            author
                .put("/v1/notifications/seen", &up_to)
                .await
                .expect_status(200);
        }
    });
    futures_util::future::join_all(marks).await;
    assert_eq!(counts(&author).await["unseen"], 1);
}

#[tokio::test]
async fn a_hot_list_takes_no_sql_and_its_counts_one_statement() {
    let Some(app) = TestApp::with_cache(&[]).await else {
        return;
    };
    let (author, bob) = (app.person("author").await, app.person("bob").await);
    let post = author.post_to(&json!("public"), "a post").await;
    react(&bob, &format!("/v1/posts/{post}")).await;
    expect_kinds(&author, &["reaction"]).await;
    counts(&author).await;
    for path in ["/v1/notifications", "/v1/me/counts"] {
        let reply = author.get(path).await.expect_status(200);
        // What is unread in conversations is counted from rows.
        let most = u32::from(path == "/v1/me/counts");
        assert!(reply.sql() <= most, "{path}");
    }
}

#[tokio::test]
async fn whoever_looks_at_the_list_has_seen_the_requests_that_are_in_it() {
    let app = TestApp::start().await;
    let me = app.person("me").await;
    let requests = async || {
        let reply = me.get("/v1/me/counts").await.expect_status(200);
        reply.json["friend_requests"].clone()
    };
    let ask = async |number: usize| {
        let asker = app.person("asker").await;
        asker
            .post("/v1/friend-requests", &json!({"user_id": me.id}))
            .await
            .expect_status(201);
        list_until(&me, |found| found.len() == number).await
    };
    let first = ask(1).await;
    assert_eq!(requests().await, json!({"unseen": 1, "pending": 1}));
    ask(2).await;
    let seen = me
        .put("/v1/notifications/seen", &json!({"up_to": first[0]["id"]}))
        .await
        .expect_status(200);
    let left = json!({"unseen": 1, "pending": 2});
    assert_eq!(seen.json["friend_requests"], left);
    assert_eq!(requests().await, left);
}
