//! The queue of deliveries: workers that die, services that want to be left alone, two lanes.

use std::collections::BTreeSet;
use std::time::Duration;

use kith::domains::notifications::Courier;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::push::{deliveries, wait_for_states};
use super::receiver::{Browser, Receiver};
use super::{expect_kinds, react, settle};
use crate::support::{Program, Session, TestApp};

const PUSH: &[(&str, &str)] = &[("KITH_PUSH_PRIVATE", "on"), ("KITH_PUSH_HOLD", "1ms")];

/// An instance without workers: nobody carries anything but the test.
async fn start_idle() -> TestApp {
    let idle = [PUSH, &[("KITH_ROLES", "web")]].concat();
    TestApp::start_with(&idle).await
}

/// A person with a device, and a notification on its way to it.
async fn on_its_way(app: &TestApp, receiver: &Receiver) -> (Session, Browser) {
    let (author, browser) = (app.person("author").await, Browser::new());
    let endpoint = format!("{}/{}", receiver.url, author.username);
    browser.subscribe(&author, "phone", &endpoint).await;
    let post = author.post_to(&json!("public"), "a post").await;
    react(&app.person("fan").await, &format!("/v1/posts/{post}")).await;
    (author, browser)
}

/// Time goes by: what is put off is due.
async fn wait_is_over(app: &TestApp) {
    sqlx::query("update notification_delivery set due_at = now() where state = 'waiting'")
        .execute(&app.db)
        .await
        .expect("due");
}

#[tokio::test]
async fn a_worker_that_dies_while_it_sends_leaves_one_notification_on_the_device() {
    let app = start_idle().await;
    let receiver = Receiver::start().await;
    // The service takes the message, and the worker dies before it can write that down.
    receiver.answer(&["hang"]);
    let worker = Program::start(&app, PUSH);
    let (author, browser) = on_its_way(&app, &receiver).await;
    receiver.wait_for(1).await;
    worker.signal(Signal::SIGKILL);
    let (state, _) = deliveries(&app).await.remove(0);
    assert_eq!(state, "waiting", "nobody wrote that it was sent");
    wait_is_over(&app).await;
    let _other = Program::start(&app, PUSH);
    let pushed = receiver.wait_for(2).await;
    wait_for_states(&app, &["sent"]).await;
    // The service keeps one message of a topic, and the device shows one of a tag.
    let topics: BTreeSet<&String> = pushed.iter().map(|one| &one.headers["topic"]).collect();
    let shown: BTreeSet<String> = pushed
        .iter()
        .map(|one| browser.read(&one.body)["tag"].to_string())
        .collect();
    assert_eq!((topics.len(), shown.len(), pushed.len()), (1, 1, 2));
    expect_kinds(&author, &["reaction"]).await;
}

#[tokio::test]
async fn two_workers_carry_each_delivery_once() {
    let app = TestApp::start_with(PUSH).await;
    let _other = app.start_beside(PUSH).await;
    let receiver = Receiver::start().await;
    for _ in 0..5 {
        on_its_way(&app, &receiver).await;
    }
    receiver.wait_for(5).await;
    wait_for_states(&app, &["sent"; 5]).await;
    assert_eq!(receiver.pushed().len(), 5);
}

