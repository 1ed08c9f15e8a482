//! What is void is never believed, however reads and voids interleave.

use redis::Pipeline;

use kith::infra::cache::Missed;

use crate::bed::{Bed, Setup, tags};
use crate::things::{LASTING, THINGS, Things, thing, things};

#[tokio::test]
async fn a_load_that_began_before_a_void_and_ended_after_it_stores_nothing_that_counts() {
    let bed = Bed::new().await;
    let (one, two) = (bed.process().await, bed.process().await);
    bed.set("a", 1).await;
    let gate = bed.gate().await;
    let late = one.start_reading("a");
    bed.held(1).await;
    bed.write(&two, "a", 2).await;
    gate.open().await;
    assert_eq!(late.await.unwrap(), Some(1), "it began before the write");
    assert_eq!(one.size("a").await, Some(2), "the same process");
    assert_eq!(two.size("a").await, Some(2), "the other one");
    bed.end().await;
}

#[tokio::test]
async fn a_refresh_that_began_before_a_void_stores_nothing_that_counts() {
    static OLD_AT_ONCE: Things = crate::rules::stale_at_once("old-at-once");
    let bed = Bed::new().await;
    let one = bed.process_with(Setup::of([&OLD_AT_ONCE])).await;
    let two = bed.process_with(Setup::of([&OLD_AT_ONCE])).await;
    bed.set("a", 1).await;
    assert_eq!(one.size_in(&OLD_AT_ONCE, "a").await, Some(1));
    let gate = bed.gate().await;
    assert_eq!(one.size_in(&OLD_AT_ONCE, "a").await, Some(1));
    bed.held(1).await;
    bed.write(&two, "a", 2).await;
    gate.open().await;
    assert_eq!(one.size_in(&OLD_AT_ONCE, "a").await, Some(2));
    assert_eq!(two.size_in(&OLD_AT_ONCE, "a").await, Some(2));
    bed.end().await;
}

#[tokio::test]
async fn what_is_put_with_a_ticket_from_before_a_void_does_not_count() {
    let bed = Bed::new().await;
    let (one, two) = (bed.process().await, bed.process().await);
    bed.set("session", 1).await;
    let ticket = one.cache.ticket(&THINGS, &["session".to_owned()]).await;
    bed.run("delete from thing").await;
    two.cache.void(&tags(["thing:session"])).await;
    one.cache.put(&THINGS, ticket, thing(1)).await;
    assert_eq!(two.size("session").await, None, "revoked elsewhere");
    assert_eq!(one.size("session").await, None, "and here");
    bed.end().await;
}

#[tokio::test]
async fn a_request_after_a_void_does_not_join_a_load_from_before_it() {
    let bed = Bed::new().await;
    let (one, two) = (bed.process().await, bed.process().await);
    bed.set("a", 1).await;
    let gate = bed.gate().await;
    let before = one.start_reading("a");
    bed.held(1).await;
    let joins = one.start_reading("a");
    bed.write(&two, "a", 2).await;
    let after = one.start_reading("a");
    bed.held(2).await;
    gate.open().await;
    assert_eq!(before.await.unwrap(), Some(1));
    // It has begun before the void, and may look after it.
    assert!(matches!(joins.await.unwrap(), Some(1 | 2)));
    assert_eq!(after.await.unwrap(), Some(2));
    assert_eq!(bed.loads().await, 2);
    bed.end().await;
}

#[tokio::test]
async fn an_entry_read_from_redis_before_a_void_and_stored_after_it_is_not_believed() {
    let bed = Bed::new().await;
    let (one, two) = (bed.process().await, bed.process().await);
    bed.set("a", 1).await;
    assert_eq!(two.size("a").await, Some(1));
    let mut pipe = Pipeline::new();
    let asked = one.cache.ask(&THINGS, &"a".to_owned(), &mut pipe).unwrap();
    let (reply,): (redis::Value,) = one.cache.redis().query(&pipe).await.unwrap();
    bed.write(&two, "a", 2).await;
    one.cache.step().await;
    one.cache.take(&asked, reply);
    assert_eq!(one.size("a").await, Some(2));
    bed.end().await;
}

