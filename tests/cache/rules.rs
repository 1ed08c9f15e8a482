//! What the rules of a space say.

use std::time::{Duration, Instant};

use kith::infra::cache::{Kind, Mode, Policy};
use kith::infra::meter::{self, Layer, Meter};

use crate::bed::{Bed, Process, Setup, within_a_second};
use crate::things::{LASTING, THINGS, Thing, Things, thing, things};

/// A space whose entries are due for a refresh as soon as they are stored.
pub const fn stale_at_once(name: &'static str) -> Things {
    let policy = Policy {
        fresh: Duration::ZERO,
        ..LASTING
    };
    Things {
        kind: Kind::Timed,
        ..things(name, policy)
    }
}

/// What Redis holds of a thing: its bytes and its lifetime in milliseconds.
async fn stored(
    bed: &Bed,
    process: &Process,
    space: &Things,
    name: &str,
) -> (Option<Vec<u8>>, i64) {
    let key = bed.key(process, &format!("{}:v1:{name}", space.name));
    let mut pipe = redis::pipe();
    pipe.cmd("GET").arg(&key).cmd("PTTL").arg(&key);
    pipe.query_async(&mut bed.redis().await)
        .await
        .expect("asked")
}

#[tokio::test]
async fn past_its_freshness_an_entry_is_answered_at_once_and_refreshed_once_behind() {
    static STALE: Things = stale_at_once("stale");
    let bed = Bed::new().await;
    let one = bed.process_with(Setup::of([&STALE])).await;
    bed.set("a", 1).await;
    one.size_in(&STALE, "a").await;
    let gate = bed.gate().await;
    for _ in 0..50 {
        let began = Instant::now();
        assert_eq!(one.size_in(&STALE, "a").await, Some(1));
        assert!(began.elapsed() < Duration::from_millis(500));
    }
    bed.held(1).await;
    gate.open().await;
    within_a_second("refreshed", async || bed.loads().await == 2).await;
    let figures = one.figures();
    assert_eq!(
        (
            figures.refreshes,
            figures.stale_answers,
            figures.failed_refreshes
        ),
        (1, 50, 0)
    );
    bed.end().await;
}

#[tokio::test]
async fn an_old_entry_of_redis_is_answered_at_once_and_refreshed_too() {
    static HELD_BY_REDIS: Things = {
        let stale = stale_at_once("held-by-redis");
        let policy = Policy {
            l1: Duration::ZERO,
            ..stale.policy
        };
        Things { policy, ..stale }
    };
    let bed = Bed::new().await;
    let one = bed.process_with(Setup::of([&HELD_BY_REDIS])).await;
    bed.set("a", 1).await;
    one.size_in(&HELD_BY_REDIS, "a").await;
    bed.run("set kith.bulk = on; update thing set size = 2; reset kith.bulk")
        .await;
    assert_eq!(one.size_in(&HELD_BY_REDIS, "a").await, Some(1));
    assert_eq!(one.figures().stale_answers, 1, "marked");
    within_a_second("refreshed", async || {
        one.size_in(&HELD_BY_REDIS, "a").await == Some(2)
    })
    .await;
    bed.end().await;
}

