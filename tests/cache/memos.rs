//! Values that are derived from entries end with any of them.

use std::sync::Arc;
use std::time::Duration;

use kith::infra::cache::{Memo, Missed, Mode, with_doubt};
use redis::Pipeline;

use crate::bed::{Bed, Process, Setup, tags};
use crate::things::{Thing, thing};

static SUMS: Memo<String, Thing> = Memo::new(1, Duration::from_mins(10));

/// What a sum is made from.
const PARTS: [&str; 3] = ["thing:a", "thing:b", "space:things"];

fn name() -> String {
    "sum".to_owned()
}

impl Process {
    fn sum(&self) -> Option<i64> {
        self.cache.recall(&SUMS, &name()).map(|sum| sum.size)
    }

    /// As a reader does it who lost no time in between.
    fn keep_sum(&self, size: i64) {
        let moment = self.cache.moment();
        let sum = Arc::new(thing(size));
        self.cache
            .remember(&SUMS, &name(), moment, &tags(PARTS), sum);
    }
}

#[tokio::test]
async fn a_void_of_any_of_its_tags_ends_a_memo_and_no_other_void_does() {
    let bed = Bed::new().await;
    let (one, two) = (bed.process().await, bed.process().await);
    for tag in PARTS {
        for writer in [&one, &two] {
            one.keep_sum(1);
            assert!(writer.cache.void(&tags(["thing:c", "space:others"])).await);
            one.cache.step().await;
            assert_eq!(one.sum(), Some(1), "another's void");
            assert!(writer.cache.void(&tags([tag])).await);
            one.cache.step().await;
            assert_eq!(one.sum(), None, "{tag}");
        }
    }
    bed.end().await;
}

#[tokio::test]
async fn a_void_between_the_moment_and_the_memo_ends_it() {
    let bed = Bed::new().await;
    let (one, two) = (bed.process().await, bed.process().await);
    for (writer, knows) in [(&one, false), (&two, true), (&two, false)] {
        one.cache.step().await;
        let moment = one.cache.moment();
        assert!(writer.cache.void(&tags(["thing:a"])).await);
        if knows {
            one.cache.step().await;
        }
        let old = Arc::new(thing(1));
        one.cache
            .remember(&SUMS, &name(), moment, &tags(PARTS), old);
        one.cache.step().await;
        assert_eq!(one.sum(), None);
    }
    one.keep_sum(2);
    assert_eq!(one.sum(), Some(2));
    bed.end().await;
}

#[tokio::test]
async fn no_memo_outlives_its_epoch_though_it_is_kept_late() {
    let bed = Bed::new().await;
    let one = bed.process().await;
    one.keep_sum(1);
    let moment = one.cache.moment();
    let step = one.cache.ask_step(&mut Pipeline::new()).unwrap();
    let missed = Missed {
        epoch: "1000000".to_owned(),
        sequence: 0,
        rows: Vec::new(),
    };
    one.cache.apply_step(&step, &missed);
    assert_eq!(one.sum(), None);
    let old = Arc::new(thing(1));
    one.cache
        .remember(&SUMS, &name(), moment, &tags(PARTS), old);
    assert_eq!(one.sum(), None, "made from what was read before");
    one.keep_sum(2);
    assert_eq!(one.sum(), Some(2));
    bed.end().await;
}

#[tokio::test]
async fn no_memo_is_believed_while_voids_may_be_missed() {
    let bed = Bed::new().await;
    let one = bed.process().await;
    one.keep_sum(1);
    assert_eq!(with_doubt(true, async { one.sum() }).await, None);
    assert_eq!(with_doubt(false, async { one.sum() }).await, Some(1));
    one.cache.miss_step();
    assert_eq!(one.sum(), None, "a step without an answer");
    one.cache.step().await;
    assert_eq!(one.sum(), Some(1), "the next one had one");
    let before = one.cache.moment();
    one.cache.redis().reconnect();
    while one.cache.moment() == before {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(one.sum(), None);
    one.is_up().await;
    assert_eq!(one.sum(), None, "what was missed meanwhile is not known");
    // A process that has no Redis at all.
    let alone = bed.cache(Setup::default());
    let (moment, sum) = (alone.moment(), Arc::new(thing(1)));
    alone.remember(&SUMS, &name(), moment, &tags(PARTS), sum);
    assert!(alone.recall(&SUMS, &name()).is_none());
    bed.end().await;
}

#[tokio::test]
async fn a_memo_lives_as_long_as_its_family_says_and_not_without_a_cache() {
    static SHORT: Memo<String, Thing> = Memo::new(2, Duration::from_millis(200));
    let bed = Bed::new().await;
    let keep = |process: &Process| {
        let (moment, sum) = (process.cache.moment(), Arc::new(thing(1)));
        let cache = &process.cache;
        cache.remember(&SHORT, &name(), moment, &tags(PARTS), sum);
        cache.recall(&SHORT, &name()).is_some()
    };
    for (mode, is_kept) in [(Mode::On, true), (Mode::Local, true), (Mode::Off, false)] {
        let setup = Setup {
            mode,
            ..Setup::default()
        };
        let one = bed.process_with(setup).await;
        assert_eq!(keep(&one), is_kept, "{mode:?}");
        assert_eq!(one.sum(), None, "a family knows nothing of another");
        tokio::time::sleep(Duration::from_millis(220)).await;
        assert!(one.cache.recall(&SHORT, &name()).is_none());
    }
    bed.end().await;
}
