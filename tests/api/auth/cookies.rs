//! The refresh token in a cookie.

use reqwest::Method;
use serde_json::json;

use super::{PASSWORD, Reply, TestApp, refresh};

const ORIGIN: &str = "http://localhost:5173";

/// The value of the refresh cookie that an answer sets, and the cookie as a whole.
fn cookie(reply: &Reply) -> (String, String) {
    let whole = reply.header("set-cookie").expect("a cookie");
    let pair = whole.split(';').next().expect("a pair");
    let value = pair.strip_prefix("__Host-kith_refresh=").expect("its name");
    (value.to_owned(), whole)
}

async fn send(app: &TestApp, path: &str, token: &str, origin: Option<&str>) -> Reply {
    let anyone = app.anyone();
    let mut request = anyone
        .request(Method::POST, path)
        .header("Cookie", format!("__Host-kith_refresh={token}"));
    if let Some(origin) = origin {
        request = request.header("Origin", origin);
    }
    anyone.send(request).await
}

#[tokio::test]
async fn a_refresh_token_can_live_in_a_cookie() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let body = json!({"login": "ada", "password": PASSWORD, "refresh_in": "cookie"});
    let reply = app.anyone().post("/v1/auth/login", &body).await;
    let reply = reply.expect_status(200);
    assert!(reply.json.get("refresh_token").is_none());
    let (first, whole) = cookie(&reply);
    for part in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/"] {
        assert!(whole.contains(part), "{whole}");
    }

    let path = "/v1/auth/refresh";
    for origin in [None, Some("https://evil.example"), Some("null")] {
        let reply = send(&app, path, &first, origin).await;
        assert_eq!(reply.status, 403, "{origin:?}");
    }
    let reply = send(&app, path, &first, Some(ORIGIN))
        .await
        .expect_status(200);
    assert!(reply.json.get("refresh_token").is_none());
    let (second, _) = cookie(&reply);
    assert_ne!(first, second);
    let own = send(&app, path, &second, Some(&app.url))
        .await
        .expect_status(200);
    let (third, _) = cookie(&own);

    let refused = send(&app, "/v1/auth/logout", &third, None).await;
    refused.expect_problem(403, "forbidden");
    let reply = send(&app, "/v1/auth/logout", &third, Some(ORIGIN)).await;
    let (gone, whole) = cookie(&reply.expect_status(204));
    assert!(gone.is_empty() && whole.contains("Max-Age=0"), "{whole}");
    let dead = refresh(&app.anyone(), &third).await;
    dead.expect_problem(401, "session_revoked");
}

#[tokio::test]
async fn registration_sets_the_cookie_too() {
    let app = TestApp::start().await;
    let body = json!({"username": "ada", "email": "ada@example.org", "password": PASSWORD,
        "display_name": "Ada", "refresh_in": "cookie"});
    let reply = app.anyone().post("/v1/auth/register", &body).await;
    let reply = reply.expect_status(201);
    assert!(reply.json.get("refresh_token").is_none());
    assert!(!cookie(&reply).0.is_empty());
}
