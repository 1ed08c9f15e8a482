//! What an inbox is told, read off its durable events.

use serde_json::{Value, json};

use super::{PATIENCE, expect_kinds, list, react, settle};
use crate::support::{Session, TestApp};

/// Where an inbox stands, as the route takes it.
async fn position(who: &Session) -> String {
    let here = who.get("/v1/events").await.expect_status(200).json;
    assert_eq!(
        here["data"],
        json!([]),
        "without a position there are no events"
    );
    at(&here["position"])
}

fn at(position: &Value) -> String {
    let epoch = position["e"].as_str().expect("an epoch");
    format!("{epoch}:{}", position["o"])
}

/// What they were told of notifications and friendships after a position: kinds and contents; and
/// where that reaches. Other domains tell inboxes too.
async fn told(who: &Session, after: &str) -> (Vec<(String, Value)>, String) {
    let reply = who.get(&format!("/v1/events?after={after}")).await;
    let reply = reply.expect_status(200).json;
    let events = reply["data"].as_array().expect("events").iter();
    let events = events.map(|event| {
        let kind = event["t"].as_str().expect("a kind").to_owned();
        (kind, event["d"].clone())
    });
    let ours = |kind: &str| kind.starts_with("notification.") || kind.starts_with("friend.");
    let events = events.filter(|(kind, _)| ours(kind));
    (events.collect(), at(&reply["position"]))
}

fn kinds(events: &[(String, Value)]) -> Vec<&str> {
    events.iter().map(|(kind, _)| kind.as_str()).collect()
}

async fn told_until(who: &Session, after: &str, wanted: &[&str]) -> Vec<(String, Value)> {
    let begun = tokio::time::Instant::now();
    loop {
        let (events, _) = told(who, after).await;
        if kinds(&events) == wanted {
            return events;
        }
        assert!(begun.elapsed() < PATIENCE, "{events:#?}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn an_inbox_is_told_of_what_comes_is_read_and_goes() {
    let app = TestApp::start().await;
    let (author, bob) = (app.person("author").await, app.person("bob").await);
    let begin = position(&author).await;
    let post = author.post_to(&json!("public"), "a post").await;
    react(&bob, &format!("/v1/posts/{post}")).await;
    let events = told_until(&author, &begin, &["notification.created"]).await;
    let shown = expect_kinds(&author, &["reaction"]).await.remove(0);
    assert_eq!(events[0].1, json!({"notification": shown}));

    let id = shown["id"].as_str().expect("an id");
    let read = format!("/v1/notifications/{id}/read");
    for _ in 0..2 {
        author.set(&read).await.expect_status(200);
    }
    let up_to = json!({"up_to": shown["updated_at"]});
    author
        .put("/v1/notifications/read-all", &up_to)
        .await
        .expect_status(200);
    author
        .delete(&format!("/v1/notifications/{id}"))
        .await
        .expect_status(204);
    let (events, end) = told(&author, &begin).await;
    let expected = [
        "notification.read",
        "notification.read",
        "notification.cleared",
    ];
    // What is gone is not told again, and the position has moved past it.
    assert_eq!(kinds(&events), expected);
    assert_eq!(events[0].1["ids"], json!([id]));
    assert_eq!(events[2].1, json!({"ids": [id]}));
    assert_eq!(told(&author, &end).await, (Vec::new(), end.clone()));
    assert_eq!(position(&author).await, end);
}

#[tokio::test]
async fn what_is_undone_is_cleared_and_a_replay_brings_back_nothing_that_was_hidden() {
    let app = TestApp::start().await;
    let (author, bob) = (app.person("author").await, app.person("bob").await);
    let carol = app.person("carol").await;
    let begin = position(&author).await;
    let post = author.post_to(&json!("public"), "a post").await;
    let path = format!("/v1/posts/{post}");
    react(&bob, &path).await;
    told_until(&author, &begin, &["notification.created"]).await;
    bob.delete(&format!("{path}/reaction"))
        .await
        .expect_status(200);
    told_until(&author, &begin, &["notification.cleared"]).await;
    carol.comment_on(&post, "hello").await;
    let both = ["notification.cleared", "notification.created"];
    let events = told_until(&author, &begin, &both).await;
    assert_eq!(events[1].1["notification"]["target"]["excerpt"], "hello");
    author
        .set(&format!("/v1/users/{}/block", carol.id))
        .await
        .expect_status(200);
    let (events, _) = told(&author, &begin).await;
    assert_eq!(kinds(&events), ["notification.cleared"]);
}

#[tokio::test]
async fn friendships_are_told_with_the_request_as_it_is_by_now() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.person("alice").await, app.person("bob").await);
    let begin = (position(&alice).await, position(&bob).await);
    let wish = json!({"user_id": bob.id});
    let request = alice.post("/v1/friend-requests", &wish).await.id();
    let asked = ["friend.requested", "notification.created"];
    let events = told_until(&bob, &begin.1, &asked).await;
    let told = &events[0].1["friend_request"];
    assert_eq!(
        (&told["id"], &told["state"]),
        (&json!(request), &json!("pending"))
    );
    assert_eq!(told["direction"], "incoming");
    bob.act(&format!("/v1/friend-requests/{request}/accept"))
        .await
        .expect_status(200);
    let accepted = ["friend.accepted", "notification.created"];
    let events = told_until(&alice, &begin.0, &accepted).await;
    assert_eq!(events[0].1["friend_request"]["state"], "accepted");
    let answered = ["friend.requested", "notification.cleared"];
    told_until(&bob, &begin.1, &answered).await;
}

