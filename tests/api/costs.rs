//! What a request costs is counted exactly and told to those who may know.

use kith::infra::meter::{self, Meter};
use kith::platform::write::{Tx, transaction};
use reqwest::Method;

use crate::support::TestApp;

/// What production asks for.
const PRODUCTION: [(&str, &str); 5] = [
    ("KITH_ENV", "production"),
    ("KITH_PUBLIC_URL", "https://api.example.org"),
    ("KITH_WEB_URL", "https://app.example.org"),
    ("KITH_SMTP_URL", "smtp://127.0.0.1:1"),
    ("KITH_LIMITS", "on"),
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
    // With Redis the session is warm from sign-in on.
    let session = u32::from(std::env::var("REDIS_URL").is_err());
    assert_eq!(missing.sql(), session, "the session");
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
        "the statement, its voids and COMMIT"
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
        assert!(timing().await.sql() >= 1, "{role}");
    }
}
