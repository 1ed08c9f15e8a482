//! What is loaded, how often, and what happens when it fails.

use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, join_all};
use kith::infra::cache::{Kind, Policy, Space};
use kith::infra::db::Conn;
use kith::kernel::{Code, Result};
use smallvec::smallvec;

use crate::bed::{Bed, Setup, tags, within_a_second};
use crate::redis_server::OwnRedis;
use crate::things::{LASTING, THINGS, Thing, Things, thing, things};

#[tokio::test]
async fn a_thousand_misses_in_two_processes_cost_two_loads_at_most() {
    let bed = Bed::new().await;
    let (one, two) = (bed.process().await, bed.process().await);
    bed.set("a", 1).await;
    let name = "a".to_owned();
    let readers = (0..1_000).map(|n| [&one, &two][n % 2].cache.get(&THINGS, &name));
    let found = join_all(readers).await;
    assert!(
        found
            .into_iter()
            .all(|found| found.unwrap().unwrap().size == 1)
    );
    let loads = bed.loads().await;
    assert!((1..=2).contains(&loads), "{loads} loads");
    bed.end().await;
}

#[tokio::test]
async fn what_one_process_loads_another_waits_for() {
    let bed = Bed::new().await;
    let (one, two, three) = (
        bed.process().await,
        bed.process().await,
        bed.process().await,
    );
    bed.set("a", 1).await;
    let gate = bed.gate().await;
    let mut readers = vec![one.start_reading("a")];
    bed.held(1).await;
    readers.extend([two.start_reading("a"), three.start_reading("a")]);
    tokio::time::sleep(Duration::from_millis(100)).await;
    gate.open().await;
    for reader in readers {
        assert_eq!(reader.await.unwrap(), Some(1));
    }
    assert_eq!(bed.loads().await, 1);
    bed.end().await;
}

#[tokio::test]
async fn what_one_process_refreshes_another_does_not() {
    static STALE: Things = crate::rules::stale_at_once("refreshed-by-one");
    let bed = Bed::new().await;
    let one = bed.process_with(Setup::of([&STALE])).await;
    let two = bed.process_with(Setup::of([&STALE])).await;
    bed.set("a", 1).await;
    for process in [&one, &two] {
        assert_eq!(process.size_in(&STALE, "a").await, Some(1));
    }
    // Reading it was due for a refresh at once, and that is over.
    within_a_second("refreshed", async || bed.loads().await == 2).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    let before = bed.loads().await;
    let gate = bed.gate().await;
    assert_eq!(one.size_in(&STALE, "a").await, Some(1));
    bed.held(1).await;
    assert_eq!(two.size_in(&STALE, "a").await, Some(1));
    within_a_second("asked for", async || two.figures().refreshes == 2).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    gate.open().await;
    within_a_second("refreshed", async || bed.loads().await == before + 1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(bed.loads().await, before + 1);
    assert_eq!(one.figures().loads + two.figures().loads, 3);
    bed.end().await;
}

#[tokio::test]
async fn what_another_process_has_refreshed_is_taken_from_redis() {
    const FRESH: Duration = Duration::from_millis(1_500);
    static SHARED: Things = Space {
        kind: Kind::Timed,
        ..things(
            "refreshed-elsewhere",
            Policy {
                fresh: FRESH,
                ..LASTING
            },
        )
    };
    let bed = Bed::new().await;
    let one = bed.process_with(Setup::of([&SHARED])).await;
    let two = bed.process_with(Setup::of([&SHARED])).await;
    bed.set("a", 1).await;
    for process in [&one, &two] {
        assert_eq!(process.size_in(&SHARED, "a").await, Some(1));
    }
    bed.run("set kith.bulk = on; update thing set size = 2; reset kith.bulk")
        .await;
    tokio::time::sleep(FRESH + Duration::from_millis(50)).await;
    for process in [&one, &two] {
        assert_eq!(process.size_in(&SHARED, "a").await, Some(1));
        within_a_second("refreshed", async || {
            process.size_in(&SHARED, "a").await == Some(2)
        })
        .await;
    }
    assert_eq!((bed.loads().await, two.figures().loads), (2, 0));
    bed.end().await;
}

#[tokio::test]
async fn misses_of_one_process_share_a_load_however_long_it_takes() {
    let bed = Bed::new().await;
    let one = bed.process().await;
    bed.set("a", 1).await;
    let gate = bed.gate().await;
    let readers: Vec<_> = (0..100).map(|_| one.start_reading("a")).collect();
    bed.held(1).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    gate.open().await;
    for reader in readers {
        assert_eq!(reader.await.unwrap(), Some(1));
    }
    assert_eq!(bed.loads().await, 1);
    bed.end().await;
}

#[tokio::test]
async fn a_reader_who_leaves_cuts_nobody_off() {
    let bed = Bed::new().await;
    let one = bed.process().await;
    bed.set("a", 1).await;
    let gate = bed.gate().await;
    let first = one.start_reading("a");
    bed.held(1).await;
    let second = one.start_reading("a");
    first.abort();
    gate.open().await;
    assert_eq!(second.await.unwrap(), Some(1));
    assert_eq!(bed.loads().await, 1);
    bed.end().await;
}

#[tokio::test]
async fn a_reader_waits_for_no_entry_but_its_own() {
    let bed = Bed::new().await;
    let one = bed.process().await;
    bed.set("a", 1).await;
    bed.set("b", 2).await;
    // As if another process had the right to load it, and were gone.
    let lease = bed.key(&one, "things:v1:b:lease");
    redis::cmd("SET")
        .arg(&[&lease, "1", "PX", "60000"])
        .exec_async(&mut bed.redis().await)
        .await
        .unwrap();
    let gate = bed.gate().await;
    let cache = one.cache.clone();
    let both = tokio::spawn(async move {
        let names = ["a", "b"].map(str::to_owned);
        cache.get_many(&THINGS, &names).await.unwrap().len()
    });
    bed.held(1).await;
    let joined = one.start_reading("a");
    tokio::task::yield_now().await;
    // The next load is held again: that of the other entry.
    let ((), gate) = tokio::join!(gate.open(), bed.gate());
    let joined = tokio::time::timeout(Duration::from_secs(10), joined).await;
    assert_eq!(joined.expect("it waits for the other").unwrap(), Some(1));
    gate.open().await;
    assert_eq!(both.await.unwrap(), 2);
    bed.end().await;
}

#[tokio::test]
async fn many_are_read_with_one_query_for_those_that_no_layer_has() {
    let bed = Bed::new().await;
    let (one, two) = (bed.process().await, bed.process().await);
    for (name, size) in [("l1", 1), ("l2", 2), ("missing", 3), ("missing-too", 4)] {
        bed.set(name, size).await;
    }
    assert_eq!(one.size("l1").await, Some(1));
    assert_eq!(two.size("l2").await, Some(2));
    let names = ["l1", "l2", "missing", "missing-too", "absent", "l1"].map(str::to_owned);
    let found = one.cache.get_many(&THINGS, &names).await.unwrap();
    let mut found: Vec<_> = found
        .iter()
        .map(|(name, thing)| (name.as_str(), thing.size))
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [("l1", 1), ("l2", 2), ("missing", 3), ("missing-too", 4)]
    );
    let last = "select cardinality(names)::bigint from load order by load_id desc limit 1";
    assert_eq!((bed.loads().await, bed.count(last).await), (3, 3));
    let figures = one.figures();
    assert_eq!(
        (figures.l1_hits, figures.l2_hits, figures.misses),
        (2, 1, 4)
    );
    bed.end().await;
}

