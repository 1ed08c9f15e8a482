//! What people are told of conversations.

use serde_json::{Value, json};

use super::{actors, expect_kinds, list, settle};
use crate::support::{Session, TestApp};

async fn write_to(who: &Session, other: &Session, words: &str) -> String {
    let opened = who
        .post("/v1/conversations", &json!({"member_ids": [other.id]}))
        .await;
    let id = opened.id();
    let path = format!("/v1/conversations/{id}/messages");
    who.post(&path, &json!({"content": words}))
        .await
        .expect_status(201);
    id
}

async fn open_group(owner: &Session, one: &Session, other: &Session) -> String {
    let body = json!({"member_ids": [one.id, other.id], "title": "choir"});
    let opened = owner.post("/v1/conversations", &body).await;
    opened.expect_status(201).id()
}

#[tokio::test]
async fn a_stranger_who_writes_is_told_once_until_they_are_answered() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.person("alice").await, app.person("bob").await);
    let talk = write_to(&bob, &alice, "hello").await;
    let told = expect_kinds(&alice, &["message_request"]).await;
    assert_eq!(actors(&told[0]), [bob.username.as_str()]);
    let target = &told[0]["target"];
    assert_eq!(
        (&target["kind"], &target["conversation_id"]),
        (&json!("conversation"), &json!(talk))
    );
    write_to(&bob, &alice, "hello?").await;
    settle(&app).await;
    assert_eq!(list(&alice).await.len(), 1);
    let counts = alice.get("/v1/me/counts").await.expect_status(200).json;
    assert_eq!(counts["messages"]["requests"], 1);
    alice
        .act(&format!("/v1/conversations/{talk}/accept"))
        .await
        .expect_status(200);
    assert_eq!(list(&alice).await, Vec::<Value>::new());
    // Among friends nobody asks.
    let (carol, dave) = app.friends("carol", "dave").await;
    write_to(&carol, &dave, "hello").await;
    settle(&app).await;
    expect_kinds(&dave, &[]).await;
}

#[tokio::test]
async fn whoever_is_taken_into_a_group_is_told_until_they_leave() {
    let app = TestApp::start().await;
    let (alice, bob) = app.friends("alice", "bob").await;
    let carol = app.person("carol").await;
    let talk = open_group(&alice, &bob, &carol).await;
    for who in [&bob, &carol] {
        let told = expect_kinds(who, &["group_invitation"]).await;
        assert_eq!(actors(&told[0]), [alice.username.as_str()]);
        assert_eq!(told[0]["target"]["id"], json!(talk));
    }
    carol
        .act(&format!("/v1/conversations/{talk}/decline"))
        .await
        .expect_status(204);
    assert_eq!(list(&carol).await, Vec::<Value>::new());
    bob.delete(&format!("/v1/conversations/{talk}/members/{}", bob.id))
        .await
        .expect_status(200);
    assert_eq!(list(&bob).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_later_invitation_is_news_and_one_that_is_told_again_is_not() {
    let app = TestApp::start().await;
    let (alice, bob) = app.friends("alice", "bob").await;
    let carol = app.person("carol").await;
    let talk = open_group(&alice, &bob, &carol).await;
    let member = format!("/v1/conversations/{talk}/members/{}", bob.id);
    let first = expect_kinds(&bob, &["group_invitation"]).await.remove(0);
    let up_to = json!({"up_to": first["updated_at"]});
    bob.put("/v1/notifications/read-all", &up_to)
        .await
        .expect_status(200);
    bob.delete(&member).await.expect_status(200);
    alice.set(&member).await.expect_status(200);
    settle(&app).await;
    let second = expect_kinds(&bob, &["group_invitation"]).await.remove(0);
    assert_eq!(second["id"], first["id"]);
    assert_eq!(
        (&second["read"], &second["seen"], &second["actor_count"]),
        (&json!(false), &json!(false), &json!(1))
    );
    let instant = |one: &Value| one["updated_at"].as_str().expect("an instant").to_owned();
    assert!(instant(&second) > instant(&first));

    let groups = async || {
        let all = "select notification_id::text, updated_at::text, actor_count from notification
                   order by notification_id";
        let all: Vec<(String, String, i32)> =
            sqlx::query_as(all).fetch_all(&app.db).await.expect("rows");
        all
    };
    let before = groups().await;
    sqlx::query("update outbox set delivered_at = null")
        .execute(&app.db)
        .await
        .expect("again");
    settle(&app).await;
    assert_eq!(groups().await, before);
    assert_eq!(list(&bob).await, [second]);
}
