//! Links in mails.

use std::time::Duration;

use serde_json::json;

use super::{PASSWORD, TestApp, another_session, log_of, login};

const NEW: &str = "a quite different set of words";

/// The mails that were sent to `address` and hold `words`, oldest first.
fn mails(app: &TestApp, address: &str, words: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(&app.mail_dir) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|end| end == "eml"))
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read_to_string(path).expect("a mail"))
        .filter(|mail| mail.contains(&format!("To: {address}")) && mail.contains(words))
        .collect()
}

/// Waits for a mail, and gives the newest.
pub(super) async fn wait_for(app: &TestApp, address: &str, words: &str) -> String {
    wait_for_nth(app, address, words, 1).await
}

async fn wait_for_nth(app: &TestApp, address: &str, words: &str, count: usize) -> String {
    for _ in 0..200 {
        let mut found = mails(app, address, words);
        if found.len() >= count {
            return found.pop().expect("a mail");
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{address} got no mail that says {words:?}");
}

/// The token in a mail's link.
fn token(mail: &str) -> String {
    let (_, link) = mail.split_once("#token=").expect("a link");
    let (token, _) = link.split_once(char::is_whitespace).expect("an end");
    token.to_owned()
}

#[tokio::test]
async fn an_address_is_confirmed_by_its_link_once() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    let mail = wait_for(&app, "ada@example.org", "/verify-email#token=").await;
    assert!(mail.contains(&format!("{}/verify-email#token=", app.url)));
    let anyone = app.anyone();
    let body = json!({"token": token(&mail)});
    // A link counts for its own purpose only.
    let stolen = json!({"token": token(&mail), "password": NEW});
    let reply = anyone.post("/v1/auth/reset-password", &stolen).await;
    reply.expect_problem(422, "link_expired");
    let reply = anyone.post("/v1/auth/verify-email", &body).await;
    reply.expect_status(204);
    let me = ada.get("/v1/me").await.expect_status(200);
    assert_eq!(me.json["email_verified"], true);
    assert_eq!(log_of(&ada).await[0], "email_verified");
    let again = anyone.post("/v1/auth/verify-email", &body).await;
    again.expect_problem(422, "link_expired");
    let nonsense = json!({"token": "nonsense"});
    let reply = anyone.post("/v1/auth/verify-email", &nonsense).await;
    reply.expect_problem(422, "link_expired");
}

#[tokio::test]
async fn the_link_is_sent_again_on_request() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    let words = "/verify-email#token=";
    wait_for(&app, "ada@example.org", words).await;
    let reply = ada.act("/v1/auth/resend-verification").await;
    reply.expect_status(202);
    wait_for_nth(&app, "ada@example.org", words, 2).await;
    for email in ["ada@example.org", "nobody@example.org"] {
        let body = json!({"email": email});
        let reply = app
            .anyone()
            .post("/v1/auth/resend-verification", &body)
            .await;
        let reply = reply.expect_status(202);
        assert_eq!(reply.header("cache-control").as_deref(), Some("no-store"));
    }
    let mail = wait_for_nth(&app, "ada@example.org", words, 3).await;
    let body = json!({"token": token(&mail)});
    let reply = app.anyone().post("/v1/auth/verify-email", &body).await;
    reply.expect_status(204);
    assert!(mails(&app, "nobody@example.org", "").is_empty());
}

#[tokio::test]
async fn another_address_counts_once_its_link_is_followed() {
    let app = TestApp::start().await;
    let (ada, anyone) = (app.register("ada").await, app.anyone());
    app.register("bob").await;
    let path = "/v1/me/email";
    let ask = async |email: &str, password: &str| {
        let body = json!({"email": email, "password": password});
        ada.put(path, &body).await
    };
    ask("new@example.org", "wrong")
        .await
        .expect_problem(401, "invalid_credentials");
    ask("BOB@example.org", PASSWORD)
        .await
        .expect_problem(409, "email_taken");
    ask("ada@example.org", PASSWORD)
        .await
        .expect_problem(422, "validation_failed");
    ask("new@example.org", PASSWORD).await.expect_status(202);

    let mail = wait_for(&app, "new@example.org", "/verify-email#token=").await;
    let me = ada.get("/v1/me").await.expect_status(200);
    assert_eq!(
        me.json["email"], "ada@example.org",
        "until the link is followed"
    );
    let body = json!({"token": token(&mail)});
    let followed = anyone.post("/v1/auth/verify-email", &body).await;
    followed.expect_status(204);
    let again = anyone.post("/v1/auth/verify-email", &body).await;
    again.expect_problem(422, "link_expired");

    let me = ada.get("/v1/me").await.expect_status(200);
    assert_eq!(me.json["email"], "new@example.org");
    assert_eq!(me.json["email_verified"], true);
    let log = log_of(&ada).await;
    assert_eq!(log[..2], ["email_changed", "email_change_requested"]);
    wait_for(&app, "ada@example.org", "has another e-mail address").await;
    login(&anyone, "new@example.org", PASSWORD)
        .await
        .expect_status(200);
    login(&anyone, "ada@example.org", PASSWORD)
        .await
        .expect_problem(401, "invalid_credentials");
}