#[tokio::test]
async fn what_is_not_there_is_remembered_and_found_once_it_is() {
    let bed = Bed::new().await;
    let (one, two) = (bed.process().await, bed.process().await);
    for _ in 0..3 {
        assert_eq!((one.size("a").await, two.size("a").await), (None, None));
    }
    assert_eq!(bed.loads().await, 1);
    bed.write(&two, "a", 1).await;
    assert_eq!(
        (one.size("a").await, two.size("a").await),
        (Some(1), Some(1))
    );
    bed.end().await;
}

#[tokio::test]
async fn a_failing_load_runs_once_and_the_next_read_loads_again() {
    let bed = Bed::new().await;
    let one = bed.process().await;
    bed.set("a", 1).await;
    bed.run("update told set fails = true").await;
    one.cache
        .get(&THINGS, &"a".to_owned())
        .await
        .expect_err("it fails");
    assert_eq!(bed.loads().await, 1);
    bed.run("update told set fails = false").await;
    let began = Instant::now();
    assert_eq!(one.size("a").await, Some(1));
    assert!(
        began.elapsed() < Duration::from_millis(400),
        "nobody holds the right to load"
    );
    assert_eq!((bed.loads().await, one.figures().failed_loads), (2, 1));
    bed.end().await;
}

#[tokio::test]
async fn when_redis_takes_no_writes_a_load_is_answered_at_once_and_once() {
    let redis = OwnRedis::start().await;
    let bed = Bed::at(&redis).await;
    let one = bed.process().await;
    bed.set("a", 1).await;
    bed.set("b", 2).await;
    // Stamps and leases are refused too.
    let mut conn = bed.redis().await;
    let full: redis::RedisResult<()> = redis::cmd("CONFIG")
        .arg(&["SET", "maxmemory-policy", "noeviction", "maxmemory", "1"])
        .exec_async(&mut conn)
        .await;
    full.unwrap();
    let began = Instant::now();
    assert_eq!(one.size("a").await, Some(1));
    assert!(
        began.elapsed() < Duration::from_millis(300),
        "{:?}",
        began.elapsed()
    );
    assert_eq!((bed.loads().await, one.figures().loads), (1, 1));
    // Room again, and full while the loader runs: the store alone is refused.
    let room = async |bytes: &str, conn: &mut redis::aio::MultiplexedConnection| {
        let set = redis::cmd("CONFIG")
            .arg(&["SET", "maxmemory", bytes])
            .exec_async(conn)
            .await;
        set.unwrap();
    };
    room("0", &mut conn).await;
    let gate = bed.gate().await;
    let reader = one.start_reading("b");
    bed.held(1).await;
    room("1", &mut conn).await;
    gate.open().await;
    assert_eq!(reader.await.unwrap(), Some(2));
    assert_eq!(bed.loads().await, 2);
    room("0", &mut conn).await;
    bed.end().await;
}

