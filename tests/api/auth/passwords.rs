//! Changing and confirming a password.

use serde_json::json;

use super::{PASSWORD, TestApp, another_session, log_of, login, wait_for_event};

const NEW: &str = "a quite different set of words";

#[tokio::test]
async fn a_new_password_ends_all_other_sessions() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    let other = another_session(&app, &ada).await;
    let wrong = json!({"current_password": "wrong horse", "new_password": NEW});
    let reply = ada.put("/v1/me/password", &wrong).await;
    reply.expect_problem(401, "invalid_credentials");
    other.get("/v1/me").await.expect_status(200);
    let weak = json!({"current_password": PASSWORD, "new_password": "password1"});
    let reply = ada.put("/v1/me/password", &weak).await;
    let reply = reply.expect_problem(422, "validation_failed");
    assert_eq!(reply.json["errors"][0]["pointer"], "/new_password");

    let right = json!({"current_password": PASSWORD, "new_password": NEW});
    ada.put("/v1/me/password", &right).await.expect_status(204);
    ada.get("/v1/me").await.expect_status(200);
    other
        .get("/v1/me")
        .await
        .expect_problem(401, "session_revoked");
    let old = login(&app.anyone(), "ada", PASSWORD).await;
    old.expect_problem(401, "invalid_credentials");
    login(&app.anyone(), "ada", NEW).await.expect_status(200);
    let log = log_of(&ada).await;
    assert!(log.contains(&"password_changed".to_owned()), "{log:?}");
    let mail = super::mails::wait_for(&app, "ada@example.org", "password was changed").await;
    assert!(!mail.contains(NEW));
}

#[tokio::test]
async fn other_sessions_can_be_kept() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    let other = another_session(&app, &ada).await;
    let body =
        json!({"current_password": PASSWORD, "new_password": NEW, "keep_other_sessions": true});
    ada.put("/v1/me/password", &body).await.expect_status(204);
    other.get("/v1/me").await.expect_status(200);
}

#[tokio::test]
async fn a_password_is_confirmed_again() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    sqlx::query("update session set reauthenticated_at = now() - interval '1 h'")
        .execute(&app.db)
        .await
        .expect("aged");
    let reply = ada
        .post("/v1/auth/reauth", &json!({"password": "no"}))
        .await;
    reply.expect_problem(401, "invalid_credentials");
    let right = json!({"password": PASSWORD});
    ada.post("/v1/auth/reauth", &right).await.expect_status(204);
    let fresh: bool =
        sqlx::query_scalar("select reauthenticated_at > now() - interval '1 min' from session")
            .fetch_one(&app.db)
            .await
            .expect("a session");
    assert!(fresh);
    wait_for_event(&ada, "confirmation_failed").await;
    assert!(log_of(&ada).await.contains(&"reauthenticated".to_owned()));
}

#[tokio::test]
async fn a_weaker_hash_is_replaced_at_sign_in() {
    let app = TestApp::start().await;
    app.register("ada").await;
    // argon2id of the password of tests with m=8192, t=1.
    let weak = {
        use argon2::password_hash::phc::PasswordHash;
        use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};
        let params = Params::new(8_192, 1, 1, None).expect("valid");
        let hash: PasswordHash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_with_salt(PASSWORD.as_bytes(), &[7; 16])
            .expect("hashed");
        hash.to_string()
    };
    sqlx::query("update credential set password_hash = $1")
        .bind(weak)
        .execute(&app.db)
        .await
        .expect("set");
    login(&app.anyone(), "ada", PASSWORD)
        .await
        .expect_status(200);
    let hash: String = sqlx::query_scalar("select password_hash from credential")
        .fetch_one(&app.db)
        .await
        .expect("a hash");
    assert!(
        hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{hash}"
    );
    login(&app.anyone(), "ada", PASSWORD)
        .await
        .expect_status(200);
}
