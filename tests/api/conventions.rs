//! What holds for every route.

use serde_json::Value;

use crate::support::TestApp;

#[tokio::test]
async fn a_kith_with_a_database_is_alive_and_ready() {
    let app = TestApp::start().await;
    app.anyone().get("/livez").await.expect_status(200);
    app.anyone().get("/readyz").await.expect_status(200);
}

#[tokio::test]
async fn the_documentation_is_served_without_a_network() {
    let app = TestApp::start().await;
    let document = app.anyone().get("/openapi.json").await.expect_status(200);
    assert_eq!(document.json["openapi"], "3.1.0");
    app.anyone().get("/docs/").await.expect_status(200);
    app.anyone()
        .get("/docs/swagger-ui-bundle.js")
        .await
        .expect_status(200);
    app.anyone().get("/docs/errors").await.expect_status(200);
}

#[tokio::test]
async fn a_private_route_refuses_strangers_and_unknown_routes_are_problems() {
    let app = TestApp::start().await;
    app.anyone()
        .get("/v1/me")
        .await
        .expect_problem(401, "unauthenticated");
    app.anyone()
        .with_token("nonsense")
        .get("/v1/me")
        .await
        .expect_problem(401, "invalid_token");
    app.anyone()
        .get("/v1/nothing")
        .await
        .expect_problem(404, "not_found");
    let reply = app
        .anyone()
        .delete("/livez")
        .await
        .expect_problem(405, "method_not_allowed");
    assert_eq!(reply.header("allow").as_deref(), Some("GET, HEAD, OPTIONS"));
}

#[tokio::test]
async fn a_route_without_parameters_refuses_a_query() {
    let app = TestApp::start().await;
    let person = app.person("person").await;
    for path in ["/v1/me?x=1", "/v1/me/settings?limit=1", "/v1/meta?x"] {
        let reply = person.get(path).await;
        let refused = reply.expect_problem(422, "validation_failed");
        assert_eq!(refused.json["errors"][0]["code"], "unknown_parameter");
    }
    person
        .delete("/v1/me/sessions?all=1")
        .await
        .expect_problem(422, "validation_failed");
    let profile = format!("/v1/users/@{}", person.username);
    person
        .get(&format!("{profile}?expand=relationship"))
        .await
        .expect_status(200);
    person
        .get(&format!("{profile}?expand=friends"))
        .await
        .expect_problem(422, "validation_failed");
    // Health checks may add what they like.
    person.get("/livez?x=1").await.expect_status(200);
}

#[tokio::test]
async fn a_query_has_at_most_sixty_four_parameters() {
    let app = TestApp::start().await;
    let query = |many: usize| {
        (0..many)
            .map(|n| format!("p{n}"))
            .collect::<Vec<_>>()
            .join("&")
    };
    let anyone = app.anyone();
    let told = anyone.get(&format!("/v1/meta?{}", query(64))).await;
    let told = told.expect_problem(422, "validation_failed");
    assert_eq!(
        told.json["errors"].as_array().map(Vec::<Value>::len),
        Some(64)
    );
    anyone
        .get(&format!("/v1/meta?{}", query(65)))
        .await
        .expect_problem(400, "malformed_request");
}
