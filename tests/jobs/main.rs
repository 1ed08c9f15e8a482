//! The job queue against a real Postgres: every test makes a database of its own and drops it.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests may fail loudly"
)]

#[expect(dead_code, reason = "its name matters to those who use Redis")]
#[path = "../shared/database.rs"]
mod database;
mod background;
mod closing;
mod inspect;
mod locks;
mod outbox;
mod steps;
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::anyhow;
use chrono::TimeDelta;
use kith::infra::jobs::{HANDS, Pass, Registry, Runner};
use kith::kernel::clock::SystemClock;
use kith::kernel::{Clock, Error};
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use support::{Count, HandClock, only_row, put, put_committed, rows, with_database};

fn counting(name: &'static str) -> Registry<Count> {
    Registry::new().on(name, 3, |count: Count, payload| async move {
        assert_eq!(payload, json!({"n": 7}));
        count.add();
        Ok(())
    })
}

const DONE: Pass = Pass { done: 1, failed: 0 };
const FAILED: Pass = Pass { done: 0, failed: 1 };
const NOTHING: Pass = Pass { done: 0, failed: 0 };

#[tokio::test]
async fn a_job_runs_once_when_its_transaction_commits_and_never_when_it_is_rolled_back() {
    with_database(|pool| async move {
        let (clock, count) = (HandClock::new(), Count::default());
        let runner = Runner::new(
            pool.clone(),
            counting("count"),
            count.clone(),
            clock.clone(),
        );

        let mut tx = pool.begin().await.unwrap();
        put(&mut tx, "count", clock.now()).await;
        tx.rollback().await.unwrap();
        assert_eq!(runner.run_due().await.unwrap(), NOTHING);

        let mut tx = pool.begin().await.unwrap();
        put(&mut tx, "count", clock.now()).await;
        assert_eq!(runner.run_due().await.unwrap(), NOTHING);
        tx.commit().await.unwrap();
        assert_eq!(runner.run_due().await.unwrap(), DONE);
        assert_eq!(runner.run_due().await.unwrap(), NOTHING);
        assert_eq!((count.get(), rows(&pool).await), (1, 0));
    })
    .await;
}

