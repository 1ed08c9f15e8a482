//! Limits that no loss of Redis opens.

use serde_json::json;

use crate::limits::{seconds, sign_in};
use crate::metrics::judged_alone;
use crate::support::{OwnRedis, PASSWORD, TestApp, mode};

/// Kith with these limits and a Redis that the test may kill; nothing where there is none.
async fn limited_over_redis(figures: &str) -> Option<(OwnRedis, TestApp)> {
    if !mode::needs("Redis", mode::has_redis()) {
        return None;
    }
    let redis = OwnRedis::start().await;
    let app = TestApp::start_limited(figures, &[("REDIS_URL", &redis.url())]).await;
    app.wait_for_redis().await;
    Some((redis, app))
}

#[tokio::test]
async fn failed_sign_ins_still_count_when_redis_dies() {
    let figures = "[sign_in]\nquota = 3";
    let Some((mut redis, app)) = limited_over_redis(figures).await else {
        return;
    };
    app.register("ada").await;
    let anyone = app.anyone();
    for _ in 0..3 {
        sign_in(&anyone, "ada", "wrong").await.expect_status(401);
    }
    let before = judged_alone(&app, "sign_in").await;
    redis.kill();
    for password in ["wrong", PASSWORD] {
        let refused = sign_in(&anyone, "ada", password).await;
        assert!(seconds(&refused, "retry-after") > 200);
        refused.expect_problem(429, "rate_limited");
    }
    assert!(judged_alone(&app, "sign_in").await > before);
    // And what fails while it is away counts too.
    for _ in 0..3 {
        sign_in(&anyone, "bob", "wrong").await.expect_status(401);
    }
    sign_in(&anyone, "bob", "wrong").await.expect_status(429);
}

#[tokio::test]
async fn registrations_still_count_when_redis_dies() {
    let figures = "[registration]\nquota = 3";
    let Some((mut redis, app)) = limited_over_redis(figures).await else {
        return;
    };
    for name in ["ada", "bob", "eve"] {
        app.register(name).await;
    }
    let before = judged_alone(&app, "registration").await;
    redis.kill();
    let body = json!({"username": "mallory", "email": "mallory@example.org",
        "password": PASSWORD, "display_name": "Mallory"});
    let refused = app.anyone().post("/v1/auth/register", &body).await;
    assert!(seconds(&refused, "retry-after") > 1_000);
    refused.expect_problem(429, "rate_limited");
    assert!(judged_alone(&app, "registration").await > before);
}
