//! What goes with time, and what stays: the jobs of retention, at a later hour.

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use kith::app::{Injected, context, registry};
use kith::infra::jobs::{Outcome, Runner};
use kith::kernel::{Clock, IdFactory, Timestamp};
use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::support::TestApp;

struct HandClock(Mutex<Timestamp>);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("nobody panicked")
    }
}

/// Runs a job of `app` as if it were `later`.
pub async fn run_at(app: &TestApp, later: TimeDelta, job: &str) {
    let clock = Arc::new(HandClock(Mutex::new(app.ctx.now() + later)));
    let shared: Arc<dyn Clock> = clock.clone();
    let injected = Injected {
        clock: shared,
        ids: IdFactory::from_os(),
    };
    let config = app.ctx.config().clone();
    let addr = config.addr;
    let ctx = context(config, &app.database_url(), injected, addr).expect("a context");
    let runner = Runner::new(ctx.db().clone(), registry(), ctx.clone(), clock);
    let outcome = runner.run_now(job).await.expect("the job runs");
    assert_eq!(outcome, Some(Outcome::Done), "{job}");
}

async fn count(app: &TestApp, table: &'static str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {table}")))
        .fetch_one(&app.db)
        .await
        .expect("a count")
}

/// Without workers: nothing but the test runs a job.
async fn start() -> TestApp {
    TestApp::start_with(&[("KITH_ROLES", "web")]).await
}

const DAY: TimeDelta = TimeDelta::days(1);

/// Where a post leaves rows.
const TABLES: [&str; 11] = [
    "comment",
    "comment_counter",
    "reaction",
    "reaction_summary",
    "post_audience",
    "post_revision",
    "post_hashtag",
    "saved_post",
    "hidden_post",
    "post_counter",
    "post",
];

