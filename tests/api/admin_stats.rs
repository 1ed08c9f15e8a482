//! The numbers of an instance.

use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn an_administrator_sees_the_numbers_and_nobody_else_does() {
    let app = TestApp::start().await;
    let (ada, eve) = app.friends("ada", "eve").await;
    let post = ada.post_to(&json!("friends"), "a post").await;
    let gone = ada.post_to(&json!("friends"), "gone").await;
    ada.delete(&format!("/v1/posts/{gone}"))
        .await
        .expect_status(204);
    eve.comment_on(&post, "a comment").await;
    eve.put(
        &format!("/v1/posts/{post}/reaction"),
        &json!({"kind": "like"}),
    )
    .await
    .expect_status(200);
    // What is said in private is counted nowhere here.
    let body = json!({"member_ids": [eve.id]});
    let talk = ada.post("/v1/conversations", &body).await.id();
    let path = format!("/v1/conversations/{talk}/messages");
    let message = ada.post(&path, &json!({"content": "hello"})).await;
    let message = message.expect_status(201).id();
    let path = format!("/v1/messages/{message}/reaction");
    eve.put(&path, &json!({"kind": "like"}))
        .await
        .expect_status(200);
    for role in ["user", "moderator"] {
        become_role(&app, &ada.username, role).await;
        ada.get("/v1/admin/stats")
            .await
            .expect_problem(403, "forbidden");
    }
    become_role(&app, &ada.username, "admin").await;
    sqlx::query(
        "update session set created_at = now() - interval '9 days',
             last_active_at = now() - interval '2 days'
         where user_id = $1::uuid",
    )
    .bind(&eve.id)
    .execute(&app.db)
    .await
    .expect("older");
    let stats = ada.get("/v1/admin/stats").await.expect_status(200).json;
    let mut expected = json!({"people": 2, "active_day": 1, "active_week": 2, "posts": 1, "comments": 1,
        "reactions": 1, "friendships": 1, "sessions": 2});
    expected["counted_at"] = stats["counted_at"].clone();
    assert_eq!(stats, expected);
}

async fn become_role(app: &TestApp, username: &str, role: &str) {
    sqlx::query("update account set role = $2 where username = $1")
        .bind(username)
        .bind(role)
        .execute(&app.db)
        .await
        .expect("a role");
    app.wait_until_voids_are_delivered().await;
}
