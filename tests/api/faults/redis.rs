//! Redis is killed, comes back empty or old, answers nothing, comes late.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use super::{pair_on, readiness, soon};
use crate::support::{OwnRedis, Session, TestApp, mode};
use crate::timelines::wait_until_built;

/// While one instance alone has lost Redis, the others learn of its writes from the table of voids:
/// half a second, and something for a busy machine.
pub(super) const ONE_ALONE: Duration = Duration::from_secs(1);
/// The longest that a request may take while Redis comes and goes.
const PATIENCE: Duration = Duration::from_secs(3);

/// Renames themselves at one instance and looks there and at another, until told to stop: each answer
/// is the last one written, at the other one within the time that one alone may take. Counts how often.
async fn rename_and_look(who: &Session, there: &str, stop: &AtomicBool, times: &AtomicU32) {
    let (there, path) = (who.at(there), format!("/v1/users/{}", who.id));
    while !stop.load(Ordering::Relaxed) {
        let name = format!("name {}", times.load(Ordering::Relaxed));
        let began = Instant::now();
        let body = json!({"display_name": name});
        who.patch("/v1/me", &body).await.expect_status(200);
        assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
        let written = Instant::now();
        for (reader, allowed) in [(who, Duration::ZERO), (&there, ONE_ALONE)] {
            loop {
                let began = Instant::now();
                let seen = reader.get(&path).await.expect_status(200);
                assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
                if seen.json["display_name"] == name {
                    break;
                }
                let late = written.elapsed();
                assert!(late < allowed, "{late:?}: {}", seen.json["display_name"]);
            }
        }
        times.fetch_add(1, Ordering::Relaxed);
    }
}

