//! Lists of conversations.

use serde_json::json;

use super::{direct, group, listed, say, seen};
use crate::support::{Session, TestApp};

async fn friend_of(app: &TestApp, me: &Session, name: &str) -> Session {
    let friend = app.person(name).await;
    me.befriend(&friend).await;
    friend
}

#[tokio::test]
async fn the_conversation_in_which_something_was_said_last_comes_first() {
    let app = TestApp::start().await;
    let me = app.person("me").await;
    let mut ids = Vec::new();
    for name in ["ada", "bea", "cora", "dina", "elle"] {
        let friend = friend_of(&app, &me, name).await;
        let id = direct(&friend, &me).await;
        say(&friend, &id, "hi").await;
        ids.insert(0, id);
    }
    assert_eq!(listed(&me, "").await, ids);
    say(&me, &ids[4], "back to you").await;
    ids.rotate_right(1);
    let walked = me.walk("/v1/conversations", 2).await;
    let walked: Vec<_> = walked.iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(walked, ids);
    let after = seen(&me, &ids[2]).await["updated_at"].clone();
    let after = after.as_str().expect("an instant").to_owned();
    // The instant is told to the millisecond: the one that it names may be there again.
    let newer = listed(&me, &format!("?updated_after={after}")).await;
    assert!(newer == ids[..2] || newer == ids[..3], "{newer:?}");
    let first = me.get("/v1/conversations?limit=2").await;
    let prev = first.prev().expect("a cursor");
    say(&me, &ids[3], "and you").await;
    let newer = me
        .get(&format!("/v1/conversations?limit=2&cursor={prev}"))
        .await;
    assert_eq!(newer.ids(), [ids[3].as_str()]);
}

#[tokio::test]
async fn a_search_looks_at_titles_and_at_names_of_others() {
    let app = TestApp::start().await;
    let me = app.person("me").await;
    let (anna, bert) = (
        friend_of(&app, &me, "annabel").await,
        friend_of(&app, &me, "bert").await,
    );
    let with_anna = direct(&me, &anna).await;
    let with_bert = direct(&me, &bert).await;
    let both = group(&me, &[&anna, &bert]).await;
    me.patch(
        &format!("/v1/conversations/{both}"),
        &json!({"title": "Räder & 100%"}),
    )
    .await
    .expect_status(200);
    let found = async |q: &str| {
        let mut found = listed(&me, &format!("?q={q}")).await;
        found.sort();
        found
    };
    let sorted = |ids: &[&String]| {
        let mut ids: Vec<String> = ids.iter().map(|id| (*id).clone()).collect();
        ids.sort();
        ids
    };
    assert_eq!(found("ANNA").await, sorted(&[&with_anna, &both]));
    assert_eq!(found("bert").await, sorted(&[&with_bert, &both]));
    assert_eq!(found("r%C3%A4der").await, sorted(&[&both]));
    assert_eq!(found("100%25").await, sorted(&[&both]));
    assert!(found("%25").await.len() == 1, "a sign is a sign");
    assert!(found("me0").await.is_empty(), "one's own name is in all");
    me.get("/v1/conversations?q=")
        .await
        .expect_problem(422, "validation_failed");
    me.get("/v1/conversations?filter=none")
        .await
        .expect_problem(422, "validation_failed");
}

#[tokio::test]
async fn the_filters_agree_with_the_counts() {
    let app = TestApp::start().await;
    let (me, friend) = app.friends("me", "friend").await;
    let stranger = app.person("stranger").await;
    let (known, asked) = (direct(&friend, &me).await, direct(&stranger, &me).await);
    say(&friend, &known, "news").await;
    say(&stranger, &asked, "hello").await;
    assert_eq!(listed(&me, "?filter=unread").await, [known.as_str()]);
    assert_eq!(listed(&me, "?filter=requests").await, [asked.as_str()]);
    let mut conn = app.db.acquire().await.expect("a connection");
    let my_id = me.id.parse().expect("an id");
    let mut counts = async || {
        let mut reads = kith::platform::Reads::Within(&mut conn);
        let counts = kith::domains::messaging::count_waiting(&mut reads, my_id).await;
        let counts = counts.expect("counts");
        (counts.unread, counts.requests)
    };
    assert_eq!(counts().await, (1, 1));
    super::read(&me, &known, 1).await;
    assert!(listed(&me, "?filter=unread").await.is_empty());
    assert_eq!(counts().await, (0, 1));
    stranger
        .set(&format!("/v1/users/{}/block", me.id))
        .await
        .expect_status(200);
    assert_eq!(counts().await, (0, 0));
}
