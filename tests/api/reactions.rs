//! Reactions to posts.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::TestApp;

#[tokio::test]
async fn a_reaction_is_one_a_person_and_can_be_changed_and_taken_back() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    let post = author.post_to(&json!("friends"), "react!").await;
    let path = format!("/v1/posts/{post}/reaction");
    for (kind, counts) in [
        ("like", json!({"like": 1})),
        ("like", json!({"like": 1})),
        ("sad", json!({"sad": 1})),
        ("love", json!({"love": 1})),
    ] {
        let marks = friend
            .put(&path, &json!({"kind": kind}))
            .await
            .expect_status(200);
        assert_eq!(marks.json["counts"]["reactions"], counts);
        assert_eq!(marks.json["viewer"]["reaction"], kind);
    }
    let seen = author.get(&format!("/v1/posts/{post}")).await;
    assert_eq!(seen.json["counts"]["reactions"], json!({"love": 1}));
    assert_eq!(seen.json["viewer"]["reaction"], Value::Null);
    for _ in 0..2 {
        let marks = friend.delete(&path).await.expect_status(200);
        assert_eq!(marks.json["counts"]["reactions"], json!({}));
        assert_eq!(marks.json["viewer"]["reaction"], Value::Null);
    }
    let unknown = friend.put(&path, &json!({"kind": "boo"})).await;
    unknown.expect_problem(422, "validation_failed");
    let stranger = app.person("stranger").await;
    let hidden = stranger.put(&path, &json!({"kind": "like"})).await;
    hidden.expect_problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_people_at_once_are_counted_exactly() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let post = author.post_to(&json!("public"), "popular").await;
    let path = format!("/v1/posts/{post}/reaction");
    let mut people = Vec::new();
    for _ in 0..50 {
        people.push(app.person("fan").await);
    }
    for kinds in [["like", "love"], ["love", "sad"], ["sad", "like"]] {
        let all = people.iter().enumerate().map(async |(index, person)| {
            let kind = json!({"kind": kinds[index % 2]});
            person.put(&path, &kind).await.expect_status(200);
        });
        join_all(all).await;
    }
    let seen = author.get(&format!("/v1/posts/{post}")).await;
    assert_eq!(
        seen.json["counts"]["reactions"],
        json!({"like": 25, "sad": 25})
    );
    // The same person from many places at once counts once.
    let kinds = ["like", "love", "care", "haha", "wow", "sad", "angry"];
    let all = (0..50).map(async |index| {
        if index % 5 == 4 {
            people[0].delete(&path).await.expect_status(200);
        } else {
            let kind = json!({"kind": kinds[index % 7]});
            people[0].put(&path, &kind).await.expect_status(200);
        }
    });
    join_all(all).await;
    people[0].delete(&path).await.expect_status(200);
    let mut conn = app.ctx.conn().await.expect("a connection");
    let drifted = kith::domains::reactions::recount(&mut conn).await;
    assert_eq!(drifted.expect("counts"), 0);
    let list = author
        .walk(&format!("/v1/posts/{post}/reactions"), 20)
        .await;
    assert_eq!(list.len(), 49);
}

#[tokio::test]
async fn the_list_of_reactions_is_newest_first_by_kind_and_without_blocked_people() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let reader = app.person("reader").await;
    let post = author.post_to(&json!("public"), "react!").await;
    let mut people = Vec::new();
    for kind in ["like", "love", "like", "like", "love"] {
        let person = app.person("fan").await;
        let path = format!("/v1/posts/{post}/reaction");
        person
            .put(&path, &json!({"kind": kind}))
            .await
            .expect_status(200);
        people.push(person);
    }
    let path = format!("/v1/posts/{post}/reactions");
    let who = async |path: &str| -> Vec<String> {
        let list = reader.walk(path, 2).await;
        let id = |item: &Value| item["user"]["id"].as_str().expect("an id").to_owned();
        list.iter().map(id).collect()
    };
    let ids = |indices: &[usize]| -> Vec<String> {
        indices
            .iter()
            .map(|index| people[*index].id.clone())
            .collect()
    };
    assert_eq!(who(&path).await, ids(&[4, 3, 2, 1, 0]));
    let likes = format!("{path}?kind=like");
    assert_eq!(who(&likes).await, ids(&[3, 2, 0]));
    people[3]
        .set(&format!("/v1/users/{}/block", reader.id))
        .await
        .expect_status(200);
    assert_eq!(who(&path).await, ids(&[4, 2, 1, 0]));
    assert_eq!(who(&likes).await, ids(&[2, 0]));
    let seen = reader.get(&format!("/v1/posts/{post}")).await;
    assert_eq!(
        seen.json["counts"]["reactions"],
        json!({"like": 3, "love": 2})
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recount_mends_summaries_that_drifted() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let post = author.post_to(&json!("public"), "react!").await;
    let path = format!("/v1/posts/{post}");
    let kind = json!({"kind": "wow"});
    author
        .put(&format!("{path}/reaction"), &kind)
        .await
        .expect_status(200);
    for drift in [
        "update reaction_summary set count = 5",
        "insert into reaction_summary select target_kind, target_id, 'sad', 2 from reaction_summary",
    ] {
        sqlx::query(drift).execute(&app.db).await.expect("drift");
        let mut conn = app.ctx.conn().await.expect("a connection");
        let drifted = kith::domains::reactions::recount(&mut conn).await;
        assert_eq!(drifted.expect("counts"), 1);
        let seen = author.get(&path).await;
        assert_eq!(seen.json["counts"]["reactions"], json!({"wow": 1}));
    }
}
