//! The end of a session counts everywhere at once, whatever else goes on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use super::{PASSWORD, Session, TestApp, login};

/// Requests that are under way at once.
const AT_ONCE: usize = 1_000;

async fn sign_in_from(app: &TestApp, username: &str, device: &str) -> Session {
    let body = json!({"login": username, "password": PASSWORD, "device_id": device,
        "device_name": device});
    let reply = app.anyone().post("/v1/auth/login", &body).await;
    Session::new(&app.url, &reply.expect_status(200).json)
}

async fn devices(who: &Session) -> Vec<String> {
    let list = who.get("/v1/me/sessions").await.expect_status(200);
    let all = list.json["data"].as_array().cloned().unwrap_or_default();
    let mut names: Vec<String> = all
        .iter()
        .filter_map(|one| Some(one["device_name"].as_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

/// Asks until told to stop. Gives when it was last let in, as counted from `began`.
async fn ask_until(who: &Session, stop: &AtomicBool, began: Instant) -> Duration {
    let mut let_in = Duration::ZERO;
    while !stop.load(Ordering::Relaxed) {
        let asked = began.elapsed();
        match who.get("/v1/me").await.status {
            200 => let_in = asked,
            // So many at once may be told to come back.
            401 | 503 => {}
            other => panic!("{other}"),
        }
    }
    let_in
}

#[tokio::test]
async fn a_session_that_ends_under_a_thousand_requests_is_dead_everywhere_and_stays_dead() {
    let one = TestApp::start().await;
    let other = one.start_beside(&[]).await;
    let ada = one.register("ada").await;
    let phone = sign_in_from(&one, "ada", "phone").await;
    let there = phone.at(&other.url);
    let (stop, began) = (AtomicBool::new(false), Instant::now());
    let asking = join_all((0..AT_ONCE).map(|number| {
        let who = if number % 2 == 0 { &phone } else { &there };
        ask_until(who, &stop, began)
    }));
    let ending = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let path = format!("/v1/me/sessions/{}", phone.session_id);
        ada.delete(&path).await.expect_status(204);
        let ended = began.elapsed();
        tokio::time::sleep(Duration::from_millis(600)).await;
        stop.store(true, Ordering::Relaxed);
        ended
    };
    let (let_in, ended) = tokio::join!(asking, ending);
    let last = let_in.iter().max().copied().unwrap_or_default();
    assert!(!last.is_zero(), "it lived before");
    // Whoever asked after the answer was refused.
    assert!(last <= ended, "let in {last:?}, ended {ended:?}");
    // Its uses are written when an instance ends; that brings nothing back to life.
    drop(other);
    let next = one.start_beside(&[]).await;
    for at in [&one.url, &next.url] {
        let dead = phone.at(at).get("/v1/me").await;
        dead.expect_problem(401, "session_revoked");
    }
    assert!(
        devices(&ada).await.is_empty(),
        "only ada's own, without a name"
    );
}

#[tokio::test]
async fn devices_are_listed_a_new_password_ends_the_others_and_what_has_expired_is_gone() {
    let one = TestApp::start().await;
    let other = one.start_beside(&[]).await;
    one.register("ada").await;
    let laptop = sign_in_from(&one, "ada", "laptop").await;
    let phone = sign_in_from(&one, "ada", "phone").await;
    let tablet = sign_in_from(&other, "ada", "tablet").await;
    for who in [&laptop, &phone.at(&other.url), &tablet] {
        assert_eq!(devices(who).await, ["laptop", "phone", "tablet"]);
    }
    sqlx::query(
        "update session set expires_at = now() - interval '1 s' where device_name = 'phone'",
    )
    .execute(&one.db)
    .await
    .expect("it expires");
    one.wait_until_voids_are_delivered().await;
    assert_eq!(devices(&laptop).await, ["laptop", "tablet"]);
    phone
        .get("/v1/me")
        .await
        .expect_problem(401, "session_revoked");
    let change =
        json!({"current_password": PASSWORD, "new_password": "another horse battery staple"});
    let changed = laptop.put("/v1/me/password", &change).await;
    assert!(changed.status < 300, "{:#}", changed.json);
    for at in [&one.url, &other.url] {
        let ended = tablet.at(at).get("/v1/me").await;
        ended.expect_problem(401, "session_revoked");
    }
    assert_eq!(devices(&laptop).await, ["laptop"]);
    login(&one.anyone(), "ada", PASSWORD)
        .await
        .expect_status(401);
}

#[tokio::test]
async fn a_new_role_or_a_ban_counts_at_the_other_instance_at_once() {
    let one = TestApp::start().await;
    let other = one.start_beside(&[]).await;
    let ada = one.register("ada").await;
    let there = ada.at(&other.url);
    let stats = async || there.get("/v1/admin/stats").await.status;
    // As an action does: change the row, commit, void what was changed.
    let change = async |sql: &'static str| {
        let changed = kith::platform::write::transaction(&one.ctx, async |tx| {
            sqlx::query(sql).execute(tx.conn()).await?;
            Ok(())
        });
        changed.await.expect("a change");
    };
    assert_eq!(stats().await, 403);
    for (sql, expected) in [
        ("update account set role = 'admin'", 200),
        ("update account set role = 'user'", 403),
        ("update account set role = 'admin'", 200),
        ("update account set state = 'suspended'", 403),
        ("update account set state = 'active'", 200),
    ] {
        change(sql).await;
        assert_eq!(stats().await, expected, "{sql}");
    }
    change("update account set state = 'suspended'").await;
    there
        .get("/v1/me")
        .await
        .expect_problem(403, "account_suspended");
    // The connection lives on this test's runtime, and kith could not close it from its own.
    one.ctx.db().close().await;
}
