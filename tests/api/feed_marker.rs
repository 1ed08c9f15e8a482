//! How far one has read.

use serde_json::{Value, json};

use crate::support::TestApp;

#[tokio::test]
async fn a_marker_only_moves_forward() {
    let app = TestApp::start().await;
    let (me, friend) = app.friends("me", "friend").await;
    let none = me.get("/v1/feed/marker").await.expect_status(200).json;
    assert_eq!(none, json!({"post_id": null, "created_at": null}));
    let older = friend.post_to(&json!("friends"), "older").await;
    let newer = friend.post_to(&json!("friends"), "newer").await;
    for (told, stands) in [(&older, &older), (&newer, &newer), (&older, &newer)] {
        let set = me
            .put("/v1/feed/marker", &json!({ "post_id": told }))
            .await
            .expect_status(200)
            .json;
        assert_eq!(set["post_id"], json!(stands));
        assert_eq!(me.get("/v1/feed/marker").await.json, set);
    }
    let made = me.get(&format!("/v1/posts/{newer}")).await.json;
    let marker = me.get("/v1/feed/marker").await.json;
    assert_eq!(marker["created_at"], made["created_at"]);
    assert_eq!(
        friend.get("/v1/feed/marker").await.json["post_id"],
        Value::Null
    );

    let stranger = app.person("stranger").await;
    for hidden in [&*newer, "01938b2f-5a00-7000-8000-000000000001"] {
        stranger
            .put("/v1/feed/marker", &json!({ "post_id": hidden }))
            .await
            .expect_problem(422, "validation_failed");
    }
}
