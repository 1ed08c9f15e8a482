//! What a request costs is counted exactly and told to those who may know.

use kith::infra::meter::{self, Meter};
use kith::platform::write::{Tx, transaction};
use reqwest::Method;
use serde_json::json;

use crate::support::{TestApp, mode};
use crate::timelines::{wait_until_built, wait_until_fanned_out};

/// What production asks for.
const PRODUCTION: [(&str, &str); 6] = [
    ("KITH_ENV", "production"),
    ("KITH_PUBLIC_URL", "https://api.example.org"),
    ("KITH_WEB_URL", "https://app.example.org"),
    ("KITH_SMTP_URL", "smtp://127.0.0.1:1"),
    ("KITH_LIMITS", "on"),
    ("KITH_CACHE", "on"),
];

#[tokio::test]
async fn every_statement_counts_once_also_those_that_fail() {
    let app = TestApp::start().await;
    // Outside of the scope, so that what it takes to connect is not counted.
    let mut conn = app.db.acquire().await.expect("a connection");
    let meter = Meter::default();
    meter::scope(meter.clone(), async {
        for _ in 0..7 {
            sqlx::query("select pg_sleep(0.001), 'a statement of more than four words'")
                .execute(&mut *conn)
                .await
                .expect("runs");
        }
        let failed = sqlx::query("select 1 / 0 as impossible")
            .execute(&mut *conn)
            .await;
        assert!(failed.is_err());
    })
    .await;
    assert_eq!(meter.sql().count, 8);
    assert!(meter.sql().time.as_millis() >= 7, "{:?}", meter.sql());
}

#[tokio::test]
async fn a_request_tells_what_it_cost_in_dev() {
    let app = TestApp::start().await;
    let alive = app.anyone().get("/livez").await;
    assert_eq!((alive.sql(), alive.redis()), (0, 0));
    assert_eq!(alive.header("cache-status"), None);
    let person = app.person("person").await;
    let me = person.get("/v1/me").await;
    assert!(me.sql() >= 2, "session and account: {:?}", me.headers);
    let missing = person.get("/v1/nothing").await;
    let session = u32::from(!mode::has_shared_cache());
    assert_eq!(missing.sql(), session, "the session, unless it is cached");
}

#[tokio::test]
async fn a_commit_counts_though_it_runs_in_a_task_of_its_own() {
    let app = TestApp::start().await;
    let meter = Meter::default();
    let writing = transaction(&app.ctx, async |tx: &mut Tx| {
        let before = meter.sql().count;
        sqlx::query("select 1").execute(tx.conn()).await?;
        Ok(before)
    });
    // What it takes to connect and to begin is not looked at.
    let before = meter::scope(meter.clone(), writing).await.expect("commits");
    assert_eq!(
        meter.sql().count - before,
        3,
        "the statement, its voids, COMMIT"
    );
    // The connection lives on this test's runtime, and kith could not close it from its own.
    app.ctx.db().close().await;
}

#[tokio::test]
async fn in_production_only_staff_see_what_a_request_costs() {
    let app = TestApp::start_with(&PRODUCTION).await;
    let person = app.person("person").await;
    let timing = async || person.get("/v1/me").await.expect_status(200);
    assert_eq!(timing().await.header("server-timing"), None);
    let asked = app.anyone().request(Method::GET, "/v1/meta");
    let stranger = app.anyone().send(asked).await;
    assert_eq!(stranger.header("server-timing"), None);
    for role in ["moderator", "admin"] {
        sqlx::query("update account set role = $1 where username = $2")
            .bind(role)
            .bind(&person.username)
            .execute(&app.db)
            .await
            .expect("changes");
        app.wait_until_voids_are_delivered().await;
        assert!(timing().await.header("server-timing").is_some(), "{role}");
    }
}

/// Limits are judged in the round trip that brings the session, what was voided, and the timeline.
#[tokio::test]
async fn a_hot_feed_of_twenty_costs_one_round_trip_with_limits_too() {
    if !mode::needs("a shared cache", mode::has_shared_cache()) {
        return;
    }
    let app = TestApp::start_limited("", &[]).await;
    let (me, friend) = app.friends("me", "friend").await;
    for number in 0..20 {
        friend.post_to(&json!("friends"), &number.to_string()).await;
    }
    me.get("/v1/feed").await.expect_status(200);
    wait_until_built(&app, &me.id).await;
    wait_until_fanned_out(&app).await;
    let mut costs = Vec::new();
    for _ in 0..20 {
        let feed = me.get("/v1/feed?limit=20").await.expect_status(200);
        assert_eq!(feed.ids().len(), 20);
        let told = feed.header("ratelimit").expect("limits are on");
        assert!(told.contains("\"general\";r="), "{told}");
        costs.push((feed.sql(), feed.redis()));
    }
    // The relay or a slow Redis may make some dearer, and the first may find something cold.
    costs.sort_unstable();
    assert_eq!(costs[10], (0, 1), "{costs:?}");
    assert!(costs[18].1 <= 2, "{costs:?}");
}
