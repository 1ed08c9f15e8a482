//! How Postgres goes about the statements of a connection that lives long.

use chrono::TimeDelta;
use kith::platform::sessions::list_active;
use kith::seeds::has_demo_password;
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

#[tokio::test]
async fn what_is_asked_about_everybody_is_found_by_an_index() {
    let app = TestApp::start().await;
    let mut conn = app.db.acquire().await.expect("a connection");
    let many = "
        set session_replication_role = replica;
        insert into credential (user_id, email, password_hash, password_changed_at)
        select gen_random_uuid(), n || '@example.org', 'none', now() from generate_series(1, 5000) n;
        insert into session (session_id, user_id, address, user_agent, created_at, last_active_at,
                             reauthenticated_at, expires_at, ends_at)
        select gen_random_uuid(), user_id, '', '', now(), now() - interval '9 days', now(), now() + interval '9 days',
               now() + interval '99 days'
        from credential;
        analyze credential, session;
        set session_replication_role = origin";
    sqlx::raw_sql(many).execute(&mut *conn).await.expect("rows");
    let found = has_demo_password(&mut conn).await.expect("an answer");
    assert!(!found);
    let since = app.ctx.now() - TimeDelta::days(2);
    let active = list_active(&mut conn, since, 1_000).await;
    assert_eq!(active.expect("people").len(), 0);
    sqlx::query("select pg_stat_force_next_flush()")
        .execute(&mut *conn)
        .await
        .expect("statistics");
    let used: Vec<String> = sqlx::query_scalar(
        "select indexrelname::text from pg_stat_user_indexes
         where idx_scan > 0 and indexrelname in ('credential_demo_idx', 'session_last_active_at_idx')
         order by 1",
    )
    .fetch_all(&mut *conn)
    .await
    .expect("indexes");
    assert_eq!(used, ["credential_demo_idx", "session_last_active_at_idx"]);
}
