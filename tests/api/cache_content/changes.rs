//! A change is seen at once on every instance.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Pair, in_each_way, within};
use crate::support::Session;

in_each_way!(
    an_edit_is_seen_at_once,
    deleting_and_restoring_are_seen_at_once,
    what_people_do_with_a_post_is_seen_at_once,
    a_change_of_a_comment_is_seen_at_once,
    a_change_by_hand_is_seen_within_a_second,
);

async fn read(who: &Session, path: &str) -> Value {
    who.get(path).await.expect_status(200).json
}

/// What a person's list of posts says first.
async fn first_words(who: &Session, author: &Session) -> Value {
    read(who, &format!("/v1/users/{}/posts", author.id)).await["data"][0]["content"].clone()
}

async fn an_edit_is_seen_at_once(pair: Pair) {
    let (author, friend) = pair.one.friends("author", "friend").await;
    let post = author.post_to(&json!("friends"), "first").await;
    let (there, path) = (pair.at_other(&friend), format!("/v1/posts/{post}"));
    for words in ["second", "third"] {
        assert_ne!(read(&friend, &path).await["content"], words);
        assert_ne!(first_words(&there, &author).await, words);
        let change = json!({"content": words});
        author.patch(&path, &change).await.expect_status(200);
        pair.sees("the edit", async || {
            read(&there, &path).await["content"] == words
                && read(&friend, &path).await["content"] == words
                && first_words(&there, &author).await == words
        })
        .await;
    }
}

async fn deleting_and_restoring_are_seen_at_once(pair: Pair) {
    let (author, friend) = pair.one.friends("author", "friend").await;
    author.post_to(&json!("friends"), "older").await;
    let post = author.post_to(&json!("friends"), "newer").await;
    let (there, path) = (pair.at_other(&friend), format!("/v1/posts/{post}"));
    for _ in 0..2 {
        read(&there, &path).await;
        assert_eq!(first_words(&there, &author).await, "newer");
        author.delete(&path).await.expect_status(204);
        there.get(&path).await.expect_problem(404, "not_found");
        assert_eq!(first_words(&there, &author).await, "older");
        let own = pair.at_other(&author);
        let deleted = format!("/v1/users/{}/posts?state=deleted", author.id);
        assert_eq!(own.get(&deleted).await.ids(), std::slice::from_ref(&post));
        let restore = format!("{path}/restore");
        author.act(&restore).await.expect_status(200);
        read(&there, &path).await;
        pair.sees("the restored post", async || {
            first_words(&there, &author).await == "newer"
        })
        .await;
    }
    // New posts as well.
    author.post_to(&json!("friends"), "newest").await;
    pair.sees("the new post", async || {
        first_words(&there, &author).await == "newest"
    })
    .await;
}

async fn what_people_do_with_a_post_is_seen_at_once(pair: Pair) {
    let (author, friend) = pair.one.friends("author", "friend").await;
    let post = author.post_to(&json!("friends"), "do something").await;
    let (there, path) = (pair.at_other(&friend), format!("/v1/posts/{post}"));
    let says = async |pointer: &str, expected: Value| {
        pair.sees(pointer, async || {
            let seen = read(&there, &path).await;
            seen.pointer(pointer).cloned().unwrap_or_default() == expected
        })
        .await;
    };
    let liked = format!("{path}/reaction");
    for (kind, counts) in [("like", json!({"like": 1})), ("wow", json!({"wow": 1}))] {
        let answer = friend.put(&liked, &json!({"kind": kind})).await;
        assert_eq!(answer.json["viewer"]["reaction"], kind);
        assert_eq!(answer.json["counts"]["reactions"], counts);
        says("/viewer/reaction", json!(kind)).await;
        says("/counts/reactions", counts).await;
        pair.sees("who reacted", async || {
            read(&there, &format!("{path}/reactions")).await["data"][0]["kind"] == kind
        })
        .await;
    }
    friend.delete(&liked).await.expect_status(200);
    says("/viewer/reaction", Value::Null).await;
    says("/counts/reactions", json!({})).await;
    friend
        .set(&format!("{path}/saved"))
        .await
        .expect_status(200);
    says("/viewer/saved", json!(true)).await;
    friend
        .delete(&format!("{path}/saved"))
        .await
        .expect_status(200);
    says("/viewer/saved", json!(false)).await;
    friend.comment_on(&post, "a comment").await;
    says("/counts/comments", json!(1)).await;
    let seen = async || there.get("/v1/feed").await.ids().contains(&post);
    pair.sees("the post in the feed", &seen).await;
    friend
        .set(&format!("{path}/hidden"))
        .await
        .expect_status(200);
    pair.sees("the hidden post gone", async || !seen().await)
        .await;
}

