//! Settings: what a frontend keeps there comes back as it was.

use serde_json::{Value, json};

use crate::support::TestApp;

#[tokio::test]
async fn every_number_that_is_accepted_can_be_read_again() {
    let app = TestApp::start().await;
    let alice = app.person("alice").await;
    let numbers = json!([
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        5e-324,
        1.6e308,
        0.1,
        u64::MAX,
        i64::MIN
    ]);
    let change = json!({"client": {"numbers": numbers}});
    alice
        .patch("/v1/me/settings", &change)
        .await
        .expect_status(200);
    let settings = alice.get("/v1/me/settings").await.expect_status(200);
    assert_eq!(settings.json["client"]["numbers"], numbers);
    // A post looks up whom it is for by default, in the same row.
    alice
        .post("/v1/posts", &json!({"content": "still here"}))
        .await
        .expect_status(201);
}

#[tokio::test]
async fn members_that_cannot_be_null_say_so_and_are_described_so() {
    let app = TestApp::start().await;
    let alice = app.person("alice").await;
    for (path, schema, members) in [
        ("/v1/me", "ProfileChange", &["username", "display_name"][..]),
        (
            "/v1/me/settings",
            "SettingsChange",
            &["language", "searchable", "client"],
        ),
    ] {
        for member in members {
            let change = Value::Object([((*member).to_owned(), Value::Null)].into_iter().collect());
            let reply = alice.patch(path, &change).await;
            reply.expect_problem(422, "validation_failed");
            let document = serde_json::to_value(kith::app::document()).expect("JSON");
            let described = &document["components"]["schemas"][schema]["properties"][member];
            assert!(
                !described.to_string().contains("null"),
                "{member}: {described}"
            );
        }
    }
}
