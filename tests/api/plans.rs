//! How Postgres goes about the statements of a connection that lives long.

use sqlx::AssertSqlSafe;

use crate::support::TestApp;

#[tokio::test]
async fn a_plan_that_was_made_while_a_table_was_small_still_serves_when_it_is_large() {
    let app = TestApp::start().await;
    let mut conn = app.ctx.db().acquire().await.expect("a connection");
    let run = async |conn: &mut sqlx::PgConnection, sql: &str| {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(conn)
            .await
            .expect("it runs");
    };
    let add = |many: u32| {
        format!(
            "set session_replication_role = replica;
             insert into message (message_id, conversation_id, seq, author_id, content, created_at)
             select gen_random_uuid(), gen_random_uuid(), 1, gen_random_uuid(), 'x', now()
             from generate_series(1, {many})"
        )
    };
    run(&mut conn, &add(200)).await;
    run(&mut conn, "analyze message").await;
    run(
        &mut conn,
        "prepare look_up (uuid[]) as select * from message where message_id = any($1)",
    )
    .await;
    let ask = "execute look_up (array['01938b2f-5a00-7000-8000-000000000001'::uuid])";
    // After five runs Postgres may keep one plan for all.
    for _ in 0..8 {
        run(&mut conn, ask).await;
    }
    run(&mut conn, &add(5_000)).await;
    let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!("explain {ask}")))
        .fetch_all(&mut *conn)
        .await
        .expect("a plan");
    let plan = plan.join("\n");
    assert!(plan.contains("message_pkey"), "{plan}");
    assert!(!plan.contains("Seq Scan"), "{plan}");
}
