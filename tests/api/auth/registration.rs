//! Registration and sign-in.

use serde_json::json;

use super::{PASSWORD, TestApp, log_of, login, wait_for_event};

#[tokio::test]
async fn whoever_registers_is_signed_in() {
    let app = TestApp::start().await;
    let body = json!({
        "username": "Ada", "email": "Ada@Example.ORG", "password": PASSWORD,
        "display_name": "Ada Lovelace", "device_name": "Laptop",
    });
    let reply = app.anyone().post("/v1/auth/register", &body).await;
    let reply = reply.expect_status(201);
    assert_eq!(reply.header("cache-control").as_deref(), Some("no-store"));
    let id = reply.json["user"]["id"].as_str().expect("an id");
    assert_eq!(reply.header("location"), Some(format!("/v1/users/{id}")));
    assert_eq!(reply.json["token_type"], "Bearer");
    assert_eq!(reply.json["expires_in"], 900);
    let me = app
        .anyone()
        .with_token(reply.json["access_token"].as_str().expect("a token"));
    let me = me.get("/v1/me").await.expect_status(200);
    assert_eq!(me.json, reply.json["user"]);
    assert_eq!(me.json["username"], "ada");
    assert_eq!(me.json["email"], "Ada@example.org");
    assert_eq!(me.json["email_verified"], false);
}

#[tokio::test]
async fn all_that_is_wrong_with_a_registration_is_told_at_once() {
    let app = TestApp::start().await;
    let body = json!({"username": "a b", "email": "nobody", "password": "tiny", "age": 7});
    let reply = app.anyone().post("/v1/auth/register", &body).await;
    let reply = reply.expect_problem(422, "validation_failed");
    let mut told: Vec<_> = reply.json["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| format!("{} {}", error["pointer"], error["code"]).replace('"', ""))
        .collect();
    told.sort();
    let expected = [
        "/age unknown_field",
        "/display_name required",
        "/email not_an_email",
        "/password too_short",
        "/username forbidden_character",
    ];
    assert_eq!(told, expected);
    assert!(!reply.json.to_string().contains("tiny"));

    let body = json!({"username": "zebulonka", "email": "byron@example.org",
        "password": "zebulonka7", "display_name": "Ada"});
    let reply = app.anyone().post("/v1/auth/register", &body).await;
    let reply = reply.expect_problem(422, "validation_failed");
    assert_eq!(reply.json["errors"][0]["code"], "too_weak");
}

#[tokio::test]
async fn a_name_and_an_address_that_are_taken_are_told_together() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let body = json!({"username": "ADA", "email": "ADA@example.org", "password": PASSWORD,
        "display_name": "Another"});
    let reply = app.anyone().post("/v1/auth/register", &body).await;
    let reply = reply.expect_problem(409, "username_taken");
    assert_eq!(reply.json["errors"][0]["code"], "username_taken");
    assert_eq!(reply.json["errors"][1]["code"], "email_taken");
    let body = json!({"username": "bob", "email": "ADA@example.org", "password": PASSWORD,
        "display_name": "Another"});
    let reply = app.anyone().post("/v1/auth/register", &body).await;
    reply.expect_problem(409, "email_taken");
}

#[tokio::test]
async fn of_two_registrations_with_one_name_at_once_one_succeeds() {
    let app = TestApp::start().await;
    let anyone = app.anyone();
    let register = |email: &str| {
        let body = json!({"username": "ada", "email": email, "password": PASSWORD,
            "display_name": "Ada"});
        let anyone = anyone.clone();
        async move { anyone.post("/v1/auth/register", &body).await.status }
    };
    let (one, other) = tokio::join!(register("a@example.org"), register("b@example.org"));
    let mut statuses = [one, other];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
}

#[tokio::test]
async fn nobody_registers_where_registration_is_closed_or_by_invitation() {
    // There are no invitations yet, so nobody has one.
    for policy in ["closed", "invite"] {
        let app = TestApp::start_with(&[("KITH_REGISTRATION", policy)]).await;
        let body = json!({"username": "ada", "email": "ada@example.org", "password": PASSWORD,
            "display_name": "Ada"});
        let reply = app.anyone().post("/v1/auth/register", &body).await;
        reply.expect_problem(403, "registration_closed");
    }
}

