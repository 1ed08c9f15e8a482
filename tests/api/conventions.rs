//! What holds for every route.

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