#[tokio::test]
async fn an_entry_whose_stamp_was_evicted_is_void() {
    let bed = Bed::new().await;
    let (one, two) = (bed.process().await, bed.process().await);
    bed.set("a", 1).await;
    assert_eq!(one.size("a").await, Some(1));
    bed.run("update thing set size = 2").await;
    bed.delete(&bed.key(&one, "tag:thing:a")).await;
    assert_eq!(two.size("a").await, Some(2));
    assert_eq!(two.figures().void_met, 1);
    bed.end().await;
}

/// Only what was stored under a stamp that is gone has to go with it, and the process has not lost its own.
#[tokio::test]
async fn a_stamp_that_is_made_anew_ends_no_entry_of_another_process() {
    let bed = Bed::new().await;
    let (one, two) = (bed.process().await, bed.process().await);
    bed.set("a", 1).await;
    assert_eq!(one.size("a").await, Some(1));
    for gone in ["tag:thing:a", "tag:space:things"] {
        bed.delete(&bed.key(&one, gone)).await;
        // Whoever connects later voids nothing.
        bed.run("delete from cache_void").await;
        let fresh = bed.process().await;
        let before = (bed.loads().await, one.figures().l1_hits);
        assert_eq!(fresh.size("a").await, Some(1));
        assert_eq!(bed.loads().await, before.0 + 1, "void where it is shared");
        assert_eq!(one.size("a").await, Some(1));
        assert_eq!(one.figures().l1_hits, before.1 + 1, "{gone}");
        assert_eq!(bed.loads().await, before.0 + 1);
    }
    // Those stamps are new, and say what is void from now on.
    bed.write(&two, "a", 2).await;
    assert_eq!(one.size("a").await, Some(2));
    bed.end().await;
}

#[tokio::test]
async fn one_void_reaches_every_version_of_a_space() {
    static NEXT: Things = Things {
        version: 2,
        ..things("things", LASTING)
    };
    let bed = Bed::new().await;
    let old = bed.process().await;
    let new = bed.process_with(Setup::of([&NEXT])).await;
    let third = bed.process_with(Setup::of([&NEXT])).await;
    bed.set("a", 1).await;
    assert_eq!(old.size("a").await, Some(1));
    assert_eq!(new.size_in(&NEXT, "a").await, Some(1));
    assert_eq!(bed.loads().await, 2, "neither reads what the other stored");
    bed.write(&third, "a", 2).await;
    assert_eq!(old.size("a").await, Some(2));
    assert_eq!(new.size_in(&NEXT, "a").await, Some(2));
    let fourth = bed.process().await;
    assert_eq!(
        fourth.size("a").await,
        Some(2),
        "what Redis has of version 1"
    );
    bed.end().await;
}

#[tokio::test]
async fn the_tag_of_a_space_voids_all_that_it_has() {
    let bed = Bed::new().await;
    let (one, two) = (bed.process().await, bed.process().await);
    for name in ["a", "b"] {
        bed.set(name, 1).await;
        assert_eq!(one.size(name).await, Some(1));
    }
    bed.run("set kith.bulk = on; update thing set size = 2; reset kith.bulk")
        .await;
    two.cache.void(&tags(["space:things"])).await;
    for name in ["a", "b"] {
        assert_eq!(one.size(name).await, Some(2));
        assert_eq!(two.size(name).await, Some(2));
    }
    bed.end().await;
}

#[tokio::test]
async fn a_lost_state_begins_another_epoch_and_nothing_old_is_believed() {
    let bed = Bed::new().await;
    let (one, two) = (bed.process().await, bed.process().await);
    bed.set("a", 1).await;
    assert_eq!(one.size("a").await, Some(1));
    let epoch = one.cache.epoch();
    bed.delete(&bed.bookkeeping("state")).await;
    bed.write(&two, "a", 2).await;
    assert_eq!(one.size("a").await, Some(2), "at once");
    one.is_up().await;
    two.is_up().await;
    assert_eq!(
        one.size("a").await,
        Some(2),
        "and when Redis takes part again"
    );
    assert_eq!(two.size("a").await, Some(2));
    assert!(one.cache.epoch() > epoch);
    bed.end().await;
}

