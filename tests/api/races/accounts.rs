//! Names, addresses and sessions that many reach for at once.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{count, counted, tally};
use crate::support::{Anyone, PASSWORD, Reply, TestApp};

/// Registers. Passwords are hashed a few at a time, and who would wait too long for that is told to
/// come back, so they do.
async fn register(who: &Anyone, body: &Value) -> Reply {
    loop {
        let reply = who.post("/v1/auth/register", body).await;
        if reply.status != 503 {
            return reply;
        }
        assert!(reply.header("retry-after").is_some());
    }
}

#[tokio::test]
async fn of_fifty_registrations_of_one_name_at_once_one_succeeds() {
    let app = TestApp::start().await;
    let body = |number: usize| {
        json!({"username": "wanted", "email": format!("n{number}@example.org"),
               "password": PASSWORD, "display_name": "Wanted"})
    };
    let anyone = app.anyone();
    let all = (0..50).map(async |number| register(&anyone, &body(number)).await);
    let replies = join_all(all).await;
    let expected = counted([("201", 1), ("409 username_taken", 49)]);
    assert_eq!(tally(&replies), expected);
    for table in [
        "select count(*) from account",
        "select count(*) from credential",
        "select count(*) from session",
        "select count(*) from user_counter",
        "select count(*) from user_settings",
    ] {
        assert_eq!(count(&app, table).await, 1, "{table}");
    }
    app.expect_no_drift().await;
}

#[tokio::test]
async fn of_twenty_registrations_of_one_address_at_once_one_succeeds() {
    let app = TestApp::start().await;
    let anyone = app.anyone();
    let all = (0..20).map(async |number| {
        // Spelt differently, it is the same address.
        let email = ["one@example.org", "One@Example.org"][number % 2];
        let body = json!({"username": format!("name{number}"), "email": email,
                          "password": PASSWORD, "display_name": "One"});
        register(&anyone, &body).await
    });
    let replies = join_all(all).await;
    let expected = counted([("201", 1), ("409 email_taken", 19)]);
    assert_eq!(tally(&replies), expected);
    assert_eq!(count(&app, "select count(*) from account").await, 1);
    app.expect_no_drift().await;
}

#[tokio::test]
async fn two_people_who_take_each_others_name_at_once_do_not_both_get_it() {
    let app = TestApp::start().await;
    let mut people = Vec::new();
    for _ in 0..6 {
        people.push(app.person("person").await);
    }
    let change = json!({"username": "thename"});
    let replies = join_all(people.iter().map(|one| one.patch("/v1/me", &change))).await;
    let expected = counted([("200", 1), ("409 username_taken", 5)]);
    assert_eq!(tally(&replies), expected);
    let holders = "select count(*) from account where lower(username) = 'thename'";
    assert_eq!(count(&app, holders).await, 1);
}

#[tokio::test]
async fn a_session_that_is_ended_from_many_places_at_once_has_ended() {
    let app = TestApp::start().await;
    let me = app.person("me").await;
    let own = format!("/v1/me/sessions/{}", me.session_id);
    let all = (0..10).map(async |index| match index % 2 {
        0 => me.delete(&own).await,
        _ => me.act("/v1/auth/logout").await,
    });
    tally(&join_all(all).await);
    me.get("/v1/me").await.expect_status(401);
}

/// Waits until so many wait for locks.
async fn wait_until_they_wait(app: &TestApp, many: i64) {
    let waiting = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    let began = std::time::Instant::now();
    while count(app, waiting).await < many {
        assert!(began.elapsed().as_secs() < 10, "not {many} of them");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// An instance beside `app` where a deadlock is not found out: both would wait for as long as anybody waits
/// for a lock.
async fn patient_beside(app: &TestApp) -> TestApp {
    let patient = "do $$ begin
        execute format('alter database %I set deadlock_timeout = %L', current_database(), '1min');
    end $$";
    sqlx::raw_sql(patient).execute(&app.db).await.expect("set");
    app.start_beside(&[]).await
}

#[tokio::test]
async fn somebody_who_is_suspended_as_their_session_goes_on_holds_up_nobody() {
    let app = TestApp::start().await;
    let (ada, admin) = (app.register("ada").await, app.admin().await);
    let other = patient_beside(&app).await;
    let mut held = app.db.begin().await.expect("a transaction");
    sqlx::query("select from account where user_id = $1::uuid for update")
        .bind(&ada.id)
        .execute(&mut *held)
        .await
        .expect("held");
    let suspend = async {
        let path = format!("/v1/admin/users/{}", ada.id);
        let change = json!({"state": "suspended"});
        admin.at(&other.url).patch(&path, &change).await
    };
    let go_on = async {
        wait_until_they_wait(&app, 1).await;
        let body = json!({"refresh_token": ada.refresh_token});
        other.anyone().post("/v1/auth/refresh", &body).await
    };
    let release = async {
        wait_until_they_wait(&app, 2).await;
        held.rollback().await.expect("released");
    };
    let (suspended, gone_on, ()) = tokio::join!(suspend, go_on, release);
    suspended.expect_status(200);
    gone_on.expect_problem(401, "session_revoked");
}

#[tokio::test]
async fn somebody_who_deletes_their_account_and_signs_in_at_once_holds_up_nobody() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    let other = patient_beside(&app).await;
    let mut held = app.db.begin().await.expect("a transaction");
    sqlx::query("select from credential where user_id = $1::uuid for update")
        .bind(&ada.id)
        .execute(&mut *held)
        .await
        .expect("held");
    let ada = ada.at(&other.url);
    let leave = async {
        let request = ada.request(reqwest::Method::DELETE, "/v1/me");
        ada.send(request.json(&json!({"password": PASSWORD}))).await
    };
    let come = async {
        wait_until_they_wait(&app, 1).await;
        let body = json!({"login": "ada", "password": PASSWORD});
        other.anyone().post("/v1/auth/login", &body).await
    };
    let release = async {
        wait_until_they_wait(&app, 2).await;
        held.rollback().await.expect("released");
    };
    let (left, came, ()) = tokio::join!(leave, come, release);
    left.expect_status(204);
    came.expect_problem(401, "invalid_credentials");
}

#[tokio::test]
async fn a_profile_is_changed_while_something_is_added_that_belongs_to_its_person() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.register("ada").await, app.register("eve").await);
    // As a follower does, whose transaction has not ended.
    let mut adding = app.db.begin().await.expect("a transaction");
    sqlx::query("insert into follow values ($1::uuid, $2::uuid, now())")
        .bind(&eve.id)
        .bind(&ada.id)
        .execute(&mut *adding)
        .await
        .expect("added");
    let change = ada.patch("/v1/me", &json!({"bio": "busy"})).await;
    change.expect_status(200);
    let circle = ada.post("/v1/circles", &json!({"name": "some"})).await;
    circle.expect_status(201);
    adding.rollback().await.expect("undone");
}
