//! When sessions were last used, which is written a little later.

use serde_json::Value;

use super::{Session, TestApp, another_session};

async fn last_active(who: &Session, session: &str) -> Value {
    let list = who.get("/v1/me/sessions").await.expect_status(200);
    let all = list.json["data"].as_array().cloned().unwrap_or_default();
    let found = all.iter().find(|one| one["id"] == *session);
    found.expect("listed")["last_active_at"].clone()
}

async fn row(app: &TestApp, session: &str) -> (String, bool) {
    sqlx::query_as(
        "select to_json(row (last_active_at, expires_at, revoked_at))::text, revoked_at is null
         from session where session_id = $1::uuid",
    )
    .bind(session)
    .fetch_one(&app.db)
    .await
    .expect("a session")
}

async fn make_old(app: &TestApp) {
    sqlx::query(
        "update session set created_at = created_at - interval '1 hour',
             last_active_at = last_active_at - interval '1 hour'",
    )
    .execute(&app.db)
    .await
    .expect("an hour ago");
}

#[tokio::test]
async fn a_list_of_sessions_knows_what_this_process_has_seen() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    let other = another_session(&app, &ada).await;
    make_old(&app).await;
    let (before, _) = row(&app, &other.session_id).await;
    let unused = last_active(&ada, &other.session_id).await;
    other.get("/v1/me").await.expect_status(200);
    let used = last_active(&ada, &other.session_id).await;
    assert!(used.as_str() > unused.as_str(), "{unused} then {used}");
    // Nothing was written for it yet.
    assert_eq!(row(&app, &other.session_id).await.0, before);
}

#[tokio::test]
async fn uses_are_written_at_the_end_and_void_nothing_and_lengthen_nothing() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    let beside = app.start_beside(&[]).await;
    make_old(&app).await;
    let ends = "select expires_at::text from session";
    let expires: String = sqlx::query_scalar(ends)
        .fetch_one(&app.db)
        .await
        .expect("a session");
    sqlx::query("delete from cache_void")
        .execute(&app.db)
        .await
        .expect("emptied");
    ada.at(&beside.url).get("/v1/me").await.expect_status(200);
    drop(beside);
    let (fresh, expires_now, voids): (bool, String, i64) = sqlx::query_as(
        "select last_active_at > now() - interval '1 minute', expires_at::text,
                (select count(*) from cache_void v where v.tags::text like '%session:%')
         from session",
    )
    .fetch_one(&app.db)
    .await
    .expect("a session");
    assert!(fresh, "written when the process ended");
    assert_eq!((expires_now, voids), (expires, 0));
}

#[tokio::test]
async fn a_session_that_has_ended_is_still_dead_after_its_use_was_written() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    let other = another_session(&app, &ada).await;
    let beside = app.start_beside(&[]).await;
    make_old(&app).await;
    other.at(&beside.url).get("/v1/me").await.expect_status(200);
    ada.delete(&format!("/v1/me/sessions/{}", other.session_id))
        .await
        .expect_status(204);
    let ended = row(&app, &other.session_id).await;
    assert!(!ended.1, "revoked");
    drop(beside);
    assert_eq!(row(&app, &other.session_id).await, ended);
    other
        .get("/v1/me")
        .await
        .expect_problem(401, "session_revoked");
}
