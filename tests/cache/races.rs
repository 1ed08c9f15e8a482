//! Fills that race with writes, clocks that disagree, stamps that wear, puts that are refused midway.

use std::time::Duration;

use kith::infra::cache::{Kind, Policy};

use crate::bed::{Bed, Process, Setup, tags, within_a_second};
use crate::redis_server::OwnRedis;
use crate::things::{LASTING, THINGS, Thing, Things, thing, things};

#[tokio::test]
async fn warming_and_reloading_that_race_with_a_write_leave_nothing_old() {
    for reloads in [false, true] {
        let bed = Bed::new().await;
        let (one, two, third) = (
            bed.process().await,
            bed.process().await,
            bed.process().await,
        );
        bed.set("a", 1).await;
        if reloads {
            assert_eq!(two.size("a").await, Some(1));
        }
        let gate = bed.gate().await;
        let cache = one.cache.clone();
        let filling = tokio::spawn(async move {
            let names = tags(["a"]);
            if reloads {
                cache.reload(&THINGS, &names).await.unwrap();
            } else {
                assert_eq!(cache.warm(&THINGS, &names).await.unwrap().read, 1);
            }
        });
        bed.held(1).await;
        bed.write(&two, "a", 2).await;
        // As another request does, which learns of it.
        one.cache.step().await;
        gate.open().await;
        filling.await.unwrap();
        // The first has nothing but what Redis has.
        for process in [&third, &two, &one] {
            assert_eq!(process.size("a").await, Some(2), "reloads: {reloads}");
        }
        bed.end().await;
    }
}

/// Stores what Redis has of a thing as if the clock of whoever loaded it were so many milliseconds off.
async fn misdate(bed: &Bed, process: &Process, space: &Things, millis: i64) {
    let key = bed.key(process, &format!("{}:v1:a", space.name));
    let mut conn = bed.redis().await;
    let get = redis::cmd("GET").arg(&key).query_async(&mut conn).await;
    let mut bytes: Vec<u8> = get.expect("it is there");
    let dated: &mut [u8; 8] = (&mut bytes[1..9]).try_into().expect("eight bytes");
    *dated = u64::from_le_bytes(*dated)
        .checked_add_signed(millis)
        .expect("a time")
        .to_le_bytes();
    let mut set = redis::cmd("SET");
    let set = set.arg(&key).arg(bytes).arg("KEEPTTL");
    set.exec_async(&mut conn).await.expect("it is stored");
}

const HOUR: i64 = 3_600_000;

#[tokio::test]
async fn an_entry_of_a_process_whose_clock_is_off_is_right_and_ends_with_its_void() {
    for millis in [-HOUR, HOUR] {
        let bed = Bed::new().await;
        let (one, two) = (bed.process().await, bed.process().await);
        bed.set("a", 1).await;
        assert_eq!(one.size("a").await, Some(1));
        misdate(&bed, &one, &THINGS, millis).await;
        for _ in 0..3 {
            assert_eq!(two.size("a").await, Some(1), "{millis}");
        }
        // An old one is refreshed behind, once, and is as young as any then.
        let loads = if millis < 0 { 2 } else { 1 };
        within_a_second("loaded", async || bed.loads().await == loads).await;
        assert_eq!(two.size("a").await, Some(1));
        bed.write(&one, "a", 2).await;
        assert_eq!(two.size("a").await, Some(2), "{millis}");
        assert_eq!(one.size("a").await, Some(2), "{millis}");
        bed.end().await;
    }
}