/// Lets people rename themselves and look while `faults` runs, and until each of them has gone on after it.
pub(super) async fn under_traffic(
    one: &TestApp,
    other: &TestApp,
    faults: impl Future<Output = ()>,
) {
    let people = join_all((0..4).map(|_| one.person("person"))).await;
    let stop = AtomicBool::new(false);
    let times = [const { AtomicU32::new(0) }; 4];
    let traffic = people.iter().zip(&times);
    let traffic = traffic.map(|(who, times)| rename_and_look(who, &other.url, &stop, times));
    let so_far = || times.each_ref().map(|times| times.load(Ordering::Relaxed));
    let faults = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        faults.await;
        let before = so_far();
        // The round that is under way may have begun before.
        let goes_on = |now: [u32; 4]| {
            now.iter()
                .zip(&before)
                .all(|(now, before)| now - before >= 2)
        };
        let began = Instant::now();
        while !goes_on(so_far()) {
            assert!(
                began.elapsed() < 10 * PATIENCE,
                "{before:?}, {:?}",
                so_far()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stop.store(true, Ordering::Relaxed);
    };
    tokio::join!(join_all(traffic), faults);
    for app in [one, other] {
        soon("Redis is back", async || {
            readiness(app).await == ("ok".to_owned(), "ok".to_owned())
        })
        .await;
    }
}

#[tokio::test]
async fn a_redis_that_dies_and_comes_back_empty_costs_no_request_and_no_truth() {
    let mut redis = OwnRedis::start().await;
    let Some((one, other)) = pair_on(&redis).await else {
        return;
    };
    under_traffic(&one, &other, async {
        for _ in 0..2 {
            redis.kill();
            tokio::time::sleep(Duration::from_millis(400)).await;
            redis.restart().await;
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_comes_back_from_an_old_snapshot_brings_nothing_old_back() {
    let mut redis = OwnRedis::start().await;
    let Some((one, other)) = pair_on(&redis).await else {
        return;
    };
    let people = join_all((0..20).map(|_| one.person("person"))).await;
    let names = async |app: &TestApp| {
        let anyone = app.anyone();
        let asked = people.iter().map(async |who| {
            let seen = anyone.get(&format!("/v1/users/{}", who.id)).await;
            seen.expect_status(200).json["display_name"].clone()
        });
        join_all(asked).await
    };
    let before = names(&one).await;
    redis.save().await;
    for who in &people {
        let body = json!({"display_name": "after the snapshot"});
        who.patch("/v1/me", &body).await.expect_status(200);
    }
    redis.restart().await;
    let held: i64 = redis.ask(&::redis::cmd("DBSIZE")).await.expect("a number");
    assert!(held > 20, "the snapshot was taken up: {held}");
    for app in [&one, &other] {
        app.wait_for_redis().await;
        let now = names(app).await;
        assert_ne!(now, before);
        assert!(now.iter().all(|name| name == "after the snapshot"));
    }
    under_traffic(&one, &other, async {
        redis.save().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        redis.restart().await;
        tokio::time::sleep(Duration::from_millis(400)).await;
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_answers_nothing_holds_nobody_up_and_nothing_old_is_told() {
    let redis = OwnRedis::start().await;
    let Some((one, other)) = pair_on(&redis).await else {
        return;
    };
    under_traffic(&one, &other, async {
        for _ in 0..2 {
            redis.halt();
            tokio::time::sleep(Duration::from_millis(800)).await;
            redis.resume();
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
    })
    .await;
}

/// What an instance has in the process counts only if Redis says that nothing was voided since: a
/// question that was not answered says nothing.
#[tokio::test]
async fn an_instance_that_gets_no_answer_does_not_believe_itself() {
    let redis = OwnRedis::start().await;
    let Some((one, other)) = pair_on(&redis).await else {
        return;
    };
    for number in 0..5 {
        let ada = one.person("ada").await;
        let path = format!("/v1/users/{}", ada.id);
        let anyone = other.anyone();
        anyone.get(&path).await.expect_status(200);
        redis.halt();
        let body = json!({"display_name": "renamed"});
        ada.patch("/v1/me", &body).await.expect_status(200);
        let seen = anyone.get(&path).await.expect_status(200);
        assert_eq!(seen.json["display_name"], "renamed", "round {number}");
        redis.resume();
        for app in [&one, &other] {
            soon("Redis is back", async || app.ctx.redis().is_up()).await;
        }
    }
}

#[tokio::test]
async fn kith_starts_without_redis_and_takes_it_up_when_it_comes() {
    if !mode::needs("a shared cache", mode::has_shared_cache()) {
        return;
    }
    let mut redis = OwnRedis::away();
    let url = redis.url();
    let settings = [("REDIS_URL", url.as_str())];
    let app = TestApp::start_with(&settings).await;
    let (degraded, ok) = (("degraded", "down"), ("ok", "ok"));
    let is = async |expected: (&str, &str)| {
        let (status, redis) = readiness(&app).await;
        (status.as_str(), redis.as_str()) == expected
    };
    assert!(is(degraded).await);
    let ada = app.person("ada").await;
    ada.get("/v1/me").await.expect_status(200);
    redis.restart().await;
    soon("Redis is found", async || is(ok).await).await;
    let path = format!("/v1/users/{}", ada.id);
    ada.get(&path).await.expect_status(200);
    let held: i64 = redis.ask(&::redis::cmd("DBSIZE")).await.expect("a number");
    assert!(held > 1, "it is used: {held}");
    redis.kill();
    soon("its end is noticed", async || is(degraded).await).await;
    ada.get(&path).await.expect_status(200);
}

/// Nobody is told of a post that is made while there is no connection, and nobody carries it here: its
/// author's timeline must not be believed without it.
#[tokio::test]
async fn a_post_that_was_made_while_redis_was_away_is_in_its_authors_feed() {
    if !mode::needs("a shared cache", mode::has_shared_cache()) {
        return;
    }
    let redis = OwnRedis::start().await;
    let url = redis.url();
    let settings = [("REDIS_URL", url.as_str()), ("KITH_ROLES", "web")];
    let app = TestApp::start_with(&settings).await;
    app.wait_for_redis().await;
    let me = app.person("me").await;
    me.post_to(&json!("friends"), "before").await;
    me.get("/v1/feed").await.expect_status(200);
    wait_until_built(&app, &me.id).await;
    redis.halt();
    // The first one gives the connection up: of the second one nobody is told.
    me.post_to(&json!("friends"), "first").await;
    let post = me.post_to(&json!("friends"), "second").await;
    redis.resume();
    soon("Redis is back", async || app.ctx.redis().is_up()).await;
    let seen = me.get("/v1/feed").await.expect_status(200);
    assert_eq!(seen.ids().first(), Some(&post));
    assert_eq!(seen.ids().len(), 3);
}

/// A statement by hand that changes millions of rows leaves as many tags in one row: nobody is kept by
/// that from what else waits, nor from Redis.
#[tokio::test]
async fn a_void_that_names_more_than_can_be_told_is_over_at_once() {
    let settings = [("KITH_STATEMENT_TIMEOUT", "300ms")];
    let Some(app) = TestApp::with_cache(&settings).await else {
        return;
    };
    let ada = app.person("ada").await;
    let path = format!("/v1/users/{}", ada.id);
    let anyone = app.anyone();
    anyone.get(&path).await.expect_status(200);
    // The rename is told by no trigger, and by that row alone.
    let change = format!(
        "begin;
         set local session_replication_role = replica;
         update account set display_name = 'renamed' where user_id = '{id}';
         insert into cache_void (tags)
         select array_agg('post:' || gen_random_uuid()) || array['user:{id}']
         from generate_series(1, 300000);
         commit",
        id = ada.id
    );
    let change = sqlx::raw_sql(sqlx::AssertSqlSafe(change)).execute(&app.db);
    change.await.expect("changed");
    let began = Instant::now();
    let waiting = "select count(*) from cache_void";
    loop {
        let left: i64 = sqlx::query_scalar(waiting)
            .fetch_one(&app.db)
            .await
            .expect("a count");
        if left == 0 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "it still waits");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    app.wait_for_redis().await;
    let seen = anyone.get(&path).await.expect_status(200);
    assert_eq!(seen.json["display_name"], "renamed");
    let body = json!({"display_name": "once more"});
    ada.patch("/v1/me", &body).await.expect_status(200);
    let seen = anyone.get(&path).await.expect_status(200);
    assert_eq!(seen.json["display_name"], "once more");
}

#[tokio::test]
async fn who_was_started_without_redis_lacks_nothing() {
    let app = TestApp::start_with(&[("REDIS_URL", "")]).await;
    assert_eq!(readiness(&app).await, ("ok".to_owned(), "none".to_owned()));
}

/// How many connections of requests the server has seen opened so far.
async fn connected(redis: &OwnRedis) -> u64 {
    let info: String = redis
        .ask(redis::cmd("INFO").arg("stats"))
        .await
        .expect("Redis answers");
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("total_connections_received:"));
    line.expect("a count").trim().parse().expect("a number")
}

#[tokio::test]
async fn a_worker_has_a_connection_of_its_own_and_goes_on_when_all_are_cut() {
    let redis = OwnRedis::start().await;
    let Some((one, other)) = pair_on(&redis).await else {
        return;
    };
    let who = one.person("person").await;
    let read = async |app: &TestApp| {
        let reply = who.at(&app.url).get("/v1/feed").await;
        reply.expect_status(200).redis()
    };
    let before = connected(&redis).await;
    // The first request of a thread has one opened, and does not wait for it.
    for _ in 0..20 {
        join_all([read(&one), read(&other)]).await;
    }
    assert!(connected(&redis).await > before, "no thread has its own");
    under_traffic(&one, &other, async {
        for _ in 0..5 {
            let mut cut = redis::cmd("CLIENT");
            cut.arg("KILL").arg("TYPE").arg("normal");
            redis.ask::<i64>(&cut).await.expect("Redis answers");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    })
    .await;
    soon("one round trip again", async || read(&one).await == 1).await;
}
