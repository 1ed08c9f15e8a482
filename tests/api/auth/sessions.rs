//! Sessions as their owner sees them, and the end of them.

use serde_json::json;

use super::{PASSWORD, Session, TestApp, another_session, log_of, login, refresh, text};

#[tokio::test]
async fn signing_out_counts_at_once() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    let other = another_session(&app, &ada).await;
    ada.act("/v1/auth/logout").await.expect_status(204);
    ada.get("/v1/me")
        .await
        .expect_problem(401, "session_revoked");
    let anyone = app.anyone();
    let dead = refresh(&anyone, &ada.refresh_token).await;
    dead.expect_problem(401, "session_revoked");
    other.get("/v1/me").await.expect_status(200);
    assert!(log_of(&other).await.contains(&"signed_out".to_owned()));

    // Without an access token the refresh token names the session; repeating is harmless.
    let body = json!({"refresh_token": other.refresh_token});
    for _ in 0..2 {
        let reply = anyone.post("/v1/auth/logout", &body).await;
        reply.expect_status(204);
    }
    other
        .get("/v1/me")
        .await
        .expect_problem(401, "session_revoked");
    let none = anyone.act("/v1/auth/logout").await;
    none.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.register("ada").await, app.register("eve").await);
    let phone = json!({"login": "ada", "password": PASSWORD, "device_id": "phone-1",
        "device_name": "Phone"});
    let reply = app.anyone().post("/v1/auth/login", &phone).await;
    let phone = Session::new(&app.url, &reply.expect_status(200).json);

    let list = ada.get("/v1/me/sessions").await.expect_status(200);
    assert_eq!(list.header("cache-control").as_deref(), Some("no-store"));
    assert_eq!(list.ids(), [&*phone.session_id, &*ada.session_id]);
    let shown = &list.json["data"][0];
    assert_eq!(shown["device_id"], "phone-1");
    assert_eq!(shown["device_name"], "Phone");
    assert_eq!(shown["address"], "127.0.0.1");
    assert_eq!(shown["current"], false);
    assert_eq!(list.json["data"][1]["current"], true);
    assert_eq!(ada.walk("/v1/me/sessions", 1).await.len(), 2);

    let path = format!("/v1/me/sessions/{}", phone.session_id);
    eve.delete(&path).await.expect_problem(404, "not_found");
    ada.delete("/v1/me/sessions/nonsense")
        .await
        .expect_problem(404, "not_found");
    ada.delete(&path).await.expect_status(204);
    phone
        .get("/v1/me")
        .await
        .expect_problem(401, "session_revoked");
    ada.delete(&path).await.expect_problem(404, "not_found");
    assert_eq!(log_of(&ada).await[0], "session_revoked");
}

#[tokio::test]
async fn all_other_sessions_or_all_can_be_ended() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    let other = another_session(&app, &ada).await;
    ada.delete("/v1/me/sessions").await.expect_status(204);
    other
        .get("/v1/me")
        .await
        .expect_problem(401, "session_revoked");
    ada.get("/v1/me").await.expect_status(200);
    ada.act("/v1/auth/logout-all").await.expect_status(204);
    ada.get("/v1/me")
        .await
        .expect_problem(401, "session_revoked");
}

#[tokio::test]
async fn the_same_device_again_replaces_its_session() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let body = json!({"login": "ada", "password": PASSWORD, "device_id": "phone-1"});
    let first = app.anyone().post("/v1/auth/login", &body).await;
    let first = Session::new(&app.url, &first.expect_status(200).json);
    let second = app.anyone().post("/v1/auth/login", &body).await;
    let second = Session::new(&app.url, &second.expect_status(200).json);
    first
        .get("/v1/me")
        .await
        .expect_problem(401, "session_revoked");
    second.get("/v1/me").await.expect_status(200);
}

#[tokio::test]
async fn the_security_log_shows_the_last_hundred_lines() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    sqlx::query(
        "insert into security_event
         select gen_random_uuid(), user_id, 'signed_in', '', '', null, now() - n * interval '1 min'
         from account, generate_series(1, 150) n",
    )
    .execute(&app.db)
    .await
    .expect("lines");
    let log = ada.walk("/v1/me/security-log", 40).await;
    assert_eq!(log.len(), 100);
    assert_eq!(log[0]["kind"], "registered");
    assert_eq!(log[0]["session_id"], ada.session_id);
}

#[tokio::test]
async fn a_deleted_account_is_gone_and_its_address_free() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    let wrong = ada.request(reqwest::Method::DELETE, "/v1/me");
    let wrong = ada
        .send(wrong.json(&json!({"password": "wrong horse"})))
        .await;
    wrong.expect_problem(401, "invalid_credentials");
    let right = ada.request(reqwest::Method::DELETE, "/v1/me");
    let right = ada.send(right.json(&json!({"password": PASSWORD}))).await;
    right.expect_status(204);
    ada.get("/v1/me")
        .await
        .expect_problem(401, "session_revoked");
    for name in ["ada", "ada@example.org"] {
        let reply = login(&app.anyone(), name, PASSWORD).await;
        reply.expect_problem(401, "invalid_credentials");
    }
    let body = json!({"username": "ada2", "email": "ada@example.org", "password": PASSWORD,
        "display_name": "Ada"});
    let reply = app.anyone().post("/v1/auth/register", &body).await;
    reply.expect_status(201);
}

async fn change_sessions(app: &TestApp, how: &'static str) {
    sqlx::raw_sql(how).execute(&app.db).await.expect("changed");
    app.wait_until_voids_are_delivered().await;
}

#[tokio::test]
async fn a_session_that_is_used_all_the_time_ends_after_180_days() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    change_sessions(
        &app,
        "update session set created_at = created_at - interval '170 days',
                            ends_at = ends_at - interval '170 days'",
    )
    .await;
    let anyone = app.anyone();
    let renewed = refresh(&anyone, &ada.refresh_token)
        .await
        .expect_status(200);
    let (access, next) = (
        text(&renewed.json["access_token"]),
        text(&renewed.json["refresh_token"]),
    );
    let left: f64 = sqlx::query_scalar(
        "select extract(epoch from expires_at - now())::float8 / 86400 from session",
    )
    .fetch_one(&app.db)
    .await
    .expect("days");
    assert!((9.9..=10.0).contains(&left), "{left} days");
    let me = anyone.with_token(&access);
    me.get("/v1/me").await.expect_status(200);
    // Ten days go by.
    change_sessions(
        &app,
        "update session set expires_at = expires_at - interval '10 days',
                            ends_at = ends_at - interval '10 days'",
    )
    .await;
    let late = refresh(&anyone, &next).await;
    late.expect_problem(401, "session_revoked");
    let late = me.get("/v1/me").await;
    late.expect_problem(401, "session_revoked");
}