#[tokio::test]
async fn a_deleted_post_goes_after_thirty_days_with_all_that_was_its_own() {
    let app = start().await;
    let (alice, bob) = app.friends("alice", "bob").await;
    let post = alice.post_to(&json!("public"), "for a while #once").await;
    let kept = alice.post_to(&json!("public"), "for long #once").await;
    let share = json!({"content": "look", "audience": "public", "shared_post_id": post});
    let share = bob.post("/v1/posts", &share).await.expect_status(201).id();
    bob.post("/v1/views", &json!({"post_ids": [post, kept]}))
        .await
        .expect_status(202);
    let begun = tokio::time::Instant::now();
    while count(&app, "post_view").await < 2 {
        assert!(begun.elapsed().as_secs() < 10, "views are written behind");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for post in [&post, &kept] {
        let path = format!("/v1/posts/{post}");
        let change =
            json!({"content": "in other #words", "audience": {"kind": "custom", "deny": [bob.id]}});
        let comment = bob.comment_on(post, "first").await;
        let reply = json!({"content": "an answer", "parent_id": comment});
        let reply = alice.post(&format!("{path}/comments"), &reply).await;
        let reply = reply.expect_status(201).id();
        let like = json!({"kind": "love"});
        bob.put(&format!("{path}/reaction"), &like)
            .await
            .expect_status(200);
        bob.put(&format!("/v1/comments/{reply}/reaction"), &like)
            .await
            .expect_status(200);
        bob.set(&format!("{path}/saved")).await.expect_status(200);
        bob.set(&format!("{path}/hidden")).await.expect_status(200);
        bob.put("/v1/feed/marker", &json!({"post_id": post}))
            .await
            .expect_status(200);
        alice.patch(&path, &change).await.expect_status(200);
    }
    let mut before = Vec::new();
    for table in TABLES {
        before.push(count(&app, table).await);
    }
    alice
        .delete(&format!("/v1/posts/{post}"))
        .await
        .expect_status(204);

    for job in ["comments.purge", "posts.purge"] {
        run_at(&app, DAY * 30 - TimeDelta::minutes(1), job).await;
    }
    assert_eq!(
        count(&app, "post").await,
        3,
        "it can be restored until then"
    );
    assert_eq!(count(&app, "comment").await, 4);
    // Its comments are still there: it waits for them.
    run_at(&app, DAY * 30, "posts.purge").await;
    assert_eq!(count(&app, "post").await, 3);
    run_at(&app, DAY * 30, "comments.purge").await;
    assert_eq!(count(&app, "comment").await, 2);
    // So it does for its place among what is talked about.
    sqlx::query("insert into trending_post (post_id, score) values ($1::uuid, 1)")
        .bind(&post)
        .execute(&app.db)
        .await
        .expect("ranked");
    run_at(&app, DAY * 30, "posts.purge").await;
    assert_eq!(count(&app, "post").await, 3);
    run_at(&app, DAY * 30, "discovery.trending").await;
    run_at(&app, DAY * 30, "posts.purge").await;
    let mut after = Vec::new();
    for table in TABLES {
        after.push(count(&app, table).await);
    }
    // Two posts had one of each, but for the share, which has its own post and counter.
    assert_eq!(before, [4, 4, 4, 4, 2, 2, 2, 2, 2, 3, 3]);
    assert_eq!(after, [2, 2, 2, 2, 1, 1, 1, 1, 1, 2, 2]);

    let seen = bob
        .get(&format!("/v1/posts/{share}"))
        .await
        .expect_status(200);
    assert_eq!(
        seen.json["shared_post"]["unavailable"], true,
        "{:#}",
        seen.json
    );
    bob.delete(&format!("/v1/posts/{share}"))
        .await
        .expect_status(204);
    alice
        .act(&format!("/v1/posts/{post}/restore"))
        .await
        .expect_status(404);
    app.expect_no_drift().await;
}

/// A row of `table` just within the rule and one just beyond it: the second one goes.
async fn expect_one_to_go(job: &str, table: &'static str, insert: &str) {
    let app = start().await;
    app.person("alice").await;
    sqlx::raw_sql(AssertSqlSafe(format!("delete from {table}; {insert}")))
        .execute(&app.db)
        .await
        .expect("rows");
    let before = count(&app, table).await;
    run_at(&app, TimeDelta::zero(), job).await;
    assert_eq!(count(&app, table).await, before - 1, "{job}");
}

#[tokio::test]
async fn answers_to_idempotency_keys_are_forgotten_after_a_day() {
    let insert =
        "insert into idempotency (user_id, route, key, fingerprint, status, body, created_at)
         select gen_random_uuid(), '/', 'k', '', 200, '', now() - age
         from unnest(array[interval '24 hours 1 minute', interval '23 hours 59 minutes']) age";
    expect_one_to_go("idempotency.forget", "idempotency", insert).await;
}

#[tokio::test]
async fn delivered_events_are_forgotten_after_an_hour() {
    let insert = "insert into outbox (event, payload, created_at, delivered_at)
         select 'e', '{}', now() - interval '2 hours', now() - age
         from unnest(array[interval '61 minutes', interval '59 minutes', null]) age";
    expect_one_to_go("outbox.forget", "outbox", insert).await;
}

#[tokio::test]
async fn sessions_are_deleted_thirty_days_after_their_end() {
    let insert = "insert into session (session_id, user_id, address, user_agent, created_at, last_active_at,
                              reauthenticated_at, expires_at, ends_at, revoked_at)
         select gen_random_uuid(), user_id, '', '', now(), now(), now(), now() - expired, now(),
                now() - revoked
         from account, (values (interval '29 days 23 hours', null::interval),
                               (interval '-1 day', interval '29 days 23 hours'),
                               (interval '-1 day', interval '30 days 1 hour')) as s (expired, revoked)";
    expect_one_to_go("auth.sessions", "session", insert).await;
    let expired = "insert into session (session_id, user_id, address, user_agent, created_at, last_active_at,
                              reauthenticated_at, expires_at, ends_at)
         select gen_random_uuid(), user_id, '', '', now(), now(), now(), now() - expired, now()
         from account, unnest(array[interval '30 days 1 hour', interval '29 days 23 hours']) expired";
    expect_one_to_go("auth.sessions", "session", expired).await;
}

#[tokio::test]
async fn a_person_keeps_a_hundred_lines_of_security_log() {
    let insert = "insert into security_event (security_event_id, user_id, kind, address, user_agent, created_at)
         select gen_random_uuid(), user_id, 'login', '', '', now() - n * interval '1 year'
         from account, generate_series(1, 101) n";
    expect_one_to_go("auth.security_log", "security_event", insert).await;
}

/// A hundred accounts beside those that are there, named `crowd1` and on.
const CROWD: &str = "insert into account (user_id, username, display_name, created_at, updated_at)
         select gen_random_uuid(), 'crowd' || n, 'One of many', now(), now() from generate_series(1, 100) n";

