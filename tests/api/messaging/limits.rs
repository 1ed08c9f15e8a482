//! How often one may write.

use serde_json::json;

use super::{direct, group, say, try_say};
use crate::support::TestApp;

async fn limited() -> TestApp {
    TestApp::start_with(&[("KITH_LIMITS", "on")]).await
}

#[tokio::test]
async fn ten_messages_in_ten_seconds_go_to_friends() {
    let app = limited().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    for number in 0..10 {
        say(&ann, &id, &number.to_string()).await;
    }
    let refused = try_say(&ann, &id, "too many").await;
    let refused = refused.expect_problem(429, "rate_limited");
    assert!(refused.header("retry-after").is_some());
}

#[tokio::test]
async fn ten_messages_a_minute_go_to_strangers() {
    let app = TestApp::start_limited("[message]\nquota = 50\n", &[]).await;
    let (ann, friend) = app.friends("ann", "friend").await;
    let stranger = app.person("stranger").await;
    let (known, unknown) = (direct(&ann, &friend).await, direct(&ann, &stranger).await);
    for number in 0..10 {
        say(&ann, &unknown, &number.to_string()).await;
    }
    let refused = try_say(&ann, &unknown, "too many").await;
    let refused = refused.expect_problem(429, "rate_limited");
    let told = refused.header("ratelimit-policy").expect("a header");
    assert!(told.contains("\"message_stranger\";q=10;w=60"), "{told}");
    say(&ann, &known, "friends are no strangers").await;
    say(&stranger, &unknown, "now we know each other").await;
    say(&ann, &unknown, "we do").await;
}

#[tokio::test]
async fn each_stranger_in_a_new_group_counts_and_no_group_has_more_than_ten() {
    let app = TestApp::start_limited("[registration]\nquota = 50\n", &[]).await;
    let ann = app.person("ann").await;
    let mut strangers = Vec::new();
    for number in 0..11 {
        strangers.push(app.person(&format!("stranger{number}")).await.id);
    }
    let open = async |members: &[String]| {
        let body = json!({"member_ids": members, "title": "Hello"});
        ann.post("/v1/conversations", &body).await
    };
    let refused = open(&strangers).await;
    let refused = refused.expect_problem(422, "validation_failed");
    let fault = &refused.json["errors"][0];
    assert_eq!(fault["code"], "too_many_strangers", "{fault}");
    // The refused call has asked nobody, and was not charged.
    open(&strangers[..10]).await.expect_status(201);
    open(&strangers[..2])
        .await
        .expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn a_group_needs_room_for_all_strangers_in_it() {
    let figures = "[message_stranger]\nquota = 3\n[registration]\nquota = 50\n";
    let app = TestApp::start_limited(figures, &[]).await;
    let ann = app.person("ann").await;
    let mut strangers = Vec::new();
    for number in 0..4 {
        strangers.push(app.person(&format!("stranger{number}")).await.id);
    }
    let open = async |members: &[String]| {
        let body = json!({"member_ids": members, "title": "Hello"});
        ann.post("/v1/conversations", &body).await
    };
    open(&strangers).await.expect_problem(429, "rate_limited");
    open(&strangers[..2]).await.expect_status(201);
    // One more may be asked, and not two.
    open(&strangers[2..])
        .await
        .expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn only_what_really_goes_to_strangers_counts() {
    let figures =
        "[message]\nquota = 50\n[message_stranger]\nquota = 1\n[registration]\nquota = 50\n";
    let app = TestApp::start_limited(figures, &[]).await;
    let (ann, friend) = app.friends("ann", "friend").await;
    let (blocked, closed) = (app.person("blocked").await, app.person("closed").await);
    let (one, other) = (app.person("one").await, app.person("other").await);
    let unknown = direct(&ann, &closed).await;
    let change = json!({"who_can_message": "friends"});
    closed
        .patch("/v1/me/settings", &change)
        .await
        .expect_status(200);
    blocked
        .set(&format!("/v1/users/{}/block", ann.id))
        .await
        .expect_status(200);
    let id = group(&ann, &[&friend, &app.person("asked").await]).await;
    // The one stranger that may be asked in a minute was asked by making the group.
    let member = |id: &str, user_id: &str| format!("/v1/conversations/{id}/members/{user_id}");
    let nobody = "01938b2f-5a00-7000-8000-000000000001";
    for _ in 0..2 {
        for (who, status) in [(blocked.id.as_str(), 404), (nobody, 404), (&closed.id, 403)] {
            let refused = ann.set(&member(&id, who)).await;
            refused.expect_status(status);
            let body = json!({"member_ids": [one.id, who], "title": "Hello"});
            let refused = ann.post("/v1/conversations", &body).await;
            refused.expect_status(status);
        }
        let again = ann.set(&member(&id, &friend.id)).await;
        again.expect_status(200);
        let direct = ann.set(&member(&unknown, &one.id)).await;
        direct.expect_problem(403, "forbidden");
        let refused = try_say(&ann, &unknown, "hello?").await;
        refused.expect_problem(403, "forbidden");
    }
    ann.set(&member(&id, &other.id))
        .await
        .expect_problem(429, "rate_limited");
}
