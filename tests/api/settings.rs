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
async fn what_a_frontend_keeps_is_bounded_as_it_is_stored() {
    let app = TestApp::start().await;
    let alice = app.person("alice").await;
    let keep = async |client: Value| {
        let change = json!({ "client": client });
        alice.patch("/v1/me/settings", &change).await
    };
    // Six bytes on the way are three hundred where they are kept.
    let many = keep(json!({"numbers": vec![1e300; 60]})).await;
    let refused = many.expect_problem(422, "validation_failed");
    let fault = &refused.json["errors"][0];
    assert_eq!(
        (&fault["pointer"], &fault["code"]),
        (&json!("/client"), &json!("too_long"))
    );
    let told = fault["detail"].as_str().expect("words");
    assert!(told.contains("16384") && told.contains("null"), "{told}");
    // Little by little it comes to the same, and no patch makes more of it than is allowed.
    for number in 0..20 {
        let name = format!("part{number}");
        let reply = keep(json!({name: vec![1e300; 4]})).await;
        let stored: i32 = sqlx::query_scalar(
            "select octet_length(client::text) from user_settings where user_id = $1::uuid",
        )
        .bind(&alice.id)
        .fetch_one(&app.db)
        .await
        .expect("a length");
        assert!(stored <= 16_384, "{number}: {stored} bytes");
        assert_eq!(
            reply.status,
            if number < 13 { 200 } else { 422 },
            "{number}"
        );
    }
    keep(json!({"part0": null, "part1": null}))
        .await
        .expect_status(200);
    keep(json!({"part13": [1e300]})).await.expect_status(200);
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
