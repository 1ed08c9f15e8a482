//! The queue as operators see it, and what they do to it.

use std::time::Duration;

use anyhow::anyhow;
use chrono::TimeDelta;
use kith::infra::jobs::{self, Outcome, Registry, Runner};
use kith::kernel::{Clock, Error};

use crate::support::{Count, HandClock, only_row, put_committed, rows, with_database};

#[tokio::test]
async fn rows_are_summed_up_and_failed_ones_can_be_retried_or_deleted() {
    with_database(|pool| async move {
        let clock = HandClock::new();
        let registry = Registry::new().on("fail", 1, |count: Count, _| async move {
            match count.add() {
                1 | 2 => Err(Error::internal(anyhow!("it broke"))),
                _ => Ok(()),
            }
        });
        let runner = Runner::new(pool.clone(), registry, Count::default(), clock.clone());
        let id = put_committed(&pool, "fail", clock.now()).await;
        let due = clock.now();
        clock.advance(TimeDelta::minutes(1));
        let conn = &mut *pool.acquire().await.unwrap();

        let before = jobs::summaries(conn, clock.now()).await.unwrap();
        let [row] = before.as_slice() else {
            panic!("one name: {before:?}");
        };
        assert_eq!((row.waiting, row.running, row.failed), (1, 0, 0));
        assert_eq!(row.oldest_due_at, Some(due));
        assert!(!jobs::retry(conn, id, clock.now()).await.unwrap());

        runner.run_due().await.unwrap();
        let after = jobs::summaries(conn, clock.now()).await.unwrap();
        assert_eq!((after[0].waiting, after[0].failed), (0, 1));
        assert_eq!(after[0].oldest_due_at, None);
        assert_eq!(after[0].last_error.as_deref(), Some("internal: it broke"));
        let failed = jobs::list_failed(conn, 10).await.unwrap();
        assert_eq!((failed.len(), failed[0].id), (1, id));

        assert!(jobs::retry(conn, id, clock.now()).await.unwrap());
        assert_eq!(runner.run_due().await.unwrap().failed, 1, "tried once more");
        assert_eq!(jobs::purge(conn, Some("another")).await.unwrap(), 0);
        assert!(jobs::retry(conn, id, clock.now()).await.unwrap());
        assert_eq!(runner.run_due().await.unwrap().done, 1);
        let left = put_committed(&pool, "fail", clock.now()).await;
        sqlx::query("update job set failed_at = run_at")
            .execute(&mut *conn)
            .await
            .unwrap();
        put_committed(&pool, "fail", clock.now()).await;
        assert_ne!(left, id);
        assert_eq!(jobs::purge(conn, Some("fail")).await.unwrap(), 1);
        assert_eq!(rows(&pool).await, 1, "what has not failed stays");
    })
    .await;
}

#[tokio::test]
async fn a_periodic_job_runs_by_hand_unless_a_worker_has_it() {
    with_database(|pool| async move {
        let clock = HandClock::new();
        let registry = || {
            Registry::new().every(
                "sweep",
                Duration::from_hours(1),
                |count: Count| async move {
                    count.add();
                    Ok(())
                },
            )
        };
        let count = Count::default();
        let runner = Runner::new(pool.clone(), registry(), count.clone(), clock.clone());
        assert_eq!(runner.run_now("sweep").await.unwrap(), Some(Outcome::Done));
        assert_eq!(runner.run_now("sweep").await.unwrap(), Some(Outcome::Done));
        assert_eq!((count.get(), rows(&pool).await), (2, 1));
        assert!(!only_row(&pool).await.1);

        // A worker takes it, and works.
        let conn = &mut *pool.acquire().await.unwrap();
        sqlx::query("update job set taken_at = $1, run_at = $1 + interval '1 minute'")
            .bind(clock.now().utc())
            .execute(&mut *conn)
            .await
            .unwrap();
        assert_eq!(runner.run_now("sweep").await.unwrap(), None);
        assert!(!jobs::run_soon(conn, "sweep", clock.now()).await.unwrap());
        let seen = jobs::summaries(conn, clock.now()).await.unwrap();
        assert_eq!((seen[0].waiting, seen[0].running), (0, 1));
        // It dies.
        clock.advance(TimeDelta::minutes(2));
        let seen = jobs::summaries(conn, clock.now()).await.unwrap();
        assert_eq!((seen[0].waiting, seen[0].running), (1, 0));
        assert_eq!(runner.run_now("sweep").await.unwrap(), Some(Outcome::Done));
    })
    .await;
}