async fn a_change_of_a_comment_is_seen_at_once(pair: Pair) {
    let (author, friend) = pair.one.friends("author", "friend").await;
    let post = author.post_to(&json!("friends"), "talk").await;
    let there = pair.at_other(&author);
    let list = format!("/v1/posts/{post}/comments");
    let contents = async |order: &str| -> Vec<Value> {
        let list = read(&there, &format!("{list}?order={order}&expand=replies")).await;
        let items = list["data"].as_array().expect("a list").iter();
        items
            .flat_map(|item| {
                [
                    item["content"].clone(),
                    item["replies"][0]["content"].clone(),
                ]
            })
            .collect()
    };
    assert!(contents("oldest").await.is_empty());
    let comment = friend.comment_on(&post, "hello").await;
    let path = format!("/v1/comments/{comment}");
    let both = async |expected: Vec<Value>| {
        pair.sees("the thread", async || {
            contents("oldest").await == expected && contents("newest").await == expected
        })
        .await;
    };
    both(vec![json!("hello"), Value::Null]).await;
    friend
        .patch(&path, &json!({"content": "hello!"}))
        .await
        .expect_status(200);
    both(vec![json!("hello!"), Value::Null]).await;
    let reply = json!({"content": "and a reply", "parent_id": comment});
    let reply = friend.post(&list, &reply).await.expect_status(201).id();
    both(vec![json!("hello!"), json!("and a reply")]).await;
    pair.sees("the count of replies", async || {
        read(&there, &path).await["counts"]["replies"] == 1
    })
    .await;
    // Deleted, it marks the place of its reply, and leaves with it.
    friend.delete(&path).await.expect_status(204);
    both(vec![json!(""), json!("and a reply")]).await;
    let deeper = json!({"content": "deeper", "parent_id": reply});
    let deeper = friend.post(&list, &deeper).await.expect_status(201).id();
    friend
        .delete(&format!("/v1/comments/{reply}"))
        .await
        .expect_status(204);
    both(vec![json!(""), json!("")]).await;
    read(&there, &path).await;
    friend
        .delete(&format!("/v1/comments/{deeper}"))
        .await
        .expect_status(204);
    both(Vec::new()).await;
    there.get(&path).await.expect_problem(404, "not_found");
}

async fn a_change_by_hand_is_seen_within_a_second(pair: Pair) {
    let author = pair.one.person("author").await;
    let post = author.post_to(&json!("public"), "by kith").await;
    let there = pair.at_other(&author);
    let path = format!("/v1/posts/{post}");
    for who in [&author, &there] {
        assert_eq!(read(who, &path).await["content"], "by kith");
    }
    sqlx::query("update post set content = 'by hand' where post_id = $1")
        .bind(post.parse::<Uuid>().expect("a UUID"))
        .execute(&pair.one.db)
        .await
        .expect("changes");
    for who in [&author, &there] {
        let changed = async || read(who, &path).await["content"] == "by hand";
        within(Duration::from_secs(1), "the change by hand", changed).await;
    }
}
