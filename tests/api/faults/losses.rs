//! One instance alone loses Redis; Redis loses what its keeping of books needs.

use std::time::{Duration, Instant};

use serde_json::json;

use super::pair_on;
use super::redis::{ONE_ALONE, under_traffic};
use crate::support::{OwnRedis, Proxy, Session, TestApp, mode};

/// What it writes, the others learn from the table of voids.
#[tokio::test]
async fn one_instance_that_alone_loses_redis_tells_the_others_in_time() {
    if !mode::needs("a shared cache", mode::has_shared_cache()) {
        return;
    }
    let redis = OwnRedis::start().await;
    let proxy = Proxy::before(&redis).await;
    let one = TestApp::start_with(&[("REDIS_URL", &proxy.redis_url())]).await;
    let other = one.start_beside(&[("REDIS_URL", &redis.url())]).await;
    let (ada, bob) = one.friends("ada", "bob").await;
    let post = ada.post_to(&json!("friends"), "for friends").await;
    let there = bob.at(&other.url);
    let (profile, post) = (format!("/v1/users/{}", ada.id), format!("/v1/posts/{post}"));
    for round in 0..3 {
        for app in [&one, &other] {
            app.wait_for_redis().await;
        }
        for reader in [&bob, &there, &bob, &there] {
            reader.get(&profile).await.expect_status(200);
            reader.get(&post).await.expect_status(200);
        }
        proxy.cut().await;
        let name = format!("name {round}");
        let body = json!({"display_name": name});
        ada.patch("/v1/me", &body).await.expect_status(200);
        let renamed = Instant::now();
        let unfriend = format!("/v1/friends/{}", bob.id);
        ada.delete(&unfriend).await.expect_status(200);
        let unfriended = Instant::now();
        let named = async |reader: &Session| {
            let seen = reader.get(&profile).await.expect_status(200);
            seen.json["display_name"] == name
        };
        assert!(named(&bob).await, "its own write");
        bob.get(&post).await.expect_status(404);
        while there.get(&post).await.status != 404 {
            let late = unfriended.elapsed();
            assert!(late < ONE_ALONE, "{late:?}: still a friend there");
        }
        while !named(&there).await {
            let late = renamed.elapsed();
            assert!(late < ONE_ALONE, "{late:?}: not renamed there");
        }
        assert!(!one.ctx.redis().is_up() && other.ctx.redis().is_up());
        proxy.restore().await;
        one.wait_for_redis().await;
        ada.befriend(&bob).await;
        for reader in [&bob, &there] {
            assert!(named(reader).await, "round {round}");
            reader.get(&post).await.expect_status(200);
        }
    }
}

/// Redis may lose any key at any time, and rows of epochs may be cleared away.
#[tokio::test]
async fn bookkeeping_that_vanishes_under_traffic_costs_no_truth() {
    let redis = OwnRedis::start().await;
    let Some((one, other)) = pair_on(&redis).await else {
        return;
    };
    let mut vanished = 0;
    under_traffic(&one, &other, async {
        for (times, kinds) in [
            (4, &["cache:state"][..]),
            // A void is soon learned of: many are lost, so that some are before that.
            (60, &["cache:voids:"]),
            (8, &[":tag:user:"]),
            (8, &[":tag:space:"]),
            (8, &[":lease"]),
            (4, &["cache:state", "cache:voids:"]),
            (8, &[":tag:"]),
        ] {
            for _ in 0..times {
                let all: Vec<String> = redis
                    .ask(::redis::cmd("KEYS").arg("*"))
                    .await
                    .expect("Redis answers");
                let those = all
                    .iter()
                    .filter(|key| kinds.iter().any(|kind| key.contains(kind)));
                let those: Vec<&String> = those.collect();
                if !those.is_empty() {
                    let gone: ::redis::RedisResult<i64> =
                        redis.ask(::redis::cmd("DEL").arg(those)).await;
                    vanished += gone.expect("Redis answers");
                }
                tokio::time::sleep(Duration::from_millis(240 / times)).await;
            }
            let cleared = sqlx::query("delete from cache_epoch");
            cleared.execute(&one.db).await.expect("cleared");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    assert!(vanished > 20, "{vanished} keys");
}
