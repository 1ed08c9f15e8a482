//! Postgres goes while Redis stays: what is cached is told, and what is not waits.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::{Program, Proxy, Reply, Session, TestApp, mode};

/// What is asked for while Postgres is away: a person, a post, the newest page of a feed.
struct Asked {
    reader: Session,
    paths: [String; 3],
}

async fn set_up(app: &TestApp) -> Asked {
    let (reader, friend) = app.friends("reader", "friend").await;
    let post = friend.post_to(&json!("friends"), "for friends").await;
    let paths = [
        format!("/v1/users/{}", friend.id),
        format!("/v1/posts/{post}"),
        "/v1/feed".to_owned(),
    ];
    Asked { reader, paths }
}

impl Asked {
    /// All three, at an instance.
    async fn ask(&self, app: &TestApp) -> Vec<Reply> {
        let reader = self.reader.at(&app.url);
        let mut replies = Vec::new();
        for path in &self.paths {
            replies.push(reader.get(path).await.expect_status(200));
        }
        replies
    }
}

/// Makes every entry in Redis look loaded so long ago that it is past its freshness, and not yet
/// past its life. What was read is stored behind the answer: this goes on until nothing new comes.
async fn age_entries(app: &TestApp) {
    while age_some(app).await > 0 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The same once; gives how many entries it has aged that were not.
async fn age_some(app: &TestApp) -> usize {
    let url = app.redis_url().expect("a Redis");
    let client = redis::Client::open(url).expect("a client");
    let mut conn = client
        .get_multiplexed_async_connection()
        .await
        .expect("a connection");
    let now = app.ctx.now().micros() / 1_000;
    let mut aged = 0;
    for space in kith::app::spaces() {
        // Every answer asks for the session too, and would be marked for that alone.
        if space.name == "session" {
            continue;
        }
        let age = (space.policy.fresh + space.policy.keep) / 2;
        let age = i64::try_from(age.as_millis()).expect("small");
        let pattern = format!("{}:*:{}:v*", app.redis_prefix(), space.name);
        let keys: Vec<String> = scan(&mut conn, &pattern).await;
        for key in keys.iter().filter(|key| !key.ends_with(":lease")) {
            // The head of an entry: its format, and the milliseconds of its load.
            let mut get = redis::cmd("GETRANGE");
            get.arg(key).arg(1).arg(8);
            let at: Vec<u8> = get.query_async(&mut conn).await.expect("a head");
            let at = i64::from_le_bytes(at.try_into().expect("eight bytes"));
            if at + age / 2 < now {
                continue;
            }
            aged += 1;
            let at = (now - age).to_le_bytes();
            let mut set = redis::cmd("SETRANGE");
            set.arg(key).arg(1).arg(&at[..]);
            let _length: i64 = set.query_async(&mut conn).await.expect("it is set");
        }
    }
    aged
}

async fn scan(conn: &mut redis::aio::MultiplexedConnection, pattern: &str) -> Vec<String> {
    let (mut cursor, mut keys) = (0_u64, Vec::new());
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(pattern);
        let (next, some): (u64, Vec<String>) = scan
            .arg("COUNT")
            .arg(1_000)
            .query_async(conn)
            .await
            .expect("keys");
        keys.extend(some);
        cursor = next;
        if cursor == 0 {
            return keys;
        }
    }
}

#[tokio::test]
async fn what_is_cached_is_told_while_postgres_is_away_and_writes_are_told_to_come_back() {
    if !mode::needs("a shared cache", mode::has_shared_cache()) {
        return;
    }
    let proxy = Proxy::open().await;
    let app = TestApp::start_behind(&proxy, true, &[]).await;
    app.wait_for_redis().await;
    let asked = set_up(&app).await;
    // Twice: some things are kept from their second reading on.
    asked.ask(&app).await;
    let before = asked.ask(&app).await;
    proxy.cut().await;
    let meanwhile = asked.ask(&app).await;
    for (before, meanwhile) in before.iter().zip(&meanwhile) {
        assert_eq!(before.json, meanwhile.json);
        let status = meanwhile.header("cache-status").expect("Cache-Status");
        assert!(status.starts_with("kith; hit"), "{status}");
        assert!(!status.contains("stale"), "{status}");
    }
    let body = json!({"content": "now", "audience": "public"});
    let written = asked.reader.post("/v1/posts", &body).await;
    assert_eq!(written.header("retry-after").as_deref(), Some("1"));
    written.expect_problem(503, "unavailable");
    proxy.restore().await;
    asked
        .reader
        .post("/v1/posts", &body)
        .await
        .expect_status(201);
    let ready = app.anyone().get("/readyz").await.expect_status(200);
    assert_eq!(ready.json["status"], "ok");
}

