//! Many at once.

use futures_util::future::join_all;
use serde_json::json;

use super::{direct, group, read, say, seen};
use crate::support::TestApp;

#[tokio::test]
async fn sixty_four_senders_at_once_get_places_without_a_gap() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let carol = app.person("carol").await;
    ann.befriend(&carol).await;
    let id = group(&ann, &[&ben, &carol]).await;
    let senders = [&ann, &ben, &carol];
    let before = seen(&ann, &id).await["top_seq"].as_i64().expect("a number");
    let replies = join_all((0..64).map(|number| {
        let (id, who) = (id.clone(), senders[number % 3].clone());
        async move { say(&who, &id, &number.to_string()).await }
    }))
    .await;
    let mut places: Vec<i64> = replies
        .iter()
        .filter_map(|one| one["seq"].as_i64())
        .collect();
    places.sort_unstable();
    let expected: Vec<i64> = (before + 1..=before + 64).collect();
    assert_eq!(places, expected);
    let walked = ben
        .walk(
            &format!("/v1/conversations/{id}/messages?after_seq={before}"),
            10,
        )
        .await;
    let walked: Vec<i64> = walked
        .iter()
        .filter_map(|one| one["seq"].as_i64())
        .collect();
    assert_eq!(walked, expected);
    // What each was told is what stands there.
    let path = format!("/v1/conversations/{id}/messages?limit=100");
    let page = carol.get(&path).await.json["data"].clone();
    for reply in &replies {
        let found = page.as_array().expect("a list").iter();
        let found = found
            .filter(|one| one["id"] == reply["id"])
            .collect::<Vec<_>>();
        assert_eq!((found.len(), &found[0]["seq"]), (1, &reply["seq"]));
    }
    let shown = seen(&ben, &id).await;
    assert_eq!(shown["top_seq"], before + 64);
    assert_eq!(shown["last_message"]["seq"], before + 64);
}

#[tokio::test]
async fn two_who_open_and_write_at_once_have_one_conversation() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let opened = join_all((0..16).map(|number| {
        let (ann, ben) = (ann.clone(), ben.clone());
        async move {
            let (one, other) = if number % 2 == 0 {
                (ann, ben)
            } else {
                (ben, ann)
            };
            let id = direct(&one, &other).await;
            say(&one, &id, &number.to_string()).await;
            id
        }
    }))
    .await;
    assert!(opened.iter().all(|id| *id == opened[0]));
    let rows: i64 = sqlx::query_scalar("select count(*) from conversation")
        .fetch_one(&app.db)
        .await
        .expect("a count");
    assert_eq!(rows, 1);
    assert_eq!(seen(&ben, &opened[0]).await["top_seq"], 16);
}

#[tokio::test]
async fn marks_that_race_end_at_the_furthest() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    for number in 1..=10 {
        say(&ann, &id, &number.to_string()).await;
    }
    join_all((1..=10).map(|up_to| read(&ben, &id, up_to))).await;
    let shown = seen(&ben, &id).await;
    assert_eq!(
        (&shown["unread"], &shown["viewer"]["read_up_to"]),
        (&json!(0), &json!(10))
    );
}

#[tokio::test]
async fn one_key_at_once_is_one_message() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    let path = format!("/v1/conversations/{id}/messages");
    let replies = join_all((0..12).map(|_| {
        let request = ann.request(reqwest::Method::POST, &path);
        let request = request.header("Idempotency-Key", "the-same");
        ann.send(request.json(&json!({"content": "once"})))
    }))
    .await;
    for reply in &replies {
        assert!(matches!(reply.status, 201 | 409), "{}", reply.json);
    }
    assert_eq!(seen(&ann, &id).await["top_seq"], 1);
}

#[tokio::test]
async fn whoever_is_removed_while_writing_writes_before_that_or_not_at_all() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let carol = app.person("carol").await;
    ann.befriend(&carol).await;
    let id = group(&ann, &[&ben, &carol]).await;
    let removal = format!("/v1/conversations/{id}/members/{}", ben.id);
    let writing = join_all((0..20).map(|number| {
        let (id, ben) = (id.clone(), ben.clone());
        async move { super::try_say(&ben, &id, &number.to_string()).await }
    }));
    let (replies, removed) = futures_util::future::join(writing, ann.delete(&removal)).await;
    removed.expect_status(200);
    let left = seen(&ben, &id).await["top_seq"].as_i64().expect("a number");
    for reply in &replies {
        match reply.status {
            201 => assert!(reply.json["seq"].as_i64().expect("a number") < left),
            status => assert_eq!(status, 403, "{}", reply.json),
        }
    }
}
