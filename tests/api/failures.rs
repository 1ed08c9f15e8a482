//! Postgres goes away, comes back, gets slow, loses replies; kith is stopped and killed. Nothing is
//! half-written, nobody waits without an end, and kith recovers by itself.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, Transaction};

use crate::support::{Program, Proxy, Reply, Session, TestApp, mode};

/// Fails the test unless the answer says: away just now, try again soon.
#[track_caller]
fn expect_away(reply: Reply) {
    let seconds = reply.header("retry-after");
    reply.expect_problem(503, "unavailable");
    assert_eq!(seconds.as_deref(), Some("1"));
}

/// Keeps everybody from writing about any post until it ends.
async fn lock_posts(app: &TestApp) -> Transaction<'static, Postgres> {
    let mut lock = app.db.begin().await.expect("a transaction");
    sqlx::query("select from post for update")
        .execute(&mut *lock)
        .await
        .expect("the posts are locked");
    lock
}

/// Repeats a post under its key until it is made, as a client does; gives its id.
async fn post_until_made(who: &Session, key: &str) -> String {
    let body = json!({"content": key, "audience": "public"});
    for _ in 0..200 {
        let reply = who.post_with_key("/v1/posts", key, &body).await;
        match reply.status {
            201 => return reply.id(),
            409 => assert_eq!(reply.json["code"], "idempotency_in_progress"),
            _ => expect_away(reply),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the post is not made");
}

async fn posts(app: &TestApp) -> HashSet<String> {
    let ids: Vec<String> = sqlx::query_scalar("select post_id::text from post")
        .fetch_all(&app.db)
        .await
        .expect("posts");
    ids.into_iter().collect()
}

async fn cut_connections(app: &TestApp) {
    sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name = 'kith'",
    )
    .execute(&app.db)
    .await
    .expect("they are cut");
}

#[tokio::test]
async fn kith_starts_before_postgres_and_gets_ready_by_itself() {
    let proxy = Proxy::shut().await;
    let app = TestApp::start_behind(&proxy, false, &[]).await;
    let anyone = app.anyone();
    anyone.get("/livez").await.expect_status(200);
    let early = anyone.get("/readyz").await.expect_status(503);
    assert_eq!(early.json["status"], "unavailable");
    proxy.restore().await;
    app.wait_until_ready().await;
    app.person("anna").await;
}

#[tokio::test]
async fn while_postgres_is_away_requests_are_told_so_and_then_all_is_well_again() {
    let proxy = Proxy::open().await;
    let app = TestApp::start_behind(&proxy, true, &[]).await;
    let anna = app.person("anna").await;
    let post = anna.post_to(&json!("public"), "before").await;
    proxy.cut().await;
    let path = format!("/v1/posts/{post}");
    let like = json!({"kind": "like"});
    let reaction = format!("{path}/reaction");
    let anyone = app.anyone();
    let asked = Instant::now();
    let (read, write, feed, live, ready) = tokio::join!(
        anyone.get(&path),
        anna.put(&reaction, &like),
        anna.get("/v1/feed"),
        anna.get("/livez"),
        anna.get("/readyz")
    );
    assert!(
        asked.elapsed() < Duration::from_secs(10),
        "the wait is bounded"
    );
    expect_away(read);
    expect_away(write);
    expect_away(feed);
    live.expect_status(200);
    // One lost server must not take every instance out at once.
    assert_eq!(ready.expect_status(200).json["status"], "degraded");
    proxy.restore().await;
    let seen = anna.get(&path).await.expect_status(200);
    assert_eq!(seen.json["counts"]["reactions"], json!({}));
    anna.put(&reaction, &like).await.expect_status(200);
    assert_eq!(anna.get("/readyz").await.json["status"], "ok");
    app.expect_no_drift().await;
}

#[tokio::test]
async fn connections_that_are_cut_in_a_storm_leave_nothing_half_written() {
    let app = TestApp::start().await;
    let anna = app.person("anna").await;
    let keys: Vec<String> = (0..60).map(|number| format!("key-{number}")).collect();
    let writing = join_all(keys.iter().map(|key| post_until_made(&anna, key)));
    let cutting = async {
        for _ in 0..6 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            cut_connections(&app).await;
        }
    };
    let (made, ()) = tokio::join!(writing, cutting);
    let made: HashSet<String> = made.into_iter().collect();
    assert_eq!(made.len(), 60);
    assert_eq!(posts(&app).await, made, "each was made once");
    app.expect_no_drift().await;
    anna.get("/v1/feed").await.expect_status(200);
}