#[tokio::test]
async fn a_process_without_the_shared_layer_neither_reads_nor_writes_an_entry_of_redis() {
    static LOCAL: Things = stale_at_once("local");
    let bed = Bed::new().await;
    let one = bed.process_with(Setup::of([&LOCAL])).await;
    let local = Setup {
        mode: Mode::Local,
        ..Setup::of([&LOCAL])
    };
    let local = bed.process_with(local).await;
    bed.set("a", 1).await;
    one.size_in(&LOCAL, "a").await;
    let (before, _) = stored(&bed, &one, &LOCAL, "a").await;
    assert!(before.is_some());
    bed.run("set kith.bulk = on; update thing set size = 2; reset kith.bulk")
        .await;
    assert_eq!(local.size_in(&LOCAL, "a").await, Some(2));
    for _ in 0..3 {
        // Each read finds it stale and has it read behind, half a second apart.
        local.size_in(&LOCAL, "a").await;
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    let figures = local.figures();
    assert!(figures.refreshes >= 2, "{figures:?}");
    assert_eq!((figures.l2_hits, figures.bytes_written), (0, 0));
    assert_eq!(stored(&bed, &one, &LOCAL, "a").await.0, before);
    let key = "a".to_owned();
    assert_eq!(local.cache.time_left(&LOCAL, &key).await, None);
    let minute = Duration::from_mins(1);
    assert!(!local.cache.extend(&LOCAL, &key, minute).await);
    bed.end().await;
}

/// A read that asks for one entry: who answered, and the seconds of freshness that were left.
async fn answered(process: &Process, space: &'static Things) -> (Layer, Option<i64>) {
    let meter = Meter::default();
    meter::scope(meter.clone(), process.size_in(space, "a")).await;
    let asked = meter.cache();
    assert_eq!(asked.len(), 1, "{asked:?}");
    (asked[0].layer, asked[0].ttl)
}

#[tokio::test]
async fn an_answer_past_its_freshness_says_so_and_for_how_long_whichever_layer_has_it() {
    static LATE: Things = stale_at_once("late");
    let bed = Bed::new().await;
    let one = bed.process_with(Setup::of([&LATE])).await;
    let other = bed.process_with(Setup::of([&LATE])).await;
    bed.set("a", 1).await;
    one.size_in(&LATE, "a").await;
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    // Nobody has loaded it anew before it is read again.
    let gate = bed.gate().await;
    let (first, joined) = tokio::join!(answered(&other, &LATE), answered(&other, &LATE));
    let held = answered(&other, &LATE).await;
    for (layer, ttl) in [first, joined, held] {
        assert_eq!(layer, Layer::Stale);
        assert!(ttl.is_some_and(|ttl| (-10..=-2).contains(&ttl)), "{ttl:?}");
    }
    assert_eq!(other.figures().l2_hits, 1);
    gate.open().await;
    bed.end().await;
}

#[tokio::test]
async fn while_loads_fail_an_entry_that_is_kept_is_answered_and_its_failures_are_counted() {
    static KEPT: Things = stale_at_once("kept");
    let bed = Bed::new().await;
    let one = bed.process_with(Setup::of([&KEPT])).await;
    bed.set("a", 1).await;
    one.size_in(&KEPT, "a").await;
    bed.run("update told set fails = true").await;
    assert_eq!(one.size_in(&KEPT, "a").await, Some(1));
    within_a_second("counted", async || one.figures().failed_refreshes == 1).await;
    assert_eq!(one.size_in(&KEPT, "a").await, Some(1));
    assert_eq!(one.figures().stale_answers, 2);
    let (bytes, left) = stored(&bed, &one, &KEPT, "a").await;
    assert!(bytes.is_some() && left > 0, "it keeps its lifetime: {left}");
    // Void is not stale.
    bed.write(&one, "a", 2).await;
    let read = one.cache.get(&KEPT, &"a".to_owned()).await;
    read.expect_err("never what is void");
    bed.end().await;
}

#[tokio::test]
async fn a_slow_load_is_refreshed_early_and_a_quick_one_is_not() {
    const SOON: Policy = Policy {
        fresh: Duration::from_secs(2),
        ..LASTING
    };
    static SLOW: Things = things("slow", SOON);
    static QUICK: Things = things("quick", SOON);
    let bed = Bed::new().await;
    let one = bed.process_with(Setup::of([&SLOW, &QUICK])).await;
    bed.set("a", 1).await;
    one.size_in(&QUICK, "a").await;
    let gate = bed.gate().await;
    let (cache, name) = (one.cache.clone(), "a".to_owned());
    let reading = tokio::spawn(async move { cache.get(&SLOW, &name).await });
    bed.held(1).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    gate.open().await;
    reading.await.unwrap().unwrap();
    // 2 s left and 400 ms a load: a read in 150 is early, so 3,000 are in vain once in 10^8.
    for _ in 0..3_000 {
        one.cache.get(&SLOW, &"a".to_owned()).await.unwrap();
        one.cache.get(&QUICK, &"a".to_owned()).await.unwrap();
    }
    let refreshes = || {
        let figures = one.cache.figures();
        (figures[0].1.refreshes, figures[1].1.refreshes)
    };
    within_a_second("refreshed", async || refreshes().0 == 1).await;
    assert_eq!(refreshes().1, 0);
    assert_eq!(one.figures().stale_answers, 0, "early, not late");
    bed.end().await;
}

#[tokio::test]
async fn what_is_used_much_stays_fresh_longer() {
    static POPULAR: Things = things(
        "popular",
        Policy {
            fresh: Duration::from_millis(300),
            popular: true,
            ..LASTING
        },
    );
    let bed = Bed::new().await;
    let one = bed.process_with(Setup::of([&POPULAR])).await;
    bed.set("much", 1).await;
    bed.set("little", 1).await;
    for name in ["much", "little"] {
        one.size_in(&POPULAR, name).await;
    }
    for _ in 0..1_000 {
        one.cache.get(&POPULAR, &"much".to_owned()).await.unwrap();
    }
    let before = one.figures().refreshes;
    tokio::time::sleep(Duration::from_millis(350)).await;
    for name in ["much", "little"] {
        one.size_in(&POPULAR, name).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let refreshes = one.figures().refreshes - before;
    assert_eq!(refreshes, 1, "one of them is fresh for four times 300 ms");
    bed.end().await;
}

#[tokio::test]
async fn an_entry_is_admitted_to_redis_from_its_third_miss_on() {
    static THIRD: Things = things(
        "third",
        Policy {
            admit_after: 3,
            l1: Duration::ZERO,
            ..LASTING
        },
    );
    let bed = Bed::new().await;
    let one = bed.process_with(Setup::of([&THIRD])).await;
    bed.set("a", 1).await;
    for miss in 1..=3 {
        assert_eq!(stored(&bed, &one, &THIRD, "a").await.0, None, "miss {miss}");
        one.size_in(&THIRD, "a").await;
    }
    assert!(stored(&bed, &one, &THIRD, "a").await.0.is_some());
    assert_eq!(
        (one.size_in(&THIRD, "a").await, bed.loads().await),
        (Some(1), 3)
    );
    bed.end().await;
}

#[tokio::test]
async fn what_is_too_large_is_answered_and_not_stored() {
    static SMALL: Things = things(
        "small",
        Policy {
            max_bytes: 1,
            ..LASTING
        },
    );
    let bed = Bed::new().await;
    let one = bed.process_with(Setup::of([&SMALL])).await;
    bed.set("a", 1).await;
    assert_eq!(one.size_in(&SMALL, "a").await, Some(1));
    assert_eq!(stored(&bed, &one, &SMALL, "a").await.0, None);
    assert_eq!(one.figures().oversized, 1);
    bed.end().await;
}

#[tokio::test]
async fn lifetimes_differ_by_their_jitter_and_no_more() {
    static JITTERED: Things = things(
        "jittered",
        Policy {
            jitter: 50,
            ..LASTING
        },
    );
    let bed = Bed::new().await;
    let one = bed.process_with(Setup::of([&JITTERED])).await;
    let names: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    for name in &names {
        bed.set(name, 1).await;
    }
    one.cache.get_many(&JITTERED, &names).await.unwrap();
    let mut lives = Vec::new();
    for name in &names {
        lives.push(stored(&bed, &one, &JITTERED, name).await.1);
    }
    let (shortest, longest) = (*lives.iter().min().unwrap(), *lives.iter().max().unwrap());
    let keep = i64::try_from(JITTERED.policy.keep.as_millis()).unwrap();
    assert!(
        longest <= keep && shortest >= keep / 2 - 5_000,
        "{shortest} to {longest}"
    );
    assert!(longest - shortest > keep / 5, "{shortest} to {longest}");
    let (_, absent) = {
        one.size_in(&JITTERED, "nobody").await;
        stored(&bed, &one, &JITTERED, "nobody").await
    };
    assert!(
        (25_000..=60_000).contains(&absent),
        "an absent one: {absent}"
    );
    bed.end().await;
}

#[tokio::test]
async fn bytes_that_nobody_can_read_are_a_miss_are_counted_and_replaced() {
    let bed = Bed::new().await;
    let (one, two) = (bed.process().await, bed.process().await);
    bed.set("a", 1).await;
    one.size("a").await;
    // Whoever connects later voids nothing.
    bed.run("delete from cache_void").await;
    let good = stored(&bed, &one, &THINGS, "a").await.0.unwrap();
    let cut = good[..good.len() - 1].to_vec();
    for bad in [b"foreign".to_vec(), cut] {
        let before = two.figures().unreadable;
        let key = bed.key(&one, "things:v1:a");
        let mut pipe = redis::pipe();
        pipe.cmd("SET").arg(&key).arg(bad).arg("PX").arg(60_000);
        pipe.exec_async(&mut bed.redis().await).await.unwrap();
        let fresh = bed.process().await;
        assert_eq!(fresh.size("a").await, Some(1));
        assert_eq!((fresh.figures().unreadable, before), (1, 0));
        let now = stored(&bed, &one, &THINGS, "a").await.0.unwrap();
        assert_eq!(now.len(), good.len(), "replaced");
    }
    bed.end().await;
}

#[tokio::test]
async fn the_process_holds_no_more_bytes_than_it_may() {
    static HEAVY: Things = things("heavy", LASTING);
    let bed = Bed::new().await;
    let setup = Setup {
        l1_bytes: 20_000,
        ..Setup::of([&HEAVY])
    };
    let one = bed.process_with(setup).await;
    for some in 0..20 {
        let names: Vec<String> = (0..50).map(|n| format!("{some}-{n}")).collect();
        let ticket = one.cache.ticket(&HEAVY, &names).await;
        let values: Vec<Option<Thing>> = names.iter().map(|_| Some(thing(1))).collect();
        assert!(one.cache.put_many(&HEAVY, ticket, values).await);
    }
    within_a_second("evicted", async || {
        let name = "0-0".to_owned();
        one.cache.get(&HEAVY, &name).await.unwrap();
        let (entries, bytes) = one.cache.l1_size();
        (1..150).contains(&entries) && bytes <= 20_000
    })
    .await;
    bed.end().await;
}