#[tokio::test]
async fn what_is_past_its_freshness_is_told_and_marked_while_postgres_is_away() {
    let Some(app) = TestApp::with_cache(&[]).await else {
        return;
    };
    let proxy = Proxy::open().await;
    // It has nothing in the process, and finds in Redis what the first one has read.
    let other = app.start_beside_behind(&proxy).await;
    let asked = set_up(&app).await;
    asked.ask(&app).await;
    asked.ask(&app).await;
    age_entries(&app).await;
    proxy.cut().await;
    for _from in ["Redis", "the process"] {
        for reply in asked.ask(&other).await {
            let status = reply.header("cache-status").expect("Cache-Status");
            assert!(status.contains("detail=stale"), "{status}");
            assert!(status.contains("ttl=-"), "{status}");
        }
    }
    proxy.restore().await;
    // What was old is refreshed behind; nobody had to start anything again.
    super::soon("the answers are fresh again", async || {
        let replies = asked.ask(&other).await;
        replies.iter().all(|reply| {
            let status = reply.header("cache-status").unwrap_or_default();
            !status.contains("stale")
        })
    })
    .await;
}

#[tokio::test]
async fn a_postgres_that_only_reads_after_a_failover_has_writes_told_to_come_back() {
    let app = TestApp::start().await;
    let (reader, friend) = app.friends("reader", "friend").await;
    let post = friend.post_to(&json!("friends"), "for friends").await;
    let read_only = "do $$ begin
        execute format('alter database %I set default_transaction_read_only = on', current_database());
    end $$";
    sqlx::raw_sql(read_only)
        .execute(&app.db)
        .await
        .expect("set");
    let other = app.start_beside(&[]).await;
    let reader = reader.at(&other.url);
    let path = format!("/v1/posts/{post}");
    reader.get(&path).await.expect_status(200);
    let body = json!({"content": "now", "audience": "public"});
    for reply in [
        reader.post("/v1/posts", &body).await,
        reader.set(&format!("{path}/saved")).await,
        reader.patch("/v1/me", &json!({"bio": "now"})).await,
    ] {
        assert_eq!(reply.header("retry-after").as_deref(), Some("1"));
        reply.expect_problem(503, "unavailable");
    }
}

/// Postgres ends what stands still in a transaction: whoever waits for the answer is to come back. What it says
/// last arrives by way of the proxy: a socket that Postgres itself has closed may say nothing any more.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_was_halted_in_a_transaction_has_its_client_come_back() {
    let app = TestApp::start().await;
    let proxy = Proxy::open().await;
    let url = proxy.url_of(&app.database_url());
    let settings = [
        ("DATABASE_URL", url.as_str()),
        ("KITH_STATEMENT_TIMEOUT", "300ms"),
        ("KITH_ROLES", "web"),
    ];
    let program = Program::start(&app, &settings);
    let ada = app.person("ada").await;
    let post = ada.post_to(&json!("public"), "hello").await;
    let there = ada.at(&program.url);
    let path = format!("/v1/posts/{post}/reaction");
    there.get("/v1/me").await.expect_status(200);
    let mut held = app.db.begin().await.expect("a transaction");
    sqlx::query("select from post where post_id = $1::uuid for update")
        .bind(&post)
        .execute(&mut *held)
        .await
        .expect("held");
    let body = json!({"kind": "like"});
    let react = there.put(&path, &body);
    let halt = async {
        app.wait_until_somebody_waits_for_a_lock().await;
        program.signal(Signal::SIGSTOP);
        held.rollback().await.expect("released");
        tokio::time::sleep(Duration::from_secs(1)).await;
        program.signal(Signal::SIGCONT);
    };
    let (reacted, ()) = tokio::join!(react, halt);
    assert_eq!(reacted.header("retry-after").as_deref(), Some("1"));
    reacted.expect_problem(503, "unavailable");
    there.put(&path, &body).await.expect_status(200);
}