#[tokio::test]
async fn a_lost_stream_is_a_gap() {
    let bed = Bed::new().await;
    let (one, two) = (bed.process().await, bed.process().await);
    bed.set("a", 1).await;
    assert_eq!(one.size("a").await, Some(1));
    bed.write(&two, "a", 2).await;
    let epoch = one.cache.epoch().unwrap();
    bed.delete(&bed.bookkeeping(&format!("voids:{epoch}")))
        .await;
    assert_eq!(one.size("a").await, Some(2));
    bed.end().await;
}

#[tokio::test]
async fn a_process_that_missed_256_voids_learns_them_and_one_more_empties_it() {
    for (missed, kept) in [(256, 1), (257, 0)] {
        let bed = Bed::new().await;
        let (one, two) = (bed.process().await, bed.process().await);
        bed.set("a", 1).await;
        assert_eq!(one.size("a").await, Some(1));
        for number in 0..missed {
            assert!(two.cache.void(&[format!("other:{}", number % 2)]).await);
        }
        assert_eq!(one.size("a").await, Some(1));
        let figures = one.figures();
        assert_eq!((figures.l1_hits, figures.l2_hits), (kept, 1 - kept));
        bed.end().await;
    }
}

#[tokio::test]
async fn another_epoch_empties_the_process() {
    let bed = Bed::new().await;
    let one = bed.process().await;
    bed.set("a", 1).await;
    assert_eq!(one.size("a").await, Some(1));
    let mut pipe = Pipeline::new();
    let step = one.cache.ask_step(&mut pipe).unwrap();
    let missed = Missed {
        epoch: "1000000".to_owned(),
        sequence: 0,
        rows: Vec::new(),
    };
    one.cache.apply_step(&step, &missed);
    assert_eq!(one.cache.epoch(), Some(1_000_000));
    let found = one.cache.get(&THINGS, &"a".to_owned()).await.unwrap();
    assert_eq!(found.unwrap().size, 1);
    assert_eq!(
        bed.loads().await,
        2,
        "neither the process nor Redis has it under this one"
    );
    bed.end().await;
}

#[tokio::test]
async fn a_void_while_a_connection_is_made_ready_hides_no_void_of_others() {
    let bed = Bed::new().await;
    let (one, two) = (bed.process().await, bed.process().await);
    bed.set("a", 1).await;
    // Nothing waits that the new connection would void on its own.
    bed.run("delete from cache_void").await;
    // Making ready is held where it asks for waiting voids: the position is known, nobody has the
    // connection yet.
    let mut hold = bed.db.begin().await.unwrap();
    sqlx::query("lock table cache_void")
        .execute(&mut *hold)
        .await
        .unwrap();
    let before = one.cache.moment();
    one.cache.redis().reconnect();
    one.is_down().await;
    // One ledger when the connection goes, another when it comes.
    let mut ledgers = vec![before];
    while ledgers.len() < 3 {
        let now = one.cache.moment();
        if !ledgers.contains(&now) {
            ledgers.push(now);
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(
        one.size("a").await,
        Some(1),
        "stored by a process on its own"
    );
    assert!(!one.cache.void(&tags(["other"])).await);
    hold.rollback().await.unwrap();
    one.is_up().await;
    bed.run("set kith.bulk = on; update thing set size = 2; reset kith.bulk")
        .await;
    assert!(two.cache.void(&tags(["thing:a"])).await);
    assert_eq!(one.size("a").await, Some(2));
    bed.end().await;
}

#[tokio::test]
async fn a_step_without_an_answer_is_no_reason_to_believe_the_process() {
    static DECIDING: Things = things("deciding", LASTING.deciding());
    let bed = Bed::new().await;
    let one = bed.process_with(Setup::of([&DECIDING])).await;
    let two = bed.process_with(Setup::of([&DECIDING])).await;
    bed.set("a", 1).await;
    assert_eq!(one.size_in(&DECIDING, "a").await, Some(1));
    let mut pipe = Pipeline::new();
    let _asked = one.cache.ask_step(&mut pipe).unwrap();
    bed.write(&two, "a", 2).await;
    one.cache.miss_step();
    let found = one.cache.get(&DECIDING, &"a".to_owned()).await.unwrap();
    assert_eq!(found.unwrap().size, 2);
    bed.end().await;
}