#[tokio::test]
async fn every_log_is_trimmed_however_many_people_there_are() {
    let app = start().await;
    app.person("alice").await;
    let crowd = CROWD.replace("100)", "1100)");
    let lines = "delete from security_event;
         insert into security_event (security_event_id, user_id, kind, address, user_agent, created_at)
         select gen_random_uuid(), user_id, 'login', '', '', now() - n * interval '1 minute'
         from account, generate_series(1, 102) n";
    let planting = sqlx::raw_sql(AssertSqlSafe(format!("{crowd}; {lines}")));
    planting.execute(&app.db).await.expect("rows");
    let people = count(&app, "account").await;
    run_at(&app, TimeDelta::zero(), "auth.security_log").await;
    assert_eq!(count(&app, "security_event").await, people * 100);
}

#[tokio::test]
async fn posts_that_many_reacted_to_go_with_all_reactions() {
    let app = start().await;
    let alice = app.person("alice").await;
    let plant = format!(
        "{CROWD};
         insert into post (post_id, author_id, content, audience, created_at, deleted_at)
         select gen_random_uuid(), '{}', '', 'public', now(), now() from generate_series(1, 120);
         insert into reaction (target_kind, target_id, user_id, kind, created_at)
         select 'post', post_id, user_id, 'like', now() from post, account",
        alice.id
    );
    let planting = sqlx::raw_sql(AssertSqlSafe(plant)).execute(&app.db);
    planting.await.expect("rows");
    assert!(count(&app, "reaction").await > 12_000);
    run_at(&app, DAY * 30, "posts.purge").await;
    for table in ["reaction", "post"] {
        assert_eq!(count(&app, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn a_post_that_was_deleted_by_hand_goes_with_its_hashtags() {
    let app = start().await;
    let alice = app.person("alice").await;
    alice.post_to(&json!("public"), "with a #tag").await;
    sqlx::raw_sql("update post set deleted_at = now()")
        .execute(&app.db)
        .await
        .expect("deleted");
    run_at(&app, DAY * 30, "posts.purge").await;
    for table in ["post_hashtag", "post"] {
        assert_eq!(count(&app, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn a_former_username_is_free_after_ninety_days() {
    let insert = "insert into former_username (username, user_id, released_at)
         select 'former' || row_number() over (), user_id, now() - age
         from account, unnest(array[interval '90 days 1 hour', interval '89 days 23 hours']) age";
    expect_one_to_go("users.release-usernames", "former_username", insert).await;
}

#[tokio::test]
async fn links_go_thirty_days_after_they_ran_out() {
    let insert =
        "insert into mail_token (token_hash, user_id, purpose, email, created_at, expires_at)
         select decode(md5(age::text), 'hex'), user_id, 'verify_email', '', now(), now() - age
         from account, unnest(array[interval '30 days 1 hour', interval '29 days 23 hours']) age";
    expect_one_to_go("auth.mail_tokens", "mail_token", insert).await;
}

#[tokio::test]
async fn voids_wait_for_redis_whatever_is_tidied_up_meanwhile() {
    // Without a worker: one that has just taken a job would keep the test from running it.
    let settings = [("REDIS_URL", "redis://127.0.0.1:1"), ("KITH_ROLES", "web")];
    let app = TestApp::start_with(&settings).await;
    let person = app.person("person").await;
    person.post_to(&"public".into(), "hello").await;
    let waiting = count(&app, "cache_void").await;
    assert!(waiting > 0);
    let jobs = registry();
    let periodic = jobs.kinds().into_iter().filter(|job| job.every.is_some());
    for job in periodic {
        run_at(&app, TimeDelta::zero(), job.name).await;
    }
    assert!(count(&app, "cache_void").await >= waiting);
}

#[tokio::test]
async fn a_device_on_which_nobody_is_signed_in_is_forgotten() {
    let app = start().await;
    let (alice, bob) = (app.person("alice").await, app.person("bob").await);
    for who in [&alice, &bob] {
        sqlx::query(
            "insert into push_subscription
                    (user_id, device_id, endpoint, p256dh, auth, server_key, session_id, created_at,
                     updated_at)
             values ($1::uuid, 'phone', $1, '', '', '', $2::uuid, now(), now())",
        )
        .bind(&who.id)
        .bind(&who.session_id)
        .execute(&app.db)
        .await
        .expect("subscribed");
    }
    alice.act("/v1/auth/logout").await.expect_status(204);
    let job = "notifications.trim-devices";
    run_at(&app, DAY * 29, job).await;
    assert_eq!(count(&app, "push_subscription").await, 2);
    run_at(&app, DAY * 31, job).await;
    let left: Vec<String> = sqlx::query_scalar("select user_id::text from push_subscription")
        .fetch_all(&app.db)
        .await
        .expect("rows");
    assert_eq!(left, [bob.id.as_str()]);
    run_at(&app, DAY * 61, job).await;
    assert_eq!(count(&app, "push_subscription").await, 0);
}
