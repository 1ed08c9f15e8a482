//! How a conversation of two begins.

use serde_json::json;

use super::{direct, listed, said, say, seen};
use crate::support::TestApp;

#[tokio::test]
async fn two_people_have_one_conversation_which_the_other_learns_of_by_its_first_message() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let body = json!({"member_ids": [ben.id]});
    let made = ann.post("/v1/conversations", &body).await;
    let made = made.expect_status(201);
    let id = made.id();
    let location = made.header("location");
    assert_eq!(location, Some(format!("/v1/conversations/{id}")));
    assert_eq!(made.json["kind"], "direct");
    assert_eq!(made.json["member_count"], 2);
    assert_eq!(made.json["top_seq"], 0);
    assert!(made.json["last_message"].is_null());
    assert_eq!(made.json["viewer"]["can_send"], true);
    let again = ann.post("/v1/conversations", &body).await;
    assert_eq!(again.expect_status(200).id(), id);
    // For Ben there is nothing yet, on any route.
    let path = format!("/v1/conversations/{id}");
    ben.get(&path).await.expect_problem(404, "not_found");
    ben.get(&format!("{path}/messages"))
        .await
        .expect_status(404);
    ben.put(&format!("{path}/read"), &json!({"up_to": 0}))
        .await
        .expect_status(404);
    assert!(listed(&ben, "").await.is_empty());
    assert_eq!(listed(&ann, "").await, [id.as_str()]);
    let hello = say(&ann, &id, "hello").await;
    assert_eq!(
        (hello["seq"].as_i64(), &hello["kind"]),
        (Some(1), &json!("text"))
    );
    assert_eq!(listed(&ben, "").await, [id.as_str()]);
    let shown = seen(&ben, &id).await;
    assert_eq!(shown["viewer"]["state"], "active");
    assert_eq!(shown["unread"], 1);
    assert_eq!(shown["last_message"]["content"], "hello");
    assert_eq!(direct(&ben, &ann).await, id, "whoever opens it");
    assert_eq!(said(&ben, &id).await, [(1, "hello".to_owned())]);
}

#[tokio::test]
async fn whoever_opens_it_second_before_anything_was_said_does_not_learn_of_the_first() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    let body = json!({"member_ids": [ann.id]});
    let opened = ben.post("/v1/conversations", &body).await;
    let opened = opened.expect_status(201);
    assert_eq!(opened.id(), id);
    assert_eq!(opened.json["viewer"]["state"], "active");
    assert_eq!(listed(&ben, "").await, [id.as_str()]);
}

#[tokio::test]
async fn nobody_talks_with_themselves_or_with_people_who_are_not_there() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let nobody = "01938b2f-5a00-7000-8000-000000000001";
    for body in [
        json!({"member_ids": []}),
        json!({"member_ids": [ann.id]}),
        json!({"member_ids": [ben.id], "title": "Two"}),
        json!({"member_ids": [ben.id], "title": " "}),
        json!({"member_ids": vec![ben.id.clone(); 3], "titel": "x"}),
    ] {
        ann.post("/v1/conversations", &body)
            .await
            .expect_problem(422, "validation_failed");
    }
    for ids in [vec![nobody], vec![&ben.id, nobody]] {
        ann.post("/v1/conversations", &json!({"member_ids": ids}))
            .await
            .expect_problem(404, "not_found");
    }
    assert!(listed(&ann, "").await.is_empty());
    // The same person twice is one.
    let twice = json!({"member_ids": [ben.id, ben.id, ann.id]});
    let opened = ann.post("/v1/conversations", &twice).await;
    assert_eq!(opened.expect_status(201).json["kind"], "direct");
}

#[tokio::test]
async fn a_key_makes_one_message_and_comes_back_to_its_author_alone() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    let path = format!("/v1/conversations/{id}/messages");
    let send = async |content: &str| {
        let request = ann.request(reqwest::Method::POST, &path);
        let request = request.header("Idempotency-Key", "op-1");
        ann.send(request.json(&json!({"content": content}))).await
    };
    let first = send("once").await.expect_status(201);
    let again = send("once").await.expect_status(201);
    assert_eq!(first.json, again.json);
    assert_eq!(again.header("idempotent-replayed").as_deref(), Some("true"));
    send("twice")
        .await
        .expect_problem(422, "idempotency_conflict");
    assert_eq!(said(&ben, &id).await.len(), 1);
    assert_eq!(first.json["op_id"], "op-1");
    let theirs = ben.get(&path).await.expect_status(200);
    assert!(theirs.json["data"][0]["op_id"].is_null());
    let mine = ann.get(&path).await.expect_status(200);
    assert_eq!(mine.json["data"][0]["op_id"], "op-1");
    let location = first.header("location").expect("a place");
    let there = ann.get(&location).await.expect_status(200);
    assert_eq!(there.ids(), [first.id()]);
}

#[tokio::test]
async fn more_people_than_a_group_has_are_refused_before_they_are_looked_at() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let ids = vec![ben.id.as_str(); 251];
    let refused = ann
        .post("/v1/conversations", &json!({"member_ids": ids}))
        .await
        .expect_problem(422, "validation_failed");
    let fault = &refused.json["errors"][0];
    assert_eq!(
        (&fault["pointer"], &fault["code"]),
        (&json!("/member_ids"), &json!("too_many"))
    );
    // Nobody is asked twice.
    ann.post("/v1/conversations", &json!({"member_ids": ids[..250]}))
        .await
        .expect_status(201);
}