#[tokio::test]
async fn only_the_address_that_was_asked_for_last_counts_and_none_after_a_new_password() {
    let app = TestApp::start().await;
    let (ada, anyone) = (app.register("ada").await, app.anyone());
    let mut links = Vec::new();
    for email in ["mistyped@example.org", "right@example.org"] {
        let body = json!({"email": email, "password": PASSWORD});
        ada.put("/v1/me/email", &body).await.expect_status(202);
        let mail = wait_for(&app, email, "/verify-email#token=").await;
        links.push(json!({"token": token(&mail)}));
    }
    let mistyped = anyone.post("/v1/auth/verify-email", &links[0]).await;
    mistyped.expect_problem(422, "link_expired");
    let change = json!({"current_password": PASSWORD, "new_password": NEW});
    ada.put("/v1/me/password", &change).await.expect_status(204);
    let late = anyone.post("/v1/auth/verify-email", &links[1]).await;
    late.expect_problem(422, "link_expired");
    let me = ada.get("/v1/me").await.expect_status(200);
    assert_eq!(me.json["email"], "ada@example.org");
}

#[tokio::test]
async fn an_address_that_was_taken_meanwhile_stays_where_it_is() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    let body = json!({"email": "eve@example.org", "password": PASSWORD});
    ada.put("/v1/me/email", &body).await.expect_status(202);
    let mail = wait_for(&app, "eve@example.org", "/verify-email#token=").await;
    app.register("eve").await;
    let body = json!({"token": token(&mail)});
    let followed = app.anyone().post("/v1/auth/verify-email", &body).await;
    followed.expect_problem(409, "email_taken");
    let me = ada.get("/v1/me").await.expect_status(200);
    assert_eq!(me.json["email"], "ada@example.org");
}

#[tokio::test]
async fn a_forgotten_password_is_set_by_a_link() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    let other = another_session(&app, &ada).await;
    let anyone = app.anyone();
    let known = json!({"email": "ADA@Example.org"});
    let reply = anyone.post("/v1/auth/forgot-password", &known).await;
    let known = reply.expect_status(202);
    let unknown = json!({"email": "nobody@example.org"});
    let reply = anyone.post("/v1/auth/forgot-password", &unknown).await;
    assert_eq!(reply.expect_status(202).json, known.json);

    let mail = wait_for(&app, "ada@example.org", "/reset-password#token=").await;
    let weak = json!({"token": token(&mail), "password": "ada@example.org"});
    let reply = anyone.post("/v1/auth/reset-password", &weak).await;
    let reply = reply.expect_problem(422, "validation_failed");
    assert_eq!(reply.json["errors"][0]["code"], "too_weak");
    let body = json!({"token": token(&mail), "password": NEW});
    let (one, twin) = tokio::join!(
        anyone.post("/v1/auth/reset-password", &body),
        anyone.post("/v1/auth/reset-password", &body)
    );
    let mut statuses = [one.status, twin.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 422]);

    for session in [&ada, &other] {
        let reply = session.get("/v1/me").await;
        reply.expect_problem(401, "session_revoked");
    }
    let old = login(&anyone, "ada", PASSWORD).await;
    old.expect_problem(401, "invalid_credentials");
    let reply = login(&anyone, "ada", NEW).await.expect_status(200);
    assert_eq!(reply.json["user"]["email_verified"], true);
    wait_for(&app, "ada@example.org", "password was changed").await;
}

#[tokio::test]
async fn an_old_link_does_nothing() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let known = json!({"email": "ada@example.org"});
    let reply = app.anyone().post("/v1/auth/forgot-password", &known).await;
    reply.expect_status(202);
    let mail = wait_for(&app, "ada@example.org", "/reset-password#token=").await;
    sqlx::query("update mail_token set expires_at = expires_at - interval '61 min'")
        .execute(&app.db)
        .await
        .expect("aged");
    let body = json!({"token": token(&mail), "password": NEW});
    let reply = app.anyone().post("/v1/auth/reset-password", &body).await;
    reply.expect_problem(422, "link_expired");
    login(&app.anyone(), "ada", PASSWORD)
        .await
        .expect_status(200);
}

#[tokio::test]
async fn no_token_is_stored_and_links_are_bounded() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let body = json!({"email": "ada@example.org"});
    for _ in 0..5 {
        let reply = app.anyone().post("/v1/auth/forgot-password", &body).await;
        reply.expect_status(202);
    }
    for _ in 0..200 {
        let waiting: i64 = sqlx::query_scalar("select count(*) from job where name = 'auth.mail'")
            .fetch_one(&app.db)
            .await
            .expect("a count");
        if waiting == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let sent = mails(&app, "ada@example.org", "/reset-password#token=");
    assert_eq!(sent.len(), 3);
    let found: i64 = sqlx::query_scalar(
        "select count(*) from mail_token where encode(token_hash, 'escape') like '%' || $1 || '%'",
    )
    .bind(token(&sent[0]))
    .fetch_one(&app.db)
    .await
    .expect("a count");
    assert_eq!(found, 0);
    // An answer from the network lets the pool take its connection back before kith stops.
    app.anyone().get("/livez").await.expect_status(200);
}

#[tokio::test]
async fn the_pages_of_links_let_only_their_own_script_run() {
    let app = TestApp::start().await;
    for path in ["/verify-email", "/reset-password"] {
        let response = reqwest::get(format!("{}{path}", app.url)).await;
        let response = response.expect("answered");
        assert_eq!(response.status(), 200);
        let policy = response.headers()["content-security-policy"].clone();
        let policy = policy.to_str().expect("ASCII");
        assert!(policy.contains("script-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe-inline"), "{policy}");
        let page = response.text().await.expect("a page");
        assert!(page.contains("role=\"status\"") && page.contains("lang=\"en\""));
    }
}
