//! What a transaction leaves with its last statement.

use kith::infra::outbox::{Event, Note};
use kith::kernel::clock::SystemClock;
use kith::kernel::{Clock, IdFactory};
use kith::platform::write::closing::{Closed, Closing, Line, close};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::support::with_database;

#[derive(Serialize, Deserialize)]
struct Rang(usize);

impl Event for Rang {
    const NAME: &'static str = "bell.rang";
}

/// A line of the topic `tests`; its object tells it from others.
fn line(id: Uuid, object: u128) -> Line {
    Line {
        topic: "tests".into(),
        id,
        kind: "test.event",
        object_id: Some(Uuid::from_u128(object)),
        actor_id: None,
        detail: None,
        op_id: Some("op-1".to_owned()),
    }
}

async fn leave(conn: &mut PgConnection, lines: Vec<Line>, events: usize) -> Closed {
    let events = (0..events).map(|n| Note::of(&Rang(n)).unwrap()).collect();
    let closing = Closing { events, lines };
    close(conn, &closing, SystemClock.now()).await.unwrap()
}

async fn objects(pool: &PgPool, id: Uuid) -> Vec<(i64, u128, String)> {
    let rows: Vec<(i64, Uuid, String)> = sqlx::query_as(
        "select number, object_id, op_id from stream_event where id = $1 order by number",
    )
    .bind(id)
    .fetch_all(pool)
    .await
    .unwrap();
    let rows = rows.into_iter();
    rows.map(|(number, object, op)| (number, object.as_u128(), op))
        .collect()
}

#[tokio::test]
async fn lines_get_the_next_places_of_their_streams_in_their_order() {
    with_database(|pool| async move {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut conn = pool.acquire().await.unwrap();
        let lines = vec![line(two, 20), line(one, 10), line(two, 21), line(one, 11)];
        let first = leave(&mut conn, lines, 0).await;
        assert_eq!(first.places, [1, 1, 2, 2]);
        assert!(!first.epoch.is_empty());
        let second = leave(&mut conn, vec![line(one, 12), line(two, 22)], 0).await;
        assert_eq!((second.places, second.epoch), (vec![3, 3], first.epoch));
        let said = |n: i64, object| (n, object, "op-1".to_owned());
        assert_eq!(
            objects(&pool, one).await,
            [said(1, 10), said(2, 11), said(3, 12)]
        );
        assert_eq!(
            objects(&pool, two).await,
            [said(1, 20), said(2, 21), said(3, 22)]
        );
    })
    .await;
}

#[tokio::test]
async fn events_are_left_in_their_order_with_lines_and_without() {
    with_database(|pool| async move {
        let mut conn = pool.acquire().await.unwrap();
        leave(&mut conn, vec![line(Uuid::from_u128(1), 1)], 3).await;
        leave(&mut conn, Vec::new(), 2).await;
        leave(&mut conn, Vec::new(), 0).await;
        let left: Vec<String> =
            sqlx::query_scalar("select payload::text from outbox order by outbox_id")
                .fetch_all(&pool)
                .await
                .unwrap();
        assert_eq!(left, ["0", "1", "2", "0", "1"]);
    })
    .await;
}

#[tokio::test]
async fn what_a_transaction_voids_comes_back_however_it_closes() {
    with_database(|pool| async move {
        for (lines, events) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let begin = "begin; set local kith.gathers_voids = on";
            let mut tx = pool.begin_with(begin).await.unwrap();
            let id: kith::kernel::UserId = IdFactory::from_os().new_id(SystemClock.now());
            sqlx::query("select leave_void(array['of:' || $1::text])")
                .bind(id.to_string())
                .execute(&mut *tx)
                .await
                .unwrap();
            let lines = (0..lines).map(|_| line(Uuid::from_u128(1), 1)).collect();
            let closed = leave(&mut tx, lines, events).await;
            let (_, tags) = closed.void.expect("a void");
            assert_eq!(tags, [format!("of:{id}")]);
            tx.commit().await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn transactions_that_write_the_same_streams_in_other_orders_wait_for_each_other() {
    with_database(|pool| async move {
        let ids: Vec<Uuid> = (1..=8).map(Uuid::from_u128).collect();
        let rounds = (0..40_usize).map(|round| {
            let (pool, mut ids) = (pool.clone(), ids.clone());
            async move {
                ids.rotate_left(round % 8);
                ids.truncate(5);
                let mut tx = pool.begin().await.unwrap();
                leave(&mut tx, ids.into_iter().map(|id| line(id, 1)).collect(), 0).await;
                tx.commit().await.unwrap();
            }
        });
        futures_util::future::join_all(rounds).await;
        for id in ids {
            let places: Vec<i64> = objects(&pool, id)
                .await
                .into_iter()
                .map(|row| row.0)
                .collect();
            assert_eq!(places, (1..=25).collect::<Vec<_>>(), "each place once");
        }
    })
    .await;
}