/// Connections that were used a moment ago are not asked whether they are alive.
#[tokio::test]
async fn a_connection_that_died_while_it_was_idle_is_replaced_unseen() {
    let body = json!({"content": "after", "audience": "public"});
    for writes in [false, true] {
        let settings = [("KITH_ROLES", "web"), ("KITH_CACHE", "off")];
        let app = TestApp::start_with(&settings).await;
        let anna = app.person("anna").await;
        let post = anna.post_to(&json!("public"), "before").await;
        join_all((0..6).map(|_| anna.get("/v1/feed"))).await;
        cut_connections(&app).await;
        if writes {
            anna.post("/v1/posts", &body).await.expect_status(201);
        }
        let path = format!("/v1/posts/{post}");
        anna.get(&path).await.expect_status(200);
    }
}

#[tokio::test]
async fn a_database_that_takes_no_connections_is_away_and_not_a_fault_of_ours() {
    let app = TestApp::start().await;
    let anna = app.person("anna").await;
    let url = app.database_url();
    let name: String = sqlx::query_scalar("select current_database()::text")
        .fetch_one(&app.db)
        .await
        .expect("a name");
    let server = std::env::var("DATABASE_URL").expect("a server");
    let mut conn = PgConnection::connect(&server).await.expect("a connection");
    let mut run = async |sql: String| {
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut conn)
            .await
            .expect("it runs");
    };
    run(format!(
        "alter database {name} with allow_connections false"
    ))
    .await;
    run(format!(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
    ))
    .await;
    let body = json!({"content": "x", "audience": "public"});
    let (read, write) = tokio::join!(anna.get("/v1/feed"), anna.post("/v1/posts", &body));
    run(format!("alter database {name} with allow_connections true")).await;
    expect_away(read);
    expect_away(write);
    assert!(PgConnection::connect(&url).await.is_ok());
    anna.get("/v1/feed").await.expect_status(200);
    assert!(posts(&app).await.is_empty());
}

#[tokio::test]
async fn when_every_connection_is_taken_requests_wait_a_while_and_are_told_to_come_back() {
    let app = TestApp::start_with(&[("KITH_DB_POOL", "2"), ("KITH_ROLES", "web")]).await;
    let anna = app.person("anna").await;
    let post = anna.post_to(&json!("public"), "locked").await;
    let lock = lock_posts(&app).await;
    let path = format!("/v1/posts/{post}/comments");
    let said = json!({"content": "waiting"});
    let blocked = join_all((0..2).map(|_| anna.post(&path, &said)));
    let refused = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let asked = Instant::now();
        let live = anna.get("/livez");
        let (read, live) = tokio::join!(anna.get("/v1/feed"), live);
        assert!(
            asked.elapsed() < Duration::from_secs(10),
            "the wait is bounded"
        );
        live.expect_status(200);
        lock.rollback().await.expect("it ends");
        read
    };
    let (blocked, refused) = tokio::join!(blocked, refused);
    expect_away(refused);
    for reply in blocked {
        reply.expect_status(201);
    }
    anna.get("/v1/feed").await.expect_status(200);
    app.expect_no_drift().await;
}

#[tokio::test]
async fn more_than_the_database_can_do_is_refused_and_what_the_cache_knows_is_told() {
    let app = TestApp::start_with(&[("KITH_DB_POOL", "2"), ("KITH_ROLES", "web")]).await;
    let (anna, bert) = (app.person("anna").await, app.person("bert").await);
    let post = anna.post_to(&json!("public"), "locked").await;
    bert.get("/v1/me").await.expect_status(200);
    let lock = lock_posts(&app).await;
    let path = format!("/v1/posts/{post}/comments");
    let said = json!({"content": "waiting"});
    let began = Instant::now();
    let crowd = async {
        let asking = (0..40).map(async |number| {
            // Two get the connections, eight get places and wait for one in vain; those who come
            // later wait for their places.
            let wait = if number < 10 { 0 } else { 1_000 };
            tokio::time::sleep(Duration::from_millis(wait)).await;
            anna.post(&path, &said).await
        });
        (join_all(asking).await, began.elapsed())
    };
    let known = async {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        if mode::has_shared_cache() {
            let asked = Instant::now();
            bert.get("/v1/me").await.expect_status(200);
            assert!(asked.elapsed() < Duration::from_secs(1), "it waited");
        }
        tokio::time::sleep(Duration::from_millis(3_500)).await;
        lock.rollback().await.expect("it ends");
    };
    let ((replies, took), ()) = tokio::join!(crowd, known);
    let (refused, taken): (Vec<Reply>, Vec<Reply>) =
        replies.into_iter().partition(|reply| reply.status == 503);
    let number_refused = refused.len();
    refused.into_iter().for_each(expect_away);
    assert!(took < Duration::from_secs(10), "{took:?}");
    let without_place = app.ctx.admission().refused();
    // Where their session is not cached, all of them wait for one load of it.
    if mode::has_shared_cache() {
        assert!(without_place >= 20, "{without_place} of {number_refused}");
    }
    let all = format!("{path}?limit=100");
    let all = anna.get(&all).await.expect_status(200);
    assert_eq!(all.ids().len(), taken.len());
    app.expect_no_drift().await;
}