#[tokio::test]
async fn a_service_that_asks_to_be_left_alone_is_and_its_delivery_is_tried_again() {
    let app = TestApp::start_with(PUSH).await;
    let receiver = Receiver::start().await;
    receiver.answer(&[
        "429 Too Many Requests\r\nRetry-After: 600",
        "503 Service Unavailable",
    ]);
    on_its_way(&app, &receiver).await;
    receiver.wait_for(1).await;
    for (number, at_least, error) in [(1, 590, "429"), (2, 14, "503")] {
        let wait = "select extract(epoch from due_at - now())::int, last_error
                    from notification_delivery where attempts = $1 and last_error like $2";
        let begun = tokio::time::Instant::now();
        let waits = loop {
            let row: Option<(i32, String)> = sqlx::query_as(wait)
                .bind(number)
                .bind(format!("%{error}"))
                .fetch_optional(&app.db)
                .await
                .expect("an answer");
            if let Some((waits, _)) = row {
                break waits;
            }
            assert!(begun.elapsed() < super::PATIENCE);
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        assert!((at_least..=610).contains(&waits), "{error}: {waits}");
        wait_is_over(&app).await;
    }
    wait_for_states(&app, &["sent"]).await;
    assert_eq!(receiver.pushed().len(), 3);
}

#[tokio::test]
async fn what_fails_too_often_is_shown_to_administrators_who_may_have_it_tried_again() {
    let app = TestApp::start_with(PUSH).await;
    let receiver = Receiver::start().await;
    receiver.answer(&["500 Broken"; 4]);
    on_its_way(&app, &receiver).await;
    for number in 1..=4 {
        receiver.wait_for(number).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        if number == 3 {
            // As if four others had been between: a service that fails five times is left alone.
            let attempts = "update notification_delivery set attempts = 7";
            sqlx::query(attempts).execute(&app.db).await.expect("more");
        }
        wait_is_over(&app).await;
    }
    wait_for_states(&app, &["dead"]).await;
    let admin = app.admin().await;
    let shown = admin.get("/v1/admin/deliveries").await.expect_status(200);
    let dead = &shown.json["dead"][0];
    assert_eq!(
        (&dead["attempts"], &dead["channel"]),
        (&json!(8), &json!("push"))
    );
    assert_eq!(dead["last_error"], "the push service answered 500");
    let expected = json!({
        "lane": "normal", "channel": "push", "state": "dead", "count": 1, "first_due_at": null,
    });
    assert_eq!(shown.json["queue"], json!([expected]));
    let again = admin
        .act("/v1/admin/deliveries/retry")
        .await
        .expect_status(200);
    assert_eq!(again.json["revived"], 1);
    wait_for_states(&app, &["sent"]).await;
}

#[tokio::test]
async fn a_service_that_is_out_of_order_is_left_alone_and_one_that_refuses_a_device_is_not() {
    let app = TestApp::start_with(PUSH).await;
    let (broken, strict) = (Receiver::start().await, Receiver::start().await);
    broken.answer(&["500 Broken"; 20]);
    strict.answer(&["401 Unauthorized"; 20]);
    let fan = app.person("fan").await;
    for (receiver, asked) in [(&broken, 5), (&strict, 7)] {
        let author = app.person("author").await;
        let endpoint = format!("{}/device", receiver.url);
        Browser::new().subscribe(&author, "phone", &endpoint).await;
        for number in 1..=7 {
            let post = author.post_to(&json!("public"), "a post").await;
            react(&fan, &format!("/v1/posts/{post}")).await;
            receiver.wait_for(number.min(asked)).await;
            // Its end is written down.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(receiver.pushed().len(), asked);
    }
}

#[tokio::test]
async fn what_is_said_to_a_person_goes_first_and_the_rest_is_not_starved() {
    let app = start_idle().await;
    let receiver = Receiver::start().await;
    let (author, browser) = (app.person("author").await, Browser::new());
    let endpoint = format!("{}/device", receiver.url);
    browser.subscribe(&author, "phone", &endpoint).await;
    let fan = app.person("fan").await;
    for number in 0..60 {
        let kind = if number < 30 { "mention" } else { "reaction" };
        let lane = if number < 30 { "high" } else { "normal" };
        sqlx::query(
            "with made as (
                 insert into post (post_id, author_id, content, audience, created_at)
                 values (gen_random_uuid(), $1::uuid, '', 'public', now()) returning post_id
             ), grouped as (
                 insert into notification (notification_id, user_id, kind, group_key, post_id,
                                           actor_count, created_at, updated_at)
                 select gen_random_uuid(), $1::uuid, $3, $3 || ':post:' || post_id, post_id, 1,
                        now(), now() from made
                 returning notification_id, post_id
             ), done as (
                 insert into notification_item
                 select gen_random_uuid(), notification_id, $1::uuid, $2::uuid, post_id, now()
                 from grouped
             )
             insert into notification_delivery
                    (notification_id, channel, device_id, user_id, lane, due_at, created_at)
             select notification_id, 'push', 'phone', $1::uuid, $4, now(), now() from grouped",
        )
        .bind(&author.id)
        .bind(&fan.id)
        .bind(kind)
        .bind(lane)
        .execute(&app.db)
        .await
        .expect("on its way");
    }
    let carried = Courier::new(app.ctx.clone())
        .run_due()
        .await
        .expect("carried");
    assert_eq!(carried, 60);
    let urgencies: Vec<String> = receiver
        .pushed()
        .iter()
        .map(|one| one.headers["urgency"].clone())
        .collect();
    let normal = |range: std::ops::Range<usize>| {
        let some = urgencies[range].iter();
        some.filter(|urgency| *urgency == "normal").count()
    };
    // While both wait, one of five is of the normal lane.
    assert_eq!(normal(0..32), 6, "{urgencies:?}");
    assert_eq!(normal(0..60), 30);
}

#[tokio::test]
async fn nothing_of_a_notification_is_left_after_ninety_days() {
    let app = TestApp::start_with(PUSH).await;
    let receiver = Receiver::start().await;
    let (author, _) = on_its_way(&app, &receiver).await;
    wait_for_states(&app, &["sent"]).await;
    settle(&app).await;
    let old = "update notification set updated_at = now() - interval '91 days'";
    sqlx::query(old).execute(&app.db).await.expect("old");
    let admin = app.admin().await;
    admin
        .act("/v1/admin/jobs/notifications.trim/run")
        .await
        .expect_status(200);
    expect_kinds(&author, &[]).await;
    let left: Vec<Value> = sqlx::query_scalar(
        "select to_jsonb(i) from notification_item i union all select to_jsonb(d) from notification_delivery d",
    )
    .fetch_all(&app.db)
    .await
    .expect("rows");
    assert_eq!(left, Vec::<Value>::new());
}