#[tokio::test]
async fn a_failing_job_is_tried_again_later_and_is_set_aside_at_last() {
    with_database(|pool| async move {
        let (clock, count) = (HandClock::new(), Count::default());
        let registry = Registry::new().on("fail", 3, |count: Count, _| async move {
            let nth = count.add();
            assert!(nth != 2, "a panic counts as a failure");
            Err(Error::internal(anyhow!("failure {nth}")))
        });
        let runner = Runner::new(pool.clone(), registry, count.clone(), clock.clone());
        put_committed(&pool, "fail", clock.now()).await;

        let mut seen = Vec::new();
        for _ in 0..3 {
            assert_eq!(runner.run_due().await.unwrap(), FAILED);
            assert_eq!(runner.run_due().await.unwrap(), NOTHING, "it waits first");
            seen.push(only_row(&pool).await);
            clock.advance(TimeDelta::hours(1));
        }
        let row = |attempts, failed, error: &str| (attempts, failed, Some(error.to_owned()));
        assert_eq!(
            seen,
            [
                row(1, false, "internal: failure 1"),
                row(2, false, "The handler panicked."),
                row(3, true, "internal: failure 3"),
            ]
        );
        assert_eq!(runner.run_due().await.unwrap(), NOTHING);
        assert_eq!(count.get(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_job_of_a_worker_that_died_is_done_by_another() {
    with_database(|pool| async move {
        let (clock, count) = (HandClock::new(), Count::default());
        let stuck = Registry::new().on("count", 2, |count: Count, _| async move {
            count.add();
            std::future::pending().await
        });
        let lease = Duration::from_secs(5);
        let doomed = Count::default();
        let dying = Runner::new(pool.clone(), stuck, doomed.clone(), clock.clone())
            .with_visibility_timeout(lease);
        let living = Runner::new(
            pool.clone(),
            counting("count"),
            count.clone(),
            clock.clone(),
        )
        .with_visibility_timeout(lease);
        put_committed(&pool, "count", clock.now()).await;

        let worker = tokio::spawn(async move { dying.run_due().await });
        while doomed.get() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        worker.abort();
        let _ = worker.await;
        assert_eq!(living.run_due().await.unwrap(), NOTHING, "the lease holds");
        clock.advance(TimeDelta::seconds(6));
        assert_eq!(living.run_due().await.unwrap(), DONE);
        assert_eq!((count.get(), rows(&pool).await), (1, 0));
    })
    .await;
}

#[tokio::test]
async fn a_job_that_kills_its_workers_is_set_aside() {
    with_database(|pool| async move {
        let (clock, count) = (HandClock::new(), Count::default());
        let runner = Runner::new(
            pool.clone(),
            counting("count"),
            count.clone(),
            clock.clone(),
        );
        put_committed(&pool, "count", clock.now()).await;
        // Three workers took it, and none came back.
        sqlx::query("update job set attempts = 3")
            .execute(&pool)
            .await
            .unwrap();
        assert_eq!(runner.run_due().await.unwrap(), FAILED);
        assert!(only_row(&pool).await.1);
        assert_eq!(count.get(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_stops_and_leaves_the_row_alone() {
    with_database(|pool| async move {
        let count = Count::default();
        let registry = Registry::new().on("slow", 3, |count: Count, _| async move {
            count.add();
            std::future::pending().await
        });
        let runner = Runner::new(pool.clone(), registry, count.clone(), Arc::new(SystemClock))
            .with_visibility_timeout(Duration::from_millis(300));
        put_committed(&pool, "slow", SystemClock.now()).await;
        let thief = async {
            while count.get() == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            sqlx::query(
                "update job set attempts = attempts + 1, run_at = run_at + interval '1 day'",
            )
            .execute(&pool)
            .await
            .unwrap();
        };
        let pass = tokio::time::timeout(Duration::from_secs(10), runner.run_due());
        let (pass, ()) = tokio::join!(pass, thief);
        let pass = pass.expect("the handler was stopped").unwrap();
        assert_eq!(pass, NOTHING);
        assert_eq!(only_row(&pool).await, (2, false, None));
    })
    .await;
}

#[tokio::test]
async fn a_job_of_another_version_is_left_for_it() {
    with_database(|pool| async move {
        let clock = HandClock::new();
        let runner = Runner::new(
            pool.clone(),
            counting("count"),
            Count::default(),
            clock.clone(),
        );
        put_committed(&pool, "of a later version", clock.now()).await;
        assert_eq!(runner.run_due().await.unwrap(), NOTHING);
        assert_eq!(only_row(&pool).await, (0, false, None));
    })
    .await;
}

#[tokio::test]
async fn a_periodic_job_runs_once_an_interval_over_all_instances() {
    with_database(|pool| async move {
        let (clock, count) = (HandClock::new(), Count::default());
        let instance = || {
            let registry = Registry::new().every(
                "sweep",
                Duration::from_hours(1),
                |count: Count| async move {
                    // A failure only shows in the row: the next interval tries again.
                    match count.add() {
                        1 => Err(Error::internal(anyhow!("the first time"))),
                        _ => Ok(()),
                    }
                },
            );
            Runner::new(pool.clone(), registry, count.clone(), clock.clone())
        };
        let (one, two) = (instance(), instance());
        assert_eq!(
            one.run_due().await.unwrap(),
            NOTHING,
            "not right at the start"
        );
        for expected in [FAILED, DONE, DONE] {
            clock.advance(TimeDelta::hours(1));
            assert_eq!(one.run_due().await.unwrap(), expected);
            assert_eq!(two.run_due().await.unwrap(), NOTHING);
        }
        assert_eq!((count.get(), rows(&pool).await), (3, 1));
    })
    .await;
}

#[tokio::test]
async fn two_runners_never_run_one_periodic_job_at_the_same_time() {
    #[derive(Clone, Default)]
    struct Seen {
        inside: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
        runs: Count,
    }
    with_database(|pool| async move {
        let seen = Seen::default();
        let (wake, stop) = (Arc::new(Notify::new()), CancellationToken::new());
        let tracker = TaskTracker::new();
        for _ in 0..2 {
            let registry = Registry::new().every(
                "sweep",
                Duration::from_millis(50),
                |seen: Seen| async move {
                    let inside = seen.inside.fetch_add(1, Ordering::SeqCst) + 1;
                    seen.most.fetch_max(inside, Ordering::SeqCst);
                    // Longer than the lease, which is renewed meanwhile.
                    tokio::time::sleep(Duration::from_millis(900)).await;
                    seen.inside.fetch_sub(1, Ordering::SeqCst);
                    seen.runs.add();
                    Ok(())
                },
            );
            Runner::new(pool.clone(), registry, seen.clone(), Arc::new(SystemClock))
                .with_visibility_timeout(Duration::from_millis(450))
                .start(Arc::clone(&wake), stop.clone(), &tracker);
        }
        for _ in 0..150 {
            wake.notify_waiters();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.cancel();
        tracker.close();
        tracker.wait().await;
        // What had begun was finished before the runners ended.
        assert_eq!(seen.inside.load(Ordering::SeqCst), 0);
        assert_eq!(seen.most.load(Ordering::SeqCst), 1);
        assert!(seen.runs.get() >= 2, "{} runs", seen.runs.get());
    })
    .await;
}

#[tokio::test]
async fn a_started_runner_wakes_up_bounds_its_work_and_finishes_it_on_stop() {
    with_database(|pool| async move {
        #[derive(Clone, Default)]
        struct Seen {
            begun: Count,
            done: Count,
            open: Arc<Notify>,
        }
        let seen = Seen::default();
        let registry = Registry::new().on("wait", 3, |seen: Seen, _| async move {
            let opened = seen.open.notified();
            seen.begun.add();
            opened.await;
            seen.done.add();
            Ok(())
        });
        let (wake, stop) = (Arc::new(Notify::new()), CancellationToken::new());
        let tracker = TaskTracker::new();
        Runner::new(pool.clone(), registry, seen.clone(), Arc::new(SystemClock)).start(
            Arc::clone(&wake),
            stop.clone(),
            &tracker,
        );
        for _ in 0..HANDS + 2 {
            put_committed(&pool, "wait", SystemClock.now()).await;
        }
        wake.notify_one();
        while seen.begun.get() < HANDS {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        wake.notify_one();
        tokio::time::sleep(Duration::from_millis(100)).await;
        stop.cancel();
        seen.open.notify_waiters();
        tracker.close();
        tracker.wait().await;
        assert_eq!(
            (seen.begun.get(), seen.done.get(), rows(&pool).await),
            (HANDS, HANDS, 2)
        );
    })
    .await;
}
