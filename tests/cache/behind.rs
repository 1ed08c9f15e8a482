//! Warming behind whoever asks for it.

use crate::bed::{Bed, within_a_second};
use crate::things::THINGS;

#[tokio::test]
async fn what_is_to_be_warmed_while_a_load_runs_is_loaded_together() {
    let bed = Bed::new().await;
    let one = bed.process().await;
    for name in ["a", "b", "c", "d"] {
        bed.set(name, 1).await;
    }
    let gate = bed.gate().await;
    one.cache.warm_behind(&THINGS, "a".to_owned());
    bed.held(1).await;
    for name in ["b", "c", "d", "b", "a"] {
        one.cache.warm_behind(&THINGS, name.to_owned());
    }
    gate.open().await;
    within_a_second("all are loaded", async || bed.loads().await == 2).await;
    let before = one.figures();
    for name in ["a", "b", "c", "d"] {
        assert_eq!(one.size(name).await, Some(1));
    }
    assert_eq!(bed.loads().await, 2, "by those who were told of them alone");
    assert_eq!(one.figures().l1_hits, before.l1_hits + 4);
    bed.end().await;
}

#[tokio::test]
async fn a_load_that_fails_is_not_the_last_that_is_warmed() {
    let bed = Bed::new().await;
    let one = bed.process().await;
    bed.set("a", 1).await;
    bed.run("update told set fails = true").await;
    one.cache.warm_behind(&THINGS, "a".to_owned());
    within_a_second("it has failed", async || one.figures().failed_loads > 0).await;
    bed.run("update told set fails = false").await;
    within_a_second("it is warm", async || {
        one.cache.warm_behind(&THINGS, "a".to_owned());
        bed.loads().await > 0
    })
    .await;
    assert_eq!(one.size("a").await, Some(1));
    bed.end().await;
}

#[tokio::test]
async fn a_space_can_be_warmed_again_and_again() {
    let bed = Bed::new().await;
    let one = bed.process().await;
    for (number, name) in (1..).zip(["a", "b", "c"]) {
        bed.set(name, 1).await;
        one.cache.warm_behind(&THINGS, name.to_owned());
        within_a_second(name, async || bed.loads().await == number).await;
    }
    bed.end().await;
}