#[tokio::test]
async fn an_unknown_name_is_refused_like_a_wrong_password() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    let anyone = app.anyone();
    for name in ["ADA", "ADA@example.org"] {
        login(&anyone, name, PASSWORD).await.expect_status(200);
    }
    let wrong = login(&anyone, "ada", "wrong horse").await;
    let mut wrong = wrong.expect_problem(401, "invalid_credentials").json;
    let unknown = login(&anyone, "nobody", "wrong horse").await;
    let mut unknown = unknown.expect_problem(401, "invalid_credentials").json;
    wrong["request_id"].take();
    unknown["request_id"].take();
    assert_eq!(wrong, unknown);
    wait_for_event(&ada, "sign_in_failed").await;
    let log = log_of(&ada).await;
    assert_eq!(log.last().map(String::as_str), Some("registered"));
    assert_eq!(log.iter().filter(|kind| *kind == "signed_in").count(), 2);
}

/// Another letter that Postgres takes for the same one would have a count of its own in the limit.
#[tokio::test]
async fn a_name_is_known_in_any_case_and_by_no_letter_like_it() {
    let app = TestApp::start().await;
    app.register("dimitri").await;
    let anyone = app.anyone();
    login(&anyone, "DIMITRI", PASSWORD).await.expect_status(200);
    login(&anyone, "d\u{130}mitri", PASSWORD)
        .await
        .expect_problem(401, "invalid_credentials");
}

#[tokio::test]
async fn a_suspension_is_told_to_whoever_knows_the_password_alone() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    sqlx::query("update account set state = 'suspended', suspended_until = now() + interval '1 h'")
        .execute(&app.db)
        .await
        .expect("suspended");
    app.wait_until_voids_are_delivered().await;
    let anyone = app.anyone();
    let wrong = login(&anyone, "ada", "wrong horse").await;
    wrong.expect_problem(401, "invalid_credentials");
    let right = login(&anyone, "ada", PASSWORD).await;
    let right = right.expect_problem(403, "account_suspended");
    assert!(right.json["until"].is_string());
    let refreshed = super::refresh(&anyone, &ada.refresh_token).await;
    refreshed.expect_problem(403, "account_suspended");
}

#[tokio::test]
async fn a_suspension_while_a_password_is_verified_counts() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let mut suspending = app.db.begin().await.expect("a transaction");
    sqlx::query("update account set state = 'suspended'")
        .execute(&mut *suspending)
        .await
        .expect("suspended");
    let anyone = app.anyone();
    // To whoever signs in, the account is as it was before, until the end of that transaction.
    let signing_in = login(&anyone, "ada", PASSWORD);
    let suspended = async {
        app.wait_until_somebody_waits_for_a_lock().await;
        suspending.commit().await.expect("committed");
    };
    let (answer, ()) = tokio::join!(signing_in, suspended);
    answer.expect_problem(403, "account_suspended");
}

#[tokio::test]
async fn a_suspension_is_over_at_its_end_before_any_job_has_lifted_it() {
    // No job runs here.
    let app = TestApp::start_with(&[("KITH_ROLES", "web")]).await;
    let ada = app.register("ada").await;
    let suspend = async || {
        let sql = "update account
             set state = 'suspended', suspended_until = now() - interval '1 second'";
        let done = sqlx::query(sql).execute(&app.db).await;
        done.expect("suspended");
        app.wait_until_voids_are_delivered().await;
    };
    let state = async || -> String {
        let asked = sqlx::query_scalar("select state from account");
        asked.fetch_one(&app.db).await.expect("a state")
    };
    suspend().await;
    ada.get("/v1/me").await.expect_status(200);
    let anyone = app.anyone();
    let refreshed = super::refresh(&anyone, &ada.refresh_token).await;
    refreshed.expect_status(200);
    assert_eq!(state().await, "active", "lifted");
    suspend().await;
    login(&anyone, "ada", PASSWORD).await.expect_status(200);
    assert_eq!(state().await, "active", "lifted");
}

#[tokio::test]
async fn guessing_is_slowed_down_and_the_right_password_looks_like_a_wrong_one() {
    let app = TestApp::start_with(&[("KITH_LIMITS", "on")]).await;
    app.register("ada").await;
    let anyone = app.anyone();
    for name in ["ada", "nobody"] {
        for _ in 0..5 {
            let wrong = login(&anyone, name, "wrong horse").await;
            wrong.expect_problem(401, "invalid_credentials");
        }
        let locked = login(&anyone, name, PASSWORD).await;
        let locked = locked.expect_problem(429, "rate_limited");
        let seconds: u32 = locked
            .header("retry-after")
            .and_then(|seconds| seconds.parse().ok())
            .expect("seconds");
        // The window, and at most a tenth more.
        assert!((1..=330).contains(&seconds), "{seconds}");
    }
}
