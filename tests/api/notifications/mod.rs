//! Notifications: who is told of what, how it is grouped, what they may not see, and where it goes.

mod counts;
mod grouping;
mod kinds;
mod live;
mod mail;
mod preferences;
mod push;
mod queue;
mod receiver;
mod sight;
mod talks;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Session, TestApp};

/// Most that something may take which happens behind the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Their notifications.
async fn list(who: &Session) -> Vec<Value> {
    let reply = who.get("/v1/notifications").await.expect_status(200);
    reply.json["data"].as_array().expect("a list").clone()
}

/// Waits until their list fulfils `test`, and gives it.
async fn list_until(who: &Session, test: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let begun = tokio::time::Instant::now();
    loop {
        let found = list(who).await;
        if test(&found) {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{found:#?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits for their notifications to be of these kinds, newest first.
async fn expect_kinds(who: &Session, kinds: &[&str]) -> Vec<Value> {
    list_until(who, |found| {
        let found: Vec<&str> = found
            .iter()
            .filter_map(|one| one["kind"].as_str())
            .collect();
        found == kinds
    })
    .await
}

/// Waits until every event so far has been handled: then what is not told by now never will be.
pub async fn settle(app: &TestApp) {
    let waiting = "select exists (select from outbox where delivered_at is null)
                or exists (select from job where name like 'notifications.%'
                           and name not like 'notifications.trim%' and failed_at is null)";
    let begun = tokio::time::Instant::now();
    while sqlx::query_scalar::<_, bool>(waiting)
        .fetch_one(&app.db)
        .await
        .expect("an answer")
    {
        assert!(begun.elapsed() < PATIENCE, "events are left lying");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The usernames of a notification's actors.
fn actors(notification: &Value) -> Vec<&str> {
    let actors = notification["actors"].as_array().expect("actors");
    actors
        .iter()
        .filter_map(|who| who["username"].as_str())
        .collect()
}

async fn react(who: &Session, path: &str) {
    let path = format!("{path}/reaction");
    who.put(&path, &json!({"kind": "like"}))
        .await
        .expect_status(200);
}

async fn reply_to(who: &Session, post: &str, parent: &str, content: &str) -> String {
    let body = json!({"content": content, "parent_id": parent});
    let path = format!("/v1/posts/{post}/comments");
    who.post(&path, &body).await.expect_status(201).id()
}
