//! What a person may not see is in no notification, from the moment on that it is so.

use serde_json::{Value, json};

use super::{actors, expect_kinds, list, list_until, react, settle};
use crate::support::{Session, TestApp};

async fn unread(who: &Session) -> Value {
    let reply = who.get("/v1/me/counts").await.expect_status(200);
    reply.json["notifications"]["unread"].clone()
}

#[tokio::test]
async fn people_who_are_blocked_muted_or_suspended_are_heard_no_more_and_do_not_count() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let post = author.post_to(&json!("public"), "a post").await;
    let path = format!("/v1/posts/{post}");
    let (bob, carol) = (app.person("bob").await, app.person("carol").await);
    for (number, who) in [&bob, &carol].into_iter().enumerate() {
        react(who, &path).await;
        list_until(&author, |found| {
            found
                .first()
                .is_some_and(|one| one["actor_count"] == number + 1)
        })
        .await;
    }
    let user = |who: &Session, what: &str| format!("/v1/users/{}/{what}", who.id);
    for what in ["mute", "block"] {
        author.set(&user(&carol, what)).await.expect_status(200);
        let told = list(&author).await;
        assert_eq!(
            (told.len(), &told[0]["actor_count"]),
            (1, &json!(1)),
            "{what}"
        );
        assert_eq!(actors(&told[0]), [bob.username.as_str()], "{what}");
        author.delete(&user(&carol, what)).await.expect_status(200);
        assert_eq!(list(&author).await[0]["actor_count"], 2, "{what}");
    }
    // Blocked by the other side too.
    bob.set(&user(&author, "block")).await.expect_status(200);
    assert_eq!(actors(&list(&author).await[0]), [carol.username.as_str()]);
    sqlx::query("update account set state = 'suspended' where username = $1")
        .bind(&carol.username)
        .execute(&app.db)
        .await
        .expect("suspended");
    app.wait_until_voids_are_delivered().await;
    assert_eq!(list(&author).await, Vec::<Value>::new());
    assert_eq!(unread(&author).await, 0);
}

#[tokio::test]
async fn what_is_narrowed_or_deleted_is_told_no_more_and_again_when_it_is_back() {
    let app = TestApp::start().await;
    let (author, bob) = (app.person("author").await, app.person("bob").await);
    let post = author.post_to(&json!("public"), "hello @bob1").await;
    let comment = author.comment_on(&post, "bob is @bob1").await;
    expect_kinds(&bob, &["mention", "mention"]).await;
    let path = format!("/v1/posts/{post}");
    for (narrow, wide) in [("only_me", "public"), ("friends", "public")] {
        let change = json!({"audience": narrow});
        author.patch(&path, &change).await.expect_status(200);
        assert_eq!(list(&bob).await, Vec::<Value>::new(), "{narrow}");
        assert_eq!(unread(&bob).await, 0, "{narrow}");
        settle(&app).await;
        let change = json!({"audience": wide});
        author.patch(&path, &change).await.expect_status(200);
        // The mention in the text itself is found anew by the edit.
        list_until(&bob, |found| found.len() == 2).await;
    }
    author.delete(&path).await.expect_status(204);
    assert_eq!(list(&bob).await, Vec::<Value>::new());
    author
        .act(&format!("{path}/restore"))
        .await
        .expect_status(200);
    assert_eq!(list(&bob).await.len(), 2);
    author
        .delete(&format!("/v1/comments/{comment}"))
        .await
        .expect_status(204);
    assert_eq!(list(&bob).await.len(), 1);
}

#[tokio::test]
async fn unfriending_hides_what_was_for_friends_at_once() {
    let app = TestApp::start().await;
    let (author, bob) = app.friends("author", "bob").await;
    author.post_to(&json!("friends"), "dear @bob1").await;
    let told = expect_kinds(&bob, &["mention"]).await;
    let read = format!(
        "/v1/notifications/{}/read",
        told[0]["id"].as_str().expect("an id")
    );
    bob.delete(&format!("/v1/friends/{}", author.id))
        .await
        .expect_status(200);
    assert_eq!(list(&bob).await, Vec::<Value>::new());
    bob.set(&read).await.expect_status(404);
}

#[tokio::test]
async fn a_large_group_leaves_out_whom_its_person_has_muted_beyond_those_it_keeps() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let post = author.post_to(&json!("public"), "a post").await;
    let path = format!("/v1/posts/{post}");
    let first = app.person("first").await;
    react(&first, &path).await;
    for _ in 0..10 {
        react(&app.person("fan").await, &path).await;
    }
    let told = list_until(&author, |found| {
        found.first().is_some_and(|one| one["actor_count"] == 11)
    })
    .await;
    assert_eq!(told.len(), 1);
    author
        .set(&format!("/v1/users/{}/mute", first.id))
        .await
        .expect_status(200);
    assert_eq!(list(&author).await[0]["actor_count"], 10);
}

#[tokio::test]
async fn whoever_is_suspended_does_not_count_among_many_either() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let post = author.post_to(&json!("public"), "a post").await;
    let mut fans = Vec::new();
    for _ in 0..11 {
        let fan = app.person("fan").await;
        react(&fan, &format!("/v1/posts/{post}")).await;
        fans.push(fan);
    }
    settle(&app).await;
    let count = async || list(&author).await[0]["actor_count"].clone();
    assert_eq!(count().await, 11);
    for (left, gone) in [(10, &fans[0]), (9, &fans[10])] {
        sqlx::query("update account set state = 'suspended' where username = $1")
            .bind(&gone.username)
            .execute(&app.db)
            .await
            .expect("suspended");
        app.wait_until_voids_are_delivered().await;
        assert_eq!(count().await, left, "{}", gone.username);
    }
    // Somebody who is muted as well counts out once.
    let mute = format!("/v1/users/{}/mute", fans[1].id);
    author.set(&mute).await.expect_status(200);
    assert_eq!(count().await, 8);
}
