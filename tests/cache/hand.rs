//! Entries put, looked at and taken away by hand.

use std::time::Duration;

use kith::infra::cache::Policy;

use crate::bed::{Bed, Setup};
use crate::redis_server::OwnRedis;
use crate::things::{LASTING, THINGS, Things, thing, things};

fn names<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).into()
}

#[tokio::test]
async fn what_is_put_is_read_everywhere_without_a_load() {
    let bed = Bed::new().await;
    let (one, two) = (bed.process().await, bed.process().await);
    let ticket = one.cache.ticket(&THINGS, &names(["a", "b", "c"])).await;
    let values = vec![Some(thing(1)), None, Some(thing(3))];
    assert!(one.cache.put_many(&THINGS, ticket, values).await);
    for process in [&one, &two] {
        assert_eq!(process.size("a").await, Some(1));
        assert_eq!(
            process.size("b").await,
            None,
            "it is known that there is none"
        );
        assert_eq!(process.size("c").await, Some(3));
    }
    assert_eq!(bed.loads().await, 0);
    bed.end().await;
}

#[tokio::test]
async fn many_are_put_with_their_lifetimes_in_one_step_or_not_at_all() {
    let redis = OwnRedis::start().await;
    let bed = Bed::at(&redis).await;
    let one = bed.process().await;
    let mut conn = bed.redis().await;
    let ticket = one.cache.ticket(&THINGS, &names(["a", "b"])).await;
    let mut reset = redis::cmd("CONFIG");
    reset.arg("RESETSTAT");
    reset.exec_async(&mut conn).await.unwrap();
    let values = vec![Some(thing(1)), Some(thing(2))];
    assert!(one.cache.put_many(&THINGS, ticket, values).await);
    let mut info = redis::cmd("INFO");
    info.arg("commandstats");
    let ran: String = info.query_async(&mut conn).await.unwrap();
    let calls = |command: &str| {
        let line = ran.lines().find_map(|line| {
            let line = line.strip_prefix(&format!("cmdstat_{command}:calls="))?;
            line.split(',').next()
        });
        line.unwrap_or("0").to_owned()
    };
    assert_eq!(
        (calls("multi"), calls("exec"), calls("set")),
        ("1".into(), "1".into(), "2".into())
    );
    bed.end().await;
}

#[tokio::test]
async fn an_entry_can_be_looked_for_lengthened_and_removed() {
    let bed = Bed::new().await;
    let (one, two) = (bed.process().await, bed.process().await);
    let name = "a".to_owned();
    assert!(!one.cache.exists(&THINGS, &name).await);
    assert_eq!(one.cache.time_left(&THINGS, &name).await, None);
    assert!(
        !one.cache
            .extend(&THINGS, &name, Duration::from_secs(5))
            .await,
        "nothing to lengthen"
    );
    bed.set("a", 1).await;
    assert_eq!(one.size("a").await, Some(1));
    assert!(two.cache.exists(&THINGS, &name).await);
    let left = two.cache.time_left(&THINGS, &name).await.unwrap();
    assert!(
        left <= THINGS.policy.keep && left > THINGS.policy.keep / 2,
        "{left:?}"
    );
    let longer = THINGS.policy.keep * 3;
    assert!(two.cache.extend(&THINGS, &name, longer).await);
    let left = one.cache.time_left(&THINGS, &name).await.unwrap();
    assert!(left > THINGS.policy.keep * 2 && left <= longer, "{left:?}");
    let stamp: i64 = redis::cmd("PTTL")
        .arg(bed.key(&one, "tag:thing:a"))
        .query_async(&mut bed.redis().await)
        .await
        .unwrap();
    assert!(
        i128::from(stamp) >= i128::try_from(longer.as_millis()).unwrap(),
        "its stamps stay"
    );
    two.cache.remove(&THINGS, &name).await;
    one.cache.step().await;
    for process in [&one, &two] {
        assert!(!process.cache.exists(&THINGS, &name).await);
    }
    assert_eq!((one.size("a").await, bed.loads().await), (Some(1), 2));
    bed.end().await;
}

#[tokio::test]
async fn the_process_has_an_entry_too_when_redis_lost_it() {
    let bed = Bed::new().await;
    let one = bed.process().await;
    bed.set("a", 1).await;
    one.size("a").await;
    bed.delete(&bed.key(&one, "things:v1:a")).await;
    assert!(one.cache.exists(&THINGS, &"a".to_owned()).await);
    bed.end().await;
}

#[tokio::test]
async fn a_put_that_is_too_large_leaves_no_old_value_readable() {
    static SMALL: Things = things(
        "small",
        Policy {
            max_bytes: 32,
            ..LASTING
        },
    );
    let bed = Bed::new().await;
    let one = bed.process_with(Setup::of([&SMALL])).await;
    let two = bed.process_with(Setup::of([&SMALL])).await;
    bed.set("a", 1).await;
    assert_eq!(two.size_in(&SMALL, "a").await, Some(1));
    bed.run("set kith.bulk = on; update thing set size = 2; reset kith.bulk")
        .await;
    let ticket = one.cache.ticket(&SMALL, &names(["a"])).await;
    let mut large = thing(2);
    large.padding = "x".repeat(64);
    assert!(!one.cache.put(&SMALL, ticket, large).await);
    assert_eq!(two.size_in(&SMALL, "a").await, Some(2));
    bed.end().await;
}

#[tokio::test]
async fn a_put_is_stored_at_once_where_loads_must_be_frequent() {
    static ADMITTED: Things = things(
        "admitted",
        Policy {
            admit_after: 9,
            ..LASTING
        },
    );
    let bed = Bed::new().await;
    let one = bed.process_with(Setup::of([&ADMITTED])).await;
    let two = bed.process_with(Setup::of([&ADMITTED])).await;
    let ticket = one.cache.ticket(&ADMITTED, &names(["a"])).await;
    assert!(one.cache.put(&ADMITTED, ticket, thing(1)).await);
    assert_eq!(two.size_in(&ADMITTED, "a").await, Some(1));
    assert_eq!(bed.loads().await, 0);
    bed.end().await;
}

#[tokio::test]
async fn a_put_that_redis_does_not_get_leaves_no_old_value_readable() {
    for held_at in ["the ticket", "the put"] {
        let redis = OwnRedis::start().await;
        let bed = Bed::at(&redis).await;
        let (one, two) = (bed.process().await, bed.process().await);
        bed.set("a", 1).await;
        assert_eq!(two.size("a").await, Some(1));
        bed.run("set kith.bulk = on; update thing set size = 2; reset kith.bulk")
            .await;
        if held_at == "the ticket" {
            redis.hold();
        }
        let ticket = one.cache.ticket(&THINGS, &names(["a"])).await;
        redis.hold();
        assert!(!one.cache.put(&THINGS, ticket, thing(2)).await);
        redis.go_on();
        one.is_up().await;
        two.is_up().await;
        assert_eq!(one.size("a").await, Some(2), "held at {held_at}");
        assert_eq!(two.size("a").await, Some(2), "held at {held_at}");
        bed.end().await;
    }
}
