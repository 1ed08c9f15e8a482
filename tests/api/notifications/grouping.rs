//! What belongs together is one notification, in a list that can be walked.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{actors, expect_kinds, list, list_until, react, settle};
use crate::support::TestApp;

#[tokio::test]
async fn reactions_to_one_post_are_one_notification_with_its_last_three_people() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let post = author.post_to(&json!("public"), "a post").await;
    let other = author.post_to(&json!("public"), "another").await;
    let mut names = Vec::new();
    for number in 0..5 {
        let fan = app.person("fan").await;
        react(&fan, &format!("/v1/posts/{post}")).await;
        names.push(fan.username.clone());
        list_until(&author, |found| {
            found
                .first()
                .is_some_and(|one| one["actor_count"] == number + 1)
        })
        .await;
    }
    let last = app.person("last").await;
    react(&last, &format!("/v1/posts/{other}")).await;
    let told = expect_kinds(&author, &["reaction", "reaction"]).await;
    assert_ne!(told[0]["group_key"], told[1]["group_key"]);
    assert_eq!(told[1]["actor_count"], 5);
    names.reverse();
    assert_eq!(actors(&told[1]), names[..3]);

    // Ungrouped, each is one.
    let single = author.walk("/v1/notifications?grouped=false", 2).await;
    assert_eq!(single.len(), 6);
    assert!(single.iter().all(|one| one["actor_count"] == 1));
    let ids: BTreeSet<&str> = single.iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids.len(), 6);
}

#[tokio::test]
async fn several_things_by_one_person_count_them_once() {
    let app = TestApp::start().await;
    let (author, bob) = (app.person("author").await, app.person("bob").await);
    let post = author.post_to(&json!("public"), "a post").await;
    let mut comments = Vec::new();
    for number in 0..3 {
        comments.push(bob.comment_on(&post, &format!("comment {number}")).await);
        settle(&app).await;
    }
    let told = list(&author).await;
    assert_eq!((told.len(), &told[0]["actor_count"]), (1, &json!(1)));
    assert_eq!(told[0]["target"]["excerpt"], "comment 2");
    // With the last one gone, the one before it is the last.
    bob.delete(&format!("/v1/comments/{}", comments[2]))
        .await
        .expect_status(204);
    settle(&app).await;
    let told = list(&author).await;
    assert_eq!((told.len(), &told[0]["actor_count"]), (1, &json!(1)));
    assert_eq!(told[0]["target"]["excerpt"], "comment 1");
}

#[tokio::test]
async fn a_notification_that_is_read_is_unread_again_when_something_new_happens_in_it() {
    let app = TestApp::start().await;
    let (author, bob) = (app.person("author").await, app.person("bob").await);
    let carol = app.person("carol").await;
    let post = author.post_to(&json!("public"), "a post").await;
    let path = format!("/v1/posts/{post}");
    react(&bob, &path).await;
    let told = expect_kinds(&author, &["reaction"]).await;
    let read = format!(
        "/v1/notifications/{}/read",
        told[0]["id"].as_str().expect("an id")
    );
    let after = author.set(&read).await.expect_status(200);
    assert_eq!(
        (&after.json["read"], &after.json["seen"]),
        (&json!(true), &json!(true))
    );
    author.set(&read).await.expect_status(200);
    react(&carol, &path).await;
    let told = list_until(&author, |found| found[0]["actor_count"] == 2).await;
    assert_eq!(told[0]["read"], false);
    // Carol takes it back: what is left was read.
    carol
        .delete(&format!("{path}/reaction"))
        .await
        .expect_status(200);
    let told = list_until(&author, |found| found[0]["actor_count"] == 1).await;
    assert_eq!(told[0]["read"], true);
}

#[tokio::test]
async fn the_list_is_walked_to_its_end_beyond_what_is_kept_hot() {
    let app = TestApp::start().await;
    let (author, bob) = (app.person("author").await, app.person("bob").await);
    for number in 0..130 {
        sqlx::query(
            "with made as (
                 insert into post (post_id, author_id, content, audience, created_at)
                 values (gen_random_uuid(), $1::uuid, $3, 'public', now() - make_interval(mins => $4))
                 returning post_id, created_at
             ), grouped as (
                 insert into notification (notification_id, user_id, kind, group_key, post_id,
                                           actor_count, created_at, updated_at)
                 select gen_random_uuid(), $1::uuid, 'reaction', 'reaction:post:' || post_id, post_id,
                        1, created_at, created_at from made
                 returning notification_id, post_id, created_at
             )
             insert into notification_item
             select gen_random_uuid(), notification_id, $1::uuid, $2::uuid, post_id, created_at
             from grouped",
        )
        .bind(&author.id)
        .bind(&bob.id)
        .bind(format!("post {number}"))
        .bind(number)
        .execute(&app.db)
        .await
        .expect("a notification");
    }
    app.wait_until_voids_are_delivered().await;
    let expected: Vec<Value> = (0..130)
        .map(|number| json!(format!("post {number}")))
        .collect();
    for limit in [100, 37] {
        let walked = author.walk("/v1/notifications", limit).await;
        let excerpts: Vec<Value> = walked
            .iter()
            .map(|one| one["target"]["excerpt"].clone())
            .collect();
        assert_eq!(excerpts, expected, "{limit} at a time");
    }
    let single = author.walk("/v1/notifications?grouped=false", 50).await;
    assert_eq!(single.len(), 130);
    // And back again.
    let second = {
        let first = author.get("/v1/notifications?limit=50").await;
        let next = first.next().expect("a second page");
        author
            .get(&format!("/v1/notifications?limit=50&cursor={next}"))
            .await
    };
    let prev = second.prev().expect("a page before");
    let back = author
        .get(&format!("/v1/notifications?limit=50&cursor={prev}"))
        .await;
    assert_eq!(back.json["data"][0]["target"]["excerpt"], "post 0");
    assert_eq!(back.ids().len(), 50);
}

#[tokio::test]
async fn a_deleted_notification_comes_back_only_with_something_new() {
    let app = TestApp::start().await;
    let (author, bob) = (app.person("author").await, app.person("bob").await);
    let carol = app.person("carol").await;
    let post = author.post_to(&json!("public"), "a post").await;
    react(&bob, &format!("/v1/posts/{post}")).await;
    let told = expect_kinds(&author, &["reaction"]).await;
    let path = format!(
        "/v1/notifications/{}",
        told[0]["id"].as_str().expect("an id")
    );
    bob.delete(&path).await.expect_status(404);
    author.delete(&path).await.expect_status(204);
    author.delete(&path).await.expect_status(404);
    assert_eq!(list(&author).await, Vec::<Value>::new());
    // Another kind of reaction is nothing new.
    let love = json!({"kind": "love"});
    bob.put(&format!("/v1/posts/{post}/reaction"), &love)
        .await
        .expect_status(200);
    settle(&app).await;
    assert_eq!(list(&author).await, Vec::<Value>::new());
    react(&carol, &format!("/v1/posts/{post}")).await;
    let told = expect_kinds(&author, &["reaction"]).await;
    assert_eq!(actors(&told[0]), [carol.username.as_str()]);

    // One thing of several can be deleted, and the rest stays.
    let dave = app.person("dave").await;
    react(&dave, &format!("/v1/posts/{post}")).await;
    list_until(&author, |found| found[0]["actor_count"] == 2).await;
    let single = author.get("/v1/notifications?grouped=false").await.ids();
    author
        .delete(&format!("/v1/notifications/{}", single[0]))
        .await
        .expect_status(204);
    let told = list(&author).await;
    assert_eq!(actors(&told[0]), [carol.username.as_str()]);
}