#[tokio::test]
async fn a_position_that_leads_nowhere_is_unrecoverable_and_one_that_is_none_is_refused() {
    let app = TestApp::start().await;
    let (author, bob) = (app.person("author").await, app.person("bob").await);
    let begin = position(&author).await;
    let (epoch, offset) = begin.split_once(':').expect("two parts");
    assert_eq!(offset, "0");
    for lost in [
        format!("{epoch}:1"),
        format!("{epoch}:-1"),
        "another:0".to_owned(),
    ] {
        let reply = author.get(&format!("/v1/events?after={lost}")).await;
        reply.expect_problem(410, "unrecoverable");
    }
    for none in ["", "x", "x:y", ":"] {
        let reply = author.get(&format!("/v1/events?after={none}")).await;
        reply.expect_problem(422, "validation_failed");
    }
    // What was there is kept no longer.
    let post = author.post_to(&json!("public"), "a post").await;
    react(&bob, &format!("/v1/posts/{post}")).await;
    settle(&app).await;
    sqlx::query("delete from stream_event")
        .execute(&app.db)
        .await
        .expect("gone");
    let reply = author.get(&format!("/v1/events?after={begin}")).await;
    reply.expect_problem(410, "unrecoverable");
    assert_eq!(list(&author).await.len(), 1, "the list itself has it");
}

#[tokio::test]
async fn a_long_absence_is_caught_up_in_pages() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let mut after = position(&author).await;
    sqlx::query(
        "with top as (
             insert into stream (topic, id, top) values ('user', $1::uuid, 450)
             on conflict (topic, id) do update set top = 450 returning id
         )
         insert into stream_event (topic, id, number, kind, at)
         select 'user', id, number, 'me.changed', now() from top, generate_series(1, 450) number",
    )
    .bind(&author.id)
    .execute(&app.db)
    .await
    .expect("events");
    let mut pages = Vec::new();
    loop {
        let path = format!("/v1/events?after={after}");
        let page = author.get(&path).await.expect_status(200).json;
        pages.push(page["data"].as_array().map_or(0, Vec::len));
        after = at(&page["position"]);
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(pages, [200, 200, 50]);
    assert_eq!(position(&author).await, after);
}

#[tokio::test]
async fn two_requests_of_one_person_are_both_told() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.person("alice").await, app.person("bob").await);
    let begin = position(&bob).await;
    let wish = json!({"user_id": bob.id});
    let first = alice.post("/v1/friend-requests", &wish).await.id();
    settle(&app).await;
    alice
        .delete(&format!("/v1/friend-requests/{first}"))
        .await
        .expect_status(204);
    settle(&app).await;
    let second = alice.post("/v1/friend-requests", &wish).await.id();
    settle(&app).await;
    let (events, _) = told(&bob, &begin).await;
    let requests = events.iter().filter(|(kind, _)| kind == "friend.requested");
    let requests = requests.map(|(_, d)| d["friend_request"]["id"].clone());
    assert_eq!(
        requests.collect::<Vec<_>>(),
        [json!(first), json!(second)],
        "{events:#?}"
    );
}
