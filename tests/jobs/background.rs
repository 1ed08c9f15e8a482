//! A runner in the background with more to do than it has hands.

use std::time::Duration;

use kith::infra::jobs::{HANDS, Registry, Runner};
use kith::kernel::Clock as _;
use kith::kernel::clock::SystemClock;
use sqlx::PgPool;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use std::sync::Arc;

use super::support::{Count, put, rows, with_database};

/// Counts the statements that change the table.
const COUNTED: &str = "
    create sequence statements;
    create function count_statement() returns trigger language plpgsql as $$
        begin perform nextval('statements'); return null; end
    $$;
    create trigger counted after update or delete on job execute function count_statement();
";

async fn put_many(pool: &PgPool, name: &'static str, many: usize) {
    let mut tx = pool.begin().await.unwrap();
    for _ in 0..many {
        put(&mut tx, name, SystemClock.now()).await;
    }
    tx.commit().await.unwrap();
}

struct Running {
    stop: CancellationToken,
    tracker: TaskTracker,
    wake: Arc<Notify>,
}

impl Running {
    fn start(pool: &PgPool, registry: Registry<Count>, count: &Count) -> Self {
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let wake = Arc::new(Notify::new());
        let runner = Runner::new(pool.clone(), registry, count.clone(), Arc::new(SystemClock));
        runner.start(Arc::clone(&wake), stop.clone(), &tracker);
        Self {
            stop,
            tracker,
            wake,
        }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    for _ in 0..1_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

#[tokio::test]
async fn many_jobs_take_few_statements() {
    const MANY: usize = 320;
    with_database(|pool| async move {
        let count = Count::default();
        let registry = Registry::new().on("quick", 3, |count: Count, _| async move {
            count.add();
            Ok(())
        });
        put_many(&pool, "quick", MANY).await;
        sqlx::raw_sql(COUNTED).execute(&pool).await.unwrap();
        let running = Running::start(&pool, registry, &count);
        until("all are done", async || rows(&pool).await == 0).await;
        running.stop().await;
        assert_eq!(count.get(), MANY, "each once");
        let statements: i64 = sqlx::query_scalar("select last_value from statements")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert!(statements < 60, "{statements} statements");
    })
    .await;
}

#[tokio::test]
async fn what_was_taken_and_has_not_begun_is_given_back_untried() {
    // The first claim takes as many as there are hands, and the second more.
    const BEFORE: usize = HANDS;
    const MANY: usize = 80;
    with_database(|pool| async move {
        let hands = i64::try_from(HANDS).unwrap();
        let (count, gate) = (Count::default(), Arc::new(Semaphore::new(BEFORE)));
        let held = Arc::clone(&gate);
        let registry = Registry::new().on("held", 3, move |count: Count, _| {
            let gate = Arc::clone(&held);
            async move {
                count.add();
                gate.acquire().await.unwrap().forget();
                Ok(())
            }
        });
        put_many(&pool, "held", MANY).await;
        let running = Running::start(&pool, registry, &count);
        let taken = async || -> i64 {
            sqlx::query_scalar("select count(*) from job where taken_at is not null")
                .fetch_one(&pool)
                .await
                .unwrap()
        };
        until("more is taken", async || taken().await > hands).await;
        until("all hands are full", async || count.get() == BEFORE + HANDS).await;
        running.stop.cancel();
        until("the others are given back", async || taken().await == hands).await;
        let tried: i64 = sqlx::query_scalar(
            "select count(*) from job
             where taken_at is null and (attempts > attempts_before or run_at > now())",
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        assert_eq!(tried, 0, "what was given back is due, and has lost no try");
        gate.add_permits(MANY);
        running.stop().await;
        assert_eq!(count.get(), BEFORE + HANDS, "nothing more has begun");
        assert_eq!(
            rows(&pool).await,
            i64::try_from(MANY - BEFORE - HANDS).unwrap()
        );
    })
    .await;
}

#[tokio::test]
async fn jobs_with_hands_of_their_own_hold_up_nobody_however_many_hang() {
    const OWN: usize = 4;
    // More than one claim takes, so that what is quick lies behind them.
    const MANY: usize = 300;
    with_database(|pool| async move {
        let (count, gate) = (Count::default(), Arc::new(Semaphore::new(0)));
        let (hanging, held) = (Count::default(), Arc::clone(&gate));
        let hung = hanging.clone();
        let registry = Registry::new()
            .on("hangs", 3, move |_: Count, _| {
                let (gate, hanging) = (Arc::clone(&held), hung.clone());
                async move {
                    hanging.add();
                    gate.acquire().await.unwrap().forget();
                    Ok(())
                }
            })
            .with_hands("hangs", OWN)
            .on("quick", 3, |count: Count, _| async move {
                count.add();
                Ok(())
            });
        put_many(&pool, "hangs", MANY).await;
        put_many(&pool, "quick", 40).await;
        let running = Running::start(&pool, registry, &count);
        until("what is quick is done", async || count.get() == 40).await;
        assert_eq!(hanging.get(), OWN);
        gate.add_permits(MANY);
        until("the others are done too", async || rows(&pool).await == 0).await;
        assert_eq!(hanging.get(), MANY, "each once");
        running.stop().await;
    })
    .await;
}

/// Runs jobs, so many put at once, one batch after the other, and says how many pages of the index of what is due
/// were read.
async fn pages_of(pool: &PgPool, batches: &[usize]) -> i64 {
    // What connections have read is told when they end.
    let own = PgPool::connect_with((*pool.connect_options()).clone());
    let own = own.await.unwrap();
    let count = Count::default();
    let registry = Registry::new()
        .on("quick", 3, |count: Count, _| async move {
            count.add();
            Ok(())
        })
        .every("hourly", Duration::from_hours(1), |_: Count| async {
            Ok(())
        })
        .every("daily", Duration::from_hours(24), |_: Count| async {
            Ok(())
        });
    let running = Running::start(&own, registry, &count);
    let mut put = 0;
    for batch in batches {
        put_many(&own, "quick", *batch).await;
        running.wake.notify_one();
        put += batch;
        until("they are done", async || count.get() == put).await;
    }
    running.stop().await;
    own.close().await;
    pages(pool).await
}

/// Pages of the index of what is due that were read since they were last counted, once all is told.
async fn pages(pool: &PgPool) -> i64 {
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut tx = pool.begin().await.unwrap();
    let read: i64 = sqlx::query_scalar(
        "select (idx_blks_hit + idx_blks_read)::bigint from pg_statio_user_indexes
         where indexrelname = 'job_due_idx'",
    )
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    sqlx::raw_sql("select pg_stat_reset_single_table_counters('job_due_idx'::regclass)")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    read
}

#[tokio::test]
async fn what_was_done_costs_whoever_looks_for_more_nothing() {
    const ONE_BY_ONE: usize = 60;
    with_database(|pool| async move {
        sqlx::raw_sql("alter table job set (autovacuum_enabled = off)")
            .execute(&pool)
            .await
            .unwrap();
        pages(&pool).await;
        let before = pages_of(&pool, &[1; ONE_BY_ONE]).await;
        pages_of(&pool, &[8_000]).await;
        // Longer ago than a look goes back.
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        let after = pages_of(&pool, &[1; ONE_BY_ONE]).await;
        assert!(after < before * 3, "{after} pages, {before} before");
    })
    .await;
}

#[tokio::test]
async fn what_was_committed_late_is_found_while_other_jobs_come_and_go() {
    with_database(|pool| async move {
        let (count, late) = (Count::default(), Count::default());
        let found = late.clone();
        let registry = Registry::new()
            .on("quick", 3, |count: Count, _| async move {
                count.add();
                Ok(())
            })
            .on("late", 3, move |_: Count, _| {
                let found = found.clone();
                async move {
                    found.add();
                    Ok(())
                }
            });
        let running = Running::start(&pool, registry, &count);
        put_many(&pool, "quick", 1).await;
        running.wake.notify_one();
        until("the first is done", async || count.get() == 1).await;
        let mut tx = pool.begin().await.unwrap();
        let long_ago = SystemClock.now() - chrono::TimeDelta::minutes(1);
        put(&mut tx, "late", long_ago).await;
        tx.commit().await.unwrap();
        for _ in 0..100 {
            put_many(&pool, "quick", 1).await;
            running.wake.notify_one();
            tokio::time::sleep(Duration::from_millis(30)).await;
            if late.get() == 1 {
                break;
            }
        }
        assert_eq!(late.get(), 1, "within three seconds");
        running.stop().await;
    })
    .await;
}
