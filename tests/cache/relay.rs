//! Voids reach everybody, whoever caused them and whatever became of them.

use kith::infra::cache::store;
use sqlx::PgConnection;

use crate::bed::{Bed, Setup, within_a_second};
use crate::things::THINGS;

fn relaying() -> Setup {
    Setup {
        relays: true,
        ..Setup::default()
    }
}

const WAITING: &str = "select count(*) from cache_void";

#[tokio::test]
async fn a_row_changed_by_plain_sql_reaches_an_idle_process_within_a_second() {
    let bed = Bed::new().await;
    let _relaying = bed.process_with(relaying()).await;
    let idle = bed.process_with(relaying()).await;
    bed.set("a", 1).await;
    within_a_second("the first is told", async || bed.count(WAITING).await == 0).await;
    assert_eq!(idle.size("a").await, Some(1));
    bed.run("update thing set size = 2").await;
    // No step of its own: it reads what it has, as an idle process would.
    within_a_second("the new one is read", async || {
        let found = idle.cache.get(&THINGS, &"a".to_owned()).await;
        found.unwrap().unwrap().size == 2
    })
    .await;
    bed.end().await;
}

#[tokio::test]
async fn a_process_delivers_its_own_voids_and_the_rows_go() {
    let bed = Bed::new().await;
    let one = bed.process_with(relaying()).await;
    let two = bed.process().await;
    bed.set("a", 1).await;
    within_a_second("relayed", async || bed.count(WAITING).await == 0).await;
    assert_eq!(two.size("a").await, Some(1));
    bed.write(&one, "a", 2).await;
    assert_eq!(
        two.size("a").await,
        Some(2),
        "told before the write was answered"
    );
    within_a_second("deleted", async || bed.count(WAITING).await == 0).await;
    bed.end().await;
}

#[tokio::test]
async fn a_void_whose_writer_died_is_delivered_by_another_process() {
    let bed = Bed::new().await;
    let reader = bed.process().await;
    bed.set("a", 1).await;
    assert_eq!(reader.size("a").await, Some(1));
    // Committed, and never delivered.
    let mut transaction = bed.gathering().await;
    sqlx::query("update thing set size = 2")
        .execute(&mut *transaction)
        .await
        .unwrap();
    let left = store::leave_gathered(&mut transaction).await.unwrap();
    let (_, mut tags) = left.expect("a void");
    // As it was and as it is.
    tags.dedup();
    assert_eq!(tags, ["thing:a"]);
    transaction.commit().await.unwrap();
    let _relaying = bed.process_with(relaying()).await;
    within_a_second("read", async || reader.size("a").await == Some(2)).await;
    within_a_second("deleted", async || bed.count(WAITING).await == 0).await;
    bed.end().await;
}

#[tokio::test]
async fn a_process_that_finds_redis_delivers_what_waits_before_it_reads() {
    let bed = Bed::new().await;
    let reader = bed.process().await;
    bed.set("a", 1).await;
    assert_eq!(reader.size("a").await, Some(1));
    bed.run("update thing set size = 2").await;
    // No relay anywhere: making its connection ready is enough.
    let _newcomer = bed.process().await;
    assert_eq!(reader.size("a").await, Some(2));
    bed.end().await;
}

/// The tags of all rows, a line a row.
const LEFT: &str = "select string_agg(array_to_string(tags, ' '), E'\\n' order by cache_void_id)
                    from cache_void";

#[tokio::test]
async fn a_transaction_that_gathers_leaves_one_row_at_its_end() {
    let bed = Bed::new().await;
    let mut transaction = bed.gathering().await;
    let change = async |transaction: &mut PgConnection, sql: &'static str| {
        sqlx::raw_sql(sql).execute(transaction).await.unwrap();
    };
    change(&mut transaction, "insert into thing values ('a', 1)").await;
    change(&mut transaction, "savepoint undone").await;
    change(&mut transaction, "insert into thing values ('b', 1)").await;
    change(&mut transaction, "rollback to savepoint undone").await;
    change(&mut transaction, "update thing set size = 3 where false").await;
    change(&mut transaction, "insert into thing values ('c', 1)").await;
    let (_, tags) = (store::leave_gathered(&mut transaction).await.unwrap()).expect("a void");
    assert_eq!(tags, ["thing:a", "thing:c"]);
    change(&mut transaction, "insert into thing values ('late', 1)").await;
    transaction.commit().await.unwrap();
    assert_eq!(bed.text(LEFT).await, "thing:a thing:c\nthing:late");

    bed.run("delete from cache_void").await;
    let mut transaction = bed.gathering().await;
    let nothing = store::leave_gathered(&mut transaction).await.unwrap();
    assert_eq!(nothing, None, "what one has gathered ends with it");
    transaction.commit().await.unwrap();
    bed.end().await;
}

#[tokio::test]
async fn a_transaction_that_does_not_gather_leaves_a_row_a_statement() {
    let bed = Bed::new().await;
    let both = "begin; insert into thing values ('a', 1), ('b', 1); delete from thing where name = 'b'; commit";
    bed.run(both).await;
    assert_eq!(bed.text(LEFT).await, "thing:a thing:b\nthing:b");
    bed.end().await;
}
