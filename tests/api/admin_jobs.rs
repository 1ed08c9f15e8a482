//! Background jobs for administrators.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::TestApp;

fn job<'a>(list: &'a Value, name: &str) -> &'a Value {
    let jobs = list["data"].as_array().expect("jobs");
    let found = jobs.iter().find(|job| job["name"] == name);
    found.expect("the job is listed")
}

#[tokio::test]
async fn an_administrator_sees_all_jobs() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    sqlx::query(
        "insert into job (job_id, name, payload, run_at, created_at, failed_at, last_error)
         values (gen_random_uuid(), 'auth.mail', '{}', now(), now(), now(), 'no such host'),
                (gen_random_uuid(), 'of another version', '{}', now() - interval '1 hour', now(), null, null)",
    )
    .execute(&app.db)
    .await
    .expect("jobs");
    let list = admin.get("/v1/admin/jobs").await.expect_status(200).json;
    let mail = job(&list, "auth.mail");
    assert_eq!(mail["failed"], 1);
    assert_eq!(mail["last_error"], "no such host");
    assert_eq!(
        (&mail["known"], &mail["every_seconds"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(job(&list, "outbox.forget")["every_seconds"], 300);
    let other = job(&list, "of another version");
    assert_eq!(
        (&other["known"], &other["waiting"]),
        (&json!(false), &json!(1))
    );
    assert!(other["oldest_due_at"].is_string());
}

#[tokio::test]
async fn an_administrator_runs_a_periodic_job_at_once() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    sqlx::query(
        "insert into outbox (event, payload, created_at, delivered_at)
         values ('old', '{}', now() - interval '2 hours', now() - interval '2 hours')",
    )
    .execute(&app.db)
    .await
    .expect("an old event");
    let run = |name: &str| format!("/v1/admin/jobs/{name}/run");
    let reply = admin.act(&run("outbox.forget")).await.expect_status(200);
    assert_eq!(reply.json["name"], "outbox.forget");
    let begun = tokio::time::Instant::now();
    let left = "select count(*) from outbox where event = 'old'";
    while sqlx::query_scalar::<_, i64>(left)
        .fetch_one(&app.db)
        .await
        .expect("a count")
        > 0
    {
        assert!(begun.elapsed() < Duration::from_secs(2), "it never ran");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Unknown ones, and those that want a payload.
    for name in ["nothing", "auth.mail"] {
        let reply = admin.act(&run(name)).await;
        reply.expect_problem(404, "not_found");
    }
    sqlx::query(
        "update job set taken_at = now(), run_at = now() + interval '1 minute'
         where name = 'idempotency.forget'",
    )
    .execute(&app.db)
    .await
    .expect("taken");
    let reply = admin.act(&run("idempotency.forget")).await;
    reply.expect_problem(409, "conflict");
}
