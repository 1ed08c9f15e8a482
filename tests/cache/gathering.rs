//! Voids that come while one is under way.

use std::time::Duration;

use crate::bed::{Bed, Process, tags};
use crate::redis_server::OwnRedis;

/// The number of the last void.
async fn sequence(bed: &Bed) -> u64 {
    redis::cmd("HGET")
        .arg(bed.bookkeeping("state"))
        .arg("sequence")
        .query_async(&mut bed.redis().await)
        .await
        .expect("a number")
}

/// A void that runs beside the test.
fn start_voiding(process: &Process, name: &str) -> tokio::task::JoinHandle<bool> {
    let (cache, tags) = (process.cache.clone(), tags([&*format!("thing:{name}")]));
    tokio::spawn(async move { cache.void(&tags).await })
}

#[tokio::test]
async fn what_is_voided_while_a_void_is_under_way_is_told_together() {
    let redis = OwnRedis::start().await;
    let bed = Bed::at(&redis).await;
    let (one, other) = (bed.process().await, bed.process().await);
    for name in ["a", "b", "c", "d"] {
        bed.set(name, 1).await;
        assert_eq!(one.size(name).await, Some(1));
        assert_eq!(other.size(name).await, Some(1));
        bed.set(name, 2).await;
    }
    let before = sequence(&bed).await;
    redis.hold();
    let voids: Vec<_> = ["a", "b", "c", "d"]
        .map(|name| start_voiding(&one, name))
        .into();
    tokio::time::sleep(Duration::from_millis(50)).await;
    redis.go_on();
    for void in voids {
        assert!(void.await.expect("no panic"), "Redis knows");
    }
    assert_eq!(sequence(&bed).await, before + 2, "the first, and the rest");
    for process in [&one, &other] {
        for name in ["a", "b", "c", "d"] {
            assert_eq!(process.size(name).await, Some(2));
        }
    }
    bed.end().await;
}

#[tokio::test]
async fn whoever_goes_away_holds_nobody_up() {
    let redis = OwnRedis::start().await;
    let bed = Bed::at(&redis).await;
    let one = bed.process().await;
    bed.set("a", 1).await;
    assert_eq!(one.size("a").await, Some(1));
    bed.set("a", 2).await;
    redis.hold();
    let first = start_voiding(&one, "first");
    tokio::time::sleep(Duration::from_millis(20)).await;
    let second = start_voiding(&one, "second");
    let third = start_voiding(&one, "a");
    tokio::time::sleep(Duration::from_millis(20)).await;
    first.abort();
    second.abort();
    redis.go_on();
    assert!(third.await.expect("no panic"), "Redis knows");
    assert_eq!(one.size("a").await, Some(2));
    assert!(start_voiding(&one, "next").await.expect("no panic"));
    bed.end().await;
}