#[tokio::test]
async fn a_statement_that_waits_too_long_for_a_lock_is_given_up() {
    let app = TestApp::start_with(&[("KITH_STATEMENT_TIMEOUT", "300ms")]).await;
    let anna = app.person("anna").await;
    let post = anna.post_to(&json!("public"), "locked").await;
    let lock = lock_posts(&app).await;
    let path = format!("/v1/posts/{post}/reaction");
    let like = json!({"kind": "like"});
    expect_away(anna.put(&path, &like).await);
    lock.rollback().await.expect("it ends");
    anna.put(&path, &like).await.expect_status(200);
    app.expect_no_drift().await;
}

#[tokio::test]
async fn a_commit_whose_reply_is_lost_is_found_again_under_its_key() {
    let proxy = Proxy::open().await;
    let settings = [("KITH_ROLES", "web")];
    let app = TestApp::start_behind(&proxy, true, &settings).await;
    let (anna, ben) = (app.person("anna").await, app.person("ben").await);
    let post = anna.post_to(&json!("public"), "first").await;
    let creates = [
        (
            "/v1/posts".to_owned(),
            json!({"content": "once", "audience": "public"}),
        ),
        (
            format!("/v1/posts/{post}/comments"),
            json!({"content": "once"}),
        ),
        ("/v1/circles".to_owned(), json!({"name": "once"})),
        ("/v1/friend-requests".to_owned(), json!({"user_id": ben.id})),
    ];
    for (path, body) in creates {
        proxy.lose_commit_of("lost-reply");
        expect_away(anna.post_with_key(&path, "lost-reply", &body).await);
        let again = anna
            .post_with_key(&path, "lost-reply", &body)
            .await
            .expect_status(201);
        let replayed = again.header("idempotent-replayed");
        assert_eq!(replayed.as_deref(), Some("true"), "{path}");
    }
    assert_eq!(posts(&app).await.len(), 2);
    app.expect_no_drift().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_and_tries_again_makes_one_thing() {
    let app = TestApp::start().await;
    let anna = app.person("anna").await;
    let keys: Vec<String> = (0..20).map(|number| format!("key-{number}")).collect();
    let all = (0_u64..).zip(&keys).map(async |(number, key)| {
        let body = json!({"content": key, "audience": "public"});
        for attempt in 1..4 {
            let patience = Duration::from_millis((number * 7 + attempt * 5) % 40 + 1);
            let request = anna.request(Method::POST, "/v1/posts");
            let request = request.header("Idempotency-Key", key).json(&body);
            // Most of these end before the answer.
            drop(request.timeout(patience).send().await);
        }
        post_until_made(&anna, key).await
    });
    let made: HashSet<String> = join_all(all).await.into_iter().collect();
    assert_eq!(made.len(), 20);
    assert_eq!(posts(&app).await, made);
    app.expect_no_drift().await;
}

#[tokio::test]
async fn a_sigterm_lets_requests_that_have_begun_end_well() {
    let app = TestApp::start().await;
    let anna = app.person("anna").await;
    let post = anna.post_to(&json!("public"), "locked").await;
    let mut program = Program::start(&app, &[]);
    let anna = anna.at(&program.url);
    let lock = lock_posts(&app).await;
    let path = format!("/v1/posts/{post}/comments");
    let said = json!({"content": "late"});
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        program.signal(Signal::SIGTERM);
        tokio::time::sleep(Duration::from_millis(300)).await;
        lock.rollback().await.expect("it ends");
        program.ended().await
    };
    let (reply, status) = tokio::join!(anna.post(&path, &said), stopping);
    reply.expect_status(201);
    assert_eq!(status.code(), Some(0));
    app.expect_no_drift().await;
}

#[tokio::test]
async fn a_process_that_is_killed_loses_nothing_that_it_acknowledged() {
    let app = TestApp::start().await;
    let anna = app.person("anna").await;
    let mut program = Program::start(&app, &[]);
    let writer = anna.at(&program.url);
    let acknowledged = std::sync::Mutex::new(HashSet::new());
    let writing = join_all((0..8).map(async |worker| {
        for number in 0..1_000 {
            let body = json!({"content": format!("{worker} {number}"), "audience": "public"});
            let request = writer.request(Method::POST, "/v1/posts").json(&body);
            let Ok(response) = request.send().await else {
                return;
            };
            assert_eq!(response.status(), 201);
            let Ok(post) = response.json::<serde_json::Value>().await else {
                return;
            };
            let id = post["id"].as_str().expect("an id").to_owned();
            acknowledged.lock().expect("a lock").insert(id);
        }
    }));
    let killing = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        program.signal(Signal::SIGKILL);
        program.ended().await
    };
    tokio::join!(writing, killing);
    let acknowledged = acknowledged.into_inner().expect("a lock");
    assert!(!acknowledged.is_empty());
    assert!(acknowledged.is_subset(&posts(&app).await));
    app.expect_no_drift().await;
    anna.get("/v1/feed").await.expect_status(200);
}
