//! "May A see B" is written once in SQL and once in Rust: the two agree in every case.

use kith::domains::relations::{Sight, Ties, can_see_person, ties_of};
use kith::kernel::UserId;
use kith::platform::Reads;
use kith::platform::sessions::Viewer;
use uuid::Uuid;

use crate::support::TestApp;

async fn run(app: &TestApp, sql: &'static str, ids: &[&str]) {
    let mut query = sqlx::query(sql);
    for id in ids {
        query = query.bind(id.parse::<Uuid>().expect("a UUID"));
    }
    query.execute(&app.db).await.expect("the statement runs");
}

/// The viewer's ties as their space loads them.
async fn ties(app: &TestApp, viewer: UserId) -> std::sync::Arc<Ties> {
    let mut conn = app.db.acquire().await.expect("a connection");
    let reads = &mut Reads::Within(&mut conn);
    ties_of(reads, Viewer(Some(viewer))).await.expect("ties")
}

#[tokio::test]
async fn the_rule_in_sql_and_the_rule_in_rust_agree_in_every_case() {
    let app = TestApp::start().await;
    let (viewer, target) = (app.person("viewer").await, app.person("target").await);
    let ids = [viewer.id.as_str(), target.id.as_str()];
    for state in ["active", "suspended", "deleted"] {
        for (blocks, is_blocked) in [(false, false), (true, false), (false, true), (true, true)] {
            run(&app, "delete from block where $1 <> $2", &ids).await;
            if blocks {
                let sql =
                    "insert into block (blocker_id, blocked_id, created_at) values ($1, $2, now())";
                run(&app, sql, &ids).await;
            }
            if is_blocked {
                let sql =
                    "insert into block (blocked_id, blocker_id, created_at) values ($1, $2, now())";
                run(&app, sql, &ids).await;
            }
            sqlx::query("update account set state = $1 where user_id = $2")
                .bind(state)
                .bind(target.id.parse::<Uuid>().expect("a UUID"))
                .execute(&app.db)
                .await
                .expect("the state is set");
            let in_sql: bool = sqlx::query_scalar(
                "select exists (select from visible_account($1) a where a.user_id = $2)",
            )
            .bind(viewer.id.parse::<Uuid>().expect("a UUID"))
            .bind(target.id.parse::<Uuid>().expect("a UUID"))
            .fetch_one(&app.db)
            .await
            .expect("an answer");
            let by_ties = ties(&app, viewer.id.parse().expect("an id")).await;
            let target_id = target.id.parse().expect("an id");
            let in_rust = can_see_person(Sight {
                is_active: state == "active",
                is_blocked_by_viewer: blocks,
                has_blocked_viewer: is_blocked,
            });
            let by_ties = by_ties.sees(target_id, state == "active");
            assert_eq!(
                (in_sql, in_sql),
                (in_rust, by_ties),
                "{state}, blocks {blocks}, is blocked {is_blocked}"
            );
        }
    }
}
