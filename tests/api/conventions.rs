//! What holds for every route.

use serde_json::{Value, json};

use crate::support::{Reply, TestApp};

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
async fn a_patch_takes_null_for_what_can_be_without_a_value_alone() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let post = ann.post_to(&json!("public"), "a post").await;
    let comment = ann.comment_on(&post, "a comment").await;
    let body = json!({"member_ids": [ben.id]});
    let talk = ann.post("/v1/conversations", &body).await.id();
    let path = format!("/v1/conversations/{talk}");
    let said = json!({"content": "a message"});
    let message = ann.post(&format!("{path}/messages"), &said).await.id();
    for (path, member) in [
        (format!("/v1/posts/{post}"), "content"),
        (format!("/v1/posts/{post}"), "audience"),
        (format!("/v1/comments/{comment}"), "content"),
        (format!("/v1/messages/{message}"), "content"),
        (format!("{path}/me"), "archived"),
        ("/v1/me/settings".to_owned(), "language"),
        ("/v1/me".to_owned(), "display_name"),
    ] {
        let refused = ann.patch(&path, &json!({ member: null })).await;
        let refused = refused.expect_problem(422, "validation_failed");
        let fault = &refused.json["errors"][0];
        assert_eq!(fault["code"], "not_nullable", "{path} {member}");
        assert_eq!(fault["pointer"], format!("/{member}"), "{path}");
    }
    let cleared = ann.patch("/v1/me", &json!({"website": null})).await;
    cleared.expect_status(200);
}

#[tokio::test]
async fn what_is_refused_is_told_in_the_words_of_whoever_asked() {
    let app = TestApp::start().await;
    let person = app.person("person").await;
    let detail = |reply: Reply| {
        let refused = reply.expect_problem(422, "validation_failed");
        refused.json["errors"][0]["detail"].to_string()
    };
    let list = detail(person.get("/v1/feed?page=2").await);
    for known in ["`order`", "`expand`", "`limit`", "`cursor`"] {
        assert!(list.contains(known), "{list}");
    }
    let body = json!({"user_id": "@bob"});
    let id = detail(person.post("/v1/friend-requests", &body).await);
    assert_eq!(id, "\"Expected an id.\"");
    let body = json!({"email_digest": 5});
    let word = detail(person.patch("/v1/me/settings", &body).await);
    assert_eq!(word, "\"Expected a string.\"");
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
