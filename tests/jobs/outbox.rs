//! Events: committed with their change, delivered once to each handler, whoever dies meanwhile.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use kith::infra::jobs::{Pass, Registry, Runner};
use kith::infra::outbox::{self, Dispatcher, Event};
use kith::kernel::Clock;
use kith::kernel::clock::SystemClock;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::support::{Count, HandClock, leave, rows, with_database};

#[derive(Serialize, Deserialize)]
struct Rang {
    times: usize,
}

impl Event for Rang {
    const NAME: &'static str = "bell.rang";
}

#[derive(Serialize, Deserialize)]
struct Fell;

impl Event for Fell {
    const NAME: &'static str = "bell.fell";
}

fn heard() -> Registry<Count> {
    Registry::new()
        .on_event("ear.hear", |count: Count, event: Rang| async move {
            for _ in 0..event.times {
                count.add();
            }
            Ok(())
        })
        .on_event("dog.bark", |_: Count, _: Rang| async move { Ok(()) })
}

fn dispatcher(pool: &PgPool, clock: Arc<dyn Clock>) -> Dispatcher {
    Dispatcher::new(pool.clone(), &heard(), clock)
}

async fn ring(pool: &PgPool, clock: &dyn Clock) {
    let mut conn = pool.acquire().await.unwrap();
    leave(&mut conn, &Rang { times: 2 }, clock.now()).await;
}

async fn undelivered(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from outbox where delivered_at is null")
        .fetch_one(pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_event_becomes_one_job_a_handler_if_its_transaction_commits() {
    with_database(|pool| async move {
        let (clock, count) = (HandClock::new(), Count::default());
        let dispatcher = dispatcher(&pool, clock.clone());

        let mut tx = pool.begin().await.unwrap();
        leave(&mut tx, &Rang { times: 9 }, clock.now()).await;
        tx.rollback().await.unwrap();
        assert_eq!(dispatcher.deliver().await.unwrap(), 0);

        ring(&pool, &*clock).await;
        assert_eq!(dispatcher.deliver().await.unwrap(), 1);
        assert_eq!(dispatcher.deliver().await.unwrap(), 0);
        assert_eq!(rows(&pool).await, 2);
        let runner = Runner::new(pool.clone(), heard(), count.clone(), clock);
        let pass = runner.run_due().await.unwrap();
        assert_eq!(pass, Pass { done: 2, failed: 0 });
        assert_eq!(count.get(), 2, "the handler read what the event says");
    })
    .await;
}

#[tokio::test]
async fn dispatchers_at_the_same_time_deliver_nothing_twice() {
    with_database(|pool| async move {
        for _ in 0..500 {
            ring(&pool, &SystemClock).await;
        }
        let (one, two) = (
            dispatcher(&pool, Arc::new(SystemClock)),
            dispatcher(&pool, Arc::new(SystemClock)),
        );
        let (one, two) = tokio::join!(one.deliver(), two.deliver());
        assert_eq!(one.unwrap() + two.unwrap(), 500);
        assert_eq!((rows(&pool).await, undelivered(&pool).await), (1_000, 0));
    })
    .await;
}

#[tokio::test]
async fn what_a_dispatcher_could_not_finish_is_delivered_later() {
    with_database(|pool| async move {
        let clock = HandClock::new();
        let dispatcher = dispatcher(&pool, clock.clone());
        ring(&pool, &*clock).await;
        // The second of its two jobs cannot be queued.
        sqlx::query("alter table job add constraint quiet check (name <> 'ear.hear')")
            .execute(&pool)
            .await
            .unwrap();
        assert!(dispatcher.deliver().await.is_err());
        assert_eq!((rows(&pool).await, undelivered(&pool).await), (0, 1));
        sqlx::query("alter table job drop constraint quiet")
            .execute(&pool)
            .await
            .unwrap();

        // Another one is at it, and dies.
        let mut other = pool.begin().await.unwrap();
        sqlx::query("select 1 from outbox for update")
            .execute(&mut *other)
            .await
            .unwrap();
        assert_eq!(dispatcher.deliver().await.unwrap(), 0);
        drop(other);
        // The connection rolls back when it is used again or closed.
        pool.acquire().await.unwrap();
        while dispatcher.deliver().await.unwrap() == 0 {}
        assert_eq!((rows(&pool).await, undelivered(&pool).await), (2, 0));
    })
    .await;
}

#[tokio::test]
async fn an_event_that_nobody_here_knows_is_left_for_who_does() {
    with_database(|pool| async move {
        let clock = HandClock::new();
        let mut conn = pool.acquire().await.unwrap();
        leave(&mut conn, &Fell, clock.now()).await;
        assert_eq!(dispatcher(&pool, clock.clone()).deliver().await.unwrap(), 0);
        let knowing = Registry::<Count>::new().knows::<Fell>();
        let knowing = Dispatcher::new(pool.clone(), &knowing, clock);
        assert_eq!(knowing.deliver().await.unwrap(), 1);
        assert_eq!((rows(&pool).await, undelivered(&pool).await), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn the_oldest_event_that_waits_is_known_and_delivered_ones_are_forgotten() {
    with_database(|pool| async move {
        let clock = HandClock::new();
        let mut conn = pool.acquire().await.unwrap();
        assert_eq!(outbox::oldest_undelivered(&mut conn).await.unwrap(), None);
        let first = clock.now();
        ring(&pool, &*clock).await;
        clock.advance(TimeDelta::minutes(1));
        ring(&pool, &*clock).await;
        let oldest = outbox::oldest_undelivered(&mut conn).await.unwrap();
        assert_eq!(oldest, Some(first));
        let delivered = clock.now();
        dispatcher(&pool, clock.clone()).deliver().await.unwrap();
        ring(&pool, &*clock).await;
        let mut forget = async |before| {
            outbox::forget_delivered(&mut conn, before, 10)
                .await
                .unwrap()
        };
        assert_eq!(forget(delivered).await, 0);
        assert_eq!(forget(delivered + TimeDelta::microseconds(1)).await, 2);
        assert_eq!(undelivered(&pool).await, 1, "what waits is never forgotten");
    })
    .await;
}

#[tokio::test]
async fn a_started_dispatcher_delivers_at_once_when_woken_and_soon_when_not() {
    with_database(|pool| async move {
        let (wake, wake_jobs) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        dispatcher(&pool, Arc::new(SystemClock)).start(
            Arc::clone(&wake),
            Arc::clone(&wake_jobs),
            stop.clone(),
            &tracker,
        );
        // The first look at the table is over when this one is delivered.
        ring(&pool, &SystemClock).await;
        tokio::time::timeout(Duration::from_secs(2), wake_jobs.notified())
            .await
            .expect("found without being woken");
        let mut quickest = Duration::MAX;
        for _ in 0..3 {
            ring(&pool, &SystemClock).await;
            let begun = Instant::now();
            wake.notify_one();
            wake_jobs.notified().await;
            quickest = quickest.min(begun.elapsed());
        }
        assert!(quickest < Duration::from_millis(100), "{quickest:?}");
        stop.cancel();
        tracker.close();
        tracker.wait().await;
    })
    .await;
}
