//! Following and muting.

use serde_json::{Value, json};

use super::counters_are_right;
use crate::support::TestApp;

#[tokio::test]
async fn following_and_muting_are_set_and_unset() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.person("anna").await, app.person("ben").await);
    let user = format!("/v1/users/{}", ben.id);
    let follow = format!("{user}/follow");
    for _ in 0..2 {
        assert_eq!(
            anna.set(&follow).await.expect_status(200).json["following"],
            true
        );
    }
    assert_eq!(
        anna.get(&format!("{user}/followers")).await.ids(),
        *std::slice::from_ref(&anna.id)
    );
    let following = format!("/v1/users/{}/following", anna.id);
    assert_eq!(
        ben.get(&following).await.ids(),
        *std::slice::from_ref(&ben.id)
    );
    assert_eq!(anna.get(&user).await.json["counts"]["followers"], 1);
    counters_are_right(&app).await;
    for _ in 0..2 {
        assert_eq!(
            anna.delete(&follow).await.expect_status(200).json["following"],
            false
        );
    }
    let own = format!("/v1/users/{}/follow", anna.id);
    anna.set(&own)
        .await
        .expect_problem(422, "cannot_target_self");
    counters_are_right(&app).await;

    let mute = format!("{user}/mute");
    let forever = anna.set(&mute).await.expect_status(200);
    assert_eq!(forever.json["muted_until"], "9999-12-31T23:59:59.999Z");
    let until = json!({"until": "2199-01-01T00:00:00Z"});
    let reply = anna.put(&mute, &until).await.expect_status(200);
    assert_eq!(reply.json["muted_until"], "2199-01-01T00:00:00.000Z");
    assert_eq!(
        anna.get("/v1/mutes").await.ids(),
        *std::slice::from_ref(&ben.id)
    );
    let past = json!({"until": "2001-01-01T00:00:00Z"});
    anna.put(&mute, &past)
        .await
        .expect_problem(422, "validation_failed");
    assert_eq!(anna.delete(&mute).await.json["muted_until"], Value::Null);
    assert!(anna.get("/v1/mutes").await.ids().is_empty());
}
