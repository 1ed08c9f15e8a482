//! Which kinds a person wants to be told of, and on which way.

use serde_json::{Value, json};

use super::{expect_kinds, list, react};
use crate::support::TestApp;

const PATH: &str = "/v1/me/notification-preferences";

#[tokio::test]
async fn preferences_are_a_table_of_kinds_and_channels_and_what_is_left_out_stays() {
    let app = TestApp::start().await;
    let alice = app.person("alice").await;
    let table = alice.get(PATH).await.expect_status(200).json["preferences"].clone();
    let kinds: Vec<&String> = table.as_object().expect("a table").keys().collect();
    assert_eq!(kinds.len(), 9);
    let expected = json!({"in_app": true, "email": false, "push": true});
    assert_eq!(table["comment"], expected);
    assert_eq!(table["friend_request"]["email"], true);

    let change = json!({"preferences": {"comment": {"push": false}, "share": {"email": true}}});
    for _ in 0..2 {
        let changed = alice.put(PATH, &change).await.expect_status(200);
        let expected = json!({"in_app": true, "email": false, "push": false});
        assert_eq!(changed.json["preferences"]["comment"], expected);
    }
    let other = json!({"preferences": {"comment": {"in_app": false}}});
    alice.put(PATH, &other).await.expect_status(200);
    let table = alice.get(PATH).await.expect_status(200).json["preferences"].clone();
    let expected = json!({"in_app": false, "email": false, "push": false});
    assert_eq!(
        (&table["comment"], &table["share"]["email"]),
        (&expected, &json!(true))
    );
    for bad in [
        json!({"preferences": {"boo": {"push": false}}}),
        json!({"preferences": {"comment": {"pigeon": false}}}),
        json!({"preferences": {"comment": {"push": "no"}}}),
        json!({}),
        json!({"preferences": {}, "more": 1}),
    ] {
        alice.put(PATH, &bad).await.expect_status(422);
    }
}

#[tokio::test]
async fn a_kind_that_is_not_wanted_is_in_no_list_and_no_count_until_it_is() {
    let app = TestApp::start().await;
    let (author, bob) = (app.person("author").await, app.person("bob").await);
    let post = author.post_to(&json!("public"), "a post").await;
    react(&bob, &format!("/v1/posts/{post}")).await;
    expect_kinds(&author, &["reaction"]).await;
    for wanted in [false, true] {
        let change = json!({"preferences": {"reaction": {"in_app": wanted}}});
        author.put(PATH, &change).await.expect_status(200);
        let count = usize::from(wanted);
        assert_eq!(list(&author).await.len(), count);
        let counts = author.get("/v1/me/counts").await.expect_status(200);
        assert_eq!(counts.json["notifications"]["unread"], json!(count));
        let single = author.get("/v1/notifications?grouped=false").await;
        assert_eq!(single.json["data"].as_array().map(Vec::len), Some(count));
    }
    assert_ne!(list(&author).await, Vec::<Value>::new());
}