#[tokio::test]
async fn a_loader_that_asks_the_cache_gets_an_error_and_nobody_hangs() {
    static ASKING: Things = Space {
        load: |_, _| Box::pin(async { ask_again().await }),
        ..things("asking", LASTING)
    };
    static CACHE: std::sync::OnceLock<kith::infra::cache::Cache> = std::sync::OnceLock::new();
    async fn ask_again() -> Result<Vec<(String, Thing)>> {
        let cache = CACHE.get().expect("set below");
        cache.get(&ASKING, &"a".to_owned()).await?;
        Ok(Vec::new())
    }
    let bed = Bed::new().await;
    let one = bed.process_with(Setup::of([&ASKING])).await;
    assert!(CACHE.set(one.cache.clone()).is_ok());
    let name = "a".to_owned();
    let asked = one.cache.get(&ASKING, &name);
    let asked = tokio::time::timeout(Duration::from_secs(1), asked).await;
    let error = asked.expect("no hanging").expect_err("an error");
    assert_eq!(error.code(), Code::Internal);
    bed.end().await;
}

#[tokio::test]
async fn a_loader_that_panics_is_an_error_and_leaves_the_way_free() {
    static PANICKING: Space<String, Thing> = Space {
        name: "panicking",
        version: 1,
        kind: Kind::Exact,
        policy: LASTING,
        tags: |name| smallvec![format!("thing:{name}")],
        tables: &["thing"],
        load: panic_once,
        walk: None,
    };
    static FIRST: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(true);
    fn panic_once<'a>(
        _: &'a mut Conn,
        names: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<(String, Thing)>>> {
        Box::pin(async move {
            let first = FIRST.swap(false, std::sync::atomic::Ordering::SeqCst);
            assert!(!first, "as planned");
            Ok(names.iter().map(|name| (name.clone(), thing(1))).collect())
        })
    }
    let bed = Bed::new().await;
    let one = bed.process_with(Setup::of([&PANICKING])).await;
    one.cache
        .get(&PANICKING, &"a".to_owned())
        .await
        .expect_err("an error");
    assert_eq!(one.size_in(&PANICKING, "a").await, Some(1));
    bed.end().await;
}

#[tokio::test]
async fn loads_beyond_the_bound_wait_for_their_turn_and_are_then_refused() {
    let bed = Bed::new().await;
    let setup = Setup {
        concurrent_loads: 2,
        ..Setup::default()
    };
    let one = bed.process_with(setup).await;
    for name in ["a", "b", "c", "d"] {
        bed.set(name, 1).await;
    }
    let gate = bed.gate().await;
    let running = [one.start_reading("a"), one.start_reading("b")];
    bed.held(2).await;
    let name = "c".to_owned();
    let refused = one.cache.get(&THINGS, &name).await.expect_err("no room");
    assert_eq!(
        (refused.code(), refused.retry_after()),
        (Code::Unavailable, Some(1))
    );
    let waiting = one.start_reading("d");
    gate.open().await;
    for reader in running.into_iter().chain([waiting]) {
        assert_eq!(reader.await.unwrap(), Some(1));
    }
    assert_eq!(bed.loads().await, 3);
    bed.end().await;
}

#[tokio::test]
async fn a_rate_of_hits_is_by_entries_and_by_reads() {
    let bed = Bed::new().await;
    let one = bed.process().await;
    bed.set("a", 1).await;
    for _ in 0..3 {
        one.size("a").await;
    }
    let both = tags(["a", "b"]);
    one.cache.get_many(&THINGS, &both).await.unwrap();
    let figures = one.figures();
    assert_eq!(
        (figures.l1_hits, figures.l2_hits, figures.misses),
        (3, 0, 2)
    );
    assert_eq!((figures.requests, figures.full_requests), (4, 2));
    assert_eq!(figures.hit_rate(1), Some(0.6));
    assert_eq!(figures.request_hit_rate(1), Some(0.5));
    bed.end().await;
}
