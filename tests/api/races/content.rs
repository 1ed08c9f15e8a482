//! Posts, comments, reactions and marks that change at once.

use futures_util::future::join_all;
use serde_json::json;

use super::{count, counted, tally};
use crate::support::TestApp;

#[tokio::test]
async fn one_person_who_flips_reactions_from_many_places_counts_once() {
    let app = TestApp::start().await;
    let (author, fan) = app.friends("author", "fan").await;
    let post = author.post_to(&json!("friends"), "react!").await;
    let comment = author.comment_on(&post, "react to this too").await;
    for target in [format!("posts/{post}"), format!("comments/{comment}")] {
        let path = format!("/v1/{target}/reaction");
        let kinds = ["like", "love", "care", "haha", "wow", "sad", "angry"];
        let all = (0..60).map(async |index| match index % 4 {
            3 => fan.delete(&path).await,
            _ => fan.put(&path, &json!({"kind": kinds[index % 7]})).await,
        });
        assert_eq!(tally(&join_all(all).await), counted([("200", 60)]));
        let last = json!({"kind": "wow"});
        let marks = fan.put(&path, &last).await.expect_status(200);
        assert_eq!(marks.json["counts"]["reactions"], json!({"wow": 1}));
        app.expect_no_drift().await;
    }
    assert_eq!(count(&app, "select count(*) from reaction").await, 2);
}

#[tokio::test]
async fn comments_and_reactions_that_meet_the_end_of_their_post_are_whole_or_absent() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    for _ in 0..6 {
        let post = author.post_to(&json!("friends"), "not for long").await;
        let path = format!("/v1/posts/{post}");
        let (comments, reaction) = (format!("{path}/comments"), format!("{path}/reaction"));
        let (said, like) = (json!({"content": "quick"}), json!({"kind": "like"}));
        let narrower = json!({"audience": "only_me"});
        let all = (0..11).map(async |index| match index {
            5 => author.delete(&path).await,
            3 => author.patch(&path, &narrower).await,
            even if even % 2 == 0 => friend.post(&comments, &said).await,
            _ => friend.put(&reaction, &like).await,
        });
        let replies = join_all(all).await;
        tally(&replies);
        replies[5].clone().expect_status(204);
        let made = replies.iter().filter(|reply| reply.status == 201).count();
        let restored = author
            .act(&format!("{path}/restore"))
            .await
            .expect_status(200);
        assert_eq!(restored.json["counts"]["comments"], made);
        app.expect_no_drift().await;
    }
}

#[tokio::test]
async fn replies_that_meet_the_end_of_their_comment_are_counted_exactly() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    let post = author.post_to(&json!("friends"), "a post").await;
    let comments = format!("/v1/posts/{post}/comments");
    for _ in 0..6 {
        let parent = friend.comment_on(&post, "say something").await;
        let path = format!("/v1/comments/{parent}");
        let reply = json!({"content": "something", "parent_id": parent});
        let all = (0..9).map(async |index| match index {
            4 | 6 => friend.delete(&path).await,
            5 => author.delete(&path).await,
            _ => author.post(&comments, &reply).await,
        });
        let replies = join_all(all).await;
        tally(&replies);
        let deleted = replies.iter().filter(|reply| reply.status == 204).count();
        assert_eq!(deleted, 1, "of three deletions one succeeds");
        app.expect_no_drift().await;
    }
}

#[tokio::test]
async fn deleting_and_restoring_from_many_places_counts_once() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let original = author.post_to(&json!("public"), "the original").await;
    let share = json!({"shared_post_id": original, "audience": "public"});
    let share = author
        .post("/v1/posts", &share)
        .await
        .expect_status(201)
        .id();
    let (path, restore) = (
        format!("/v1/posts/{share}"),
        format!("/v1/posts/{share}/restore"),
    );
    let audiences = ["public", "friends", "only_me"];
    let all = (0..30).map(async |index| match index % 3 {
        0 => author.delete(&path).await,
        1 => author.act(&restore).await,
        _ => {
            let change =
                json!({"audience": audiences[index % 7 % 3], "content": index.to_string()});
            author.patch(&path, &change).await
        }
    });
    tally(&join_all(all).await);
    author.act(&restore).await.expect_status(200);
    let seen = author.get(&format!("/v1/posts/{original}")).await;
    assert_eq!(seen.json["counts"]["shares"], 1);
    app.expect_no_drift().await;
}

#[tokio::test]
async fn edits_from_one_version_at_once_have_one_winner() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let post = author.post_to(&json!("public"), "first").await;
    let path = format!("/v1/posts/{post}");
    let tag = author.get(&path).await.header("etag").expect("a tag");
    let all = (0..10).map(async |index| {
        let request = author.request(reqwest::Method::PATCH, &path);
        let body = json!({"content": format!("edit {index}")});
        let request = request.header("If-Match", &tag).json(&body);
        author.send(request).await
    });
    let expected = counted([("200", 1), ("412 precondition_failed", 9)]);
    assert_eq!(tally(&join_all(all).await), expected);
    let revisions = "select count(*) from post_revision";
    assert_eq!(count(&app, revisions).await, 1);
}

#[tokio::test]
async fn saving_and_hiding_many_times_at_once_is_saving_and_hiding_once() {
    let app = TestApp::start().await;
    let me = app.person("me").await;
    let post = me.post_to(&json!("public"), "keep").await;
    for mark in ["saved", "hidden"] {
        let path = format!("/v1/posts/{post}/{mark}");
        let replies = join_all((0..20).map(|_| me.set(&path))).await;
        assert_eq!(tally(&replies), counted([("200", 20)]));
    }
    assert_eq!(count(&app, "select count(*) from saved_post").await, 1);
    assert_eq!(count(&app, "select count(*) from hidden_post").await, 1);
}