/// Time ends it in Redis by Redis's clock, and what a process took from there a second before its end is
/// not held for another lifetime.
#[tokio::test]
async fn a_clock_that_is_off_lets_no_entry_live_longer_than_it_may() {
    static BRIEF: Things = Things {
        kind: Kind::Timed,
        ..things(
            "brief",
            Policy {
                fresh: Duration::from_secs(3),
                keep: Duration::from_secs(3),
                l1: Duration::from_secs(3),
                ..LASTING
            },
        )
    };
    for millis in [-HOUR, HOUR] {
        let bed = Bed::new().await;
        let one = bed.process_with(Setup::of([&BRIEF])).await;
        let two = bed.process_with(Setup::of([&BRIEF])).await;
        bed.set("a", 1).await;
        assert_eq!(one.size_in(&BRIEF, "a").await, Some(1));
        misdate(&bed, &one, &BRIEF, millis).await;
        bed.run("set kith.bulk = on; update thing set size = 2; reset kith.bulk")
            .await;
        tokio::time::sleep(Duration::from_millis(1_800)).await;
        assert_eq!(two.size_in(&BRIEF, "a").await, Some(1), "{millis}");
        tokio::time::sleep(Duration::from_millis(1_400)).await;
        assert_eq!(two.size_in(&BRIEF, "a").await, Some(2), "{millis}");
        bed.end().await;
    }
}

#[tokio::test]
async fn each_fill_gives_the_stamps_of_an_entry_their_whole_life() {
    let bed = Bed::new().await;
    let (one, two) = (bed.process().await, bed.process().await);
    bed.set("a", 1).await;
    assert_eq!(one.size("a").await, Some(1));
    let mut conn = bed.redis().await;
    let stamps = ["tag:thing:a", "tag:space:things"].map(|tag| bed.key(&one, tag));
    for stamp in &stamps {
        let mut wear = redis::cmd("PEXPIRE");
        let worn: i64 = wear
            .arg(stamp)
            .arg(30_000)
            .query_async(&mut conn)
            .await
            .unwrap();
        assert_eq!(worn, 1);
    }
    bed.delete(&bed.key(&one, "things:v1:a")).await;
    assert_eq!(two.size("a").await, Some(1));
    assert_eq!(bed.loads().await, 2);
    for stamp in &stamps {
        let left = redis::cmd("PTTL").arg(stamp).query_async(&mut conn).await;
        let left: u64 = left.unwrap();
        let keep = THINGS.policy.keep;
        assert!(Duration::from_millis(left) > keep, "{stamp}: {left} ms");
    }
    bed.end().await;
}

#[tokio::test]
async fn of_many_that_are_put_none_is_stored_if_one_is_refused() {
    let redis = OwnRedis::start().await;
    let bed = Bed::at(&redis).await;
    let (one, two) = (bed.process().await, bed.process().await);
    for name in ["a", "b", "c"] {
        bed.set(name, 1).await;
        assert_eq!(two.size(name).await, Some(1));
    }
    let ticket = one.cache.ticket(&THINGS, &tags(["a", "b", "c"])).await;
    bed.run("set kith.bulk = on; update thing set size = 2; reset kith.bulk")
        .await;
    // Redis takes all but the second.
    let mut refuse = redis::cmd("ACL");
    refuse.arg(&["SETUSER", "default", "resetkeys"]);
    refuse.arg(&["~*:a", "~*:c", "~*:lease", "~*:tag:*", "~*:cache:*"]);
    let mut conn = bed.redis().await;
    refuse.exec_async(&mut conn).await.unwrap();
    let values = [3, 3, 3].map(|size| Some::<Thing>(thing(size)));
    assert!(!one.cache.put_many(&THINGS, ticket, values.into()).await);
    let mut allow = redis::cmd("ACL");
    allow.arg(&["SETUSER", "default", "allkeys"]);
    allow.exec_async(&mut conn).await.unwrap();
    one.is_up().await;
    let key = bed.key(&one, "things:v1:a");
    let get = redis::cmd("GET").arg(&key).query_async(&mut conn).await;
    let bytes: Vec<u8> = get.unwrap();
    assert_eq!(postcard_size(&bytes), 1, "the first was stored alone");
    // And what was there before is void, so that nobody takes it for the new one.
    for process in [&one, &two] {
        for name in ["a", "b", "c"] {
            assert_eq!(process.size(name).await, Some(2), "{name}");
        }
    }
    bed.end().await;
}

/// The size in an entry's bytes: its value comes last, the size as one byte of twice as much, then the
/// length of no padding.
fn postcard_size(bytes: &[u8]) -> u8 {
    bytes[bytes.len() - 2] / 2
}
