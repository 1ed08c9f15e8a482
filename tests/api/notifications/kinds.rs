//! Each kind: who is told, of what, and where it leads; and what was undone.

use std::time::Duration;

use serde_json::{Value, json};

use super::{actors, expect_kinds, list, list_until, react, reply_to, settle};
use crate::support::TestApp;

#[tokio::test]
async fn a_request_for_friendship_waits_until_it_is_answered_and_its_acceptance_is_told() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.person("alice").await, app.person("bob").await);
    let wish = json!({"user_id": bob.id});
    let request = alice.post("/v1/friend-requests", &wish).await.id();
    let told = expect_kinds(&bob, &["friend_request"]).await;
    assert_eq!(actors(&told[0]), [alice.username.as_str()]);
    let target = &told[0]["target"];
    assert_eq!(
        (&target["kind"], &target["id"]),
        (&json!("user"), &json!(alice.id))
    );
    assert_eq!(target["friend_request_id"], request);
    bob.act(&format!("/v1/friend-requests/{request}/accept"))
        .await
        .expect_status(200);
    let told = expect_kinds(&alice, &["friend_accepted"]).await;
    assert_eq!(actors(&told[0]), [bob.username.as_str()]);
    expect_kinds(&bob, &[]).await;
}

#[tokio::test]
async fn a_request_that_is_taken_back_declined_or_ended_by_a_block_leaves_nothing() {
    let app = TestApp::start().await;
    let alice = app.person("alice").await;
    for end in ["cancel", "decline", "block"] {
        let asking = app.person(end).await;
        let wish = json!({"user_id": alice.id});
        let request = asking.post("/v1/friend-requests", &wish).await.id();
        expect_kinds(&alice, &["friend_request"]).await;
        let path = format!("/v1/friend-requests/{request}");
        match end {
            "cancel" => asking.delete(&path).await.expect_status(204),
            "decline" => alice
                .act(&format!("{path}/decline"))
                .await
                .expect_status(200),
            _ => {
                let block = format!("/v1/users/{}/block", asking.id);
                alice.set(&block).await.expect_status(200)
            }
        };
        settle(&app).await;
        let rows: i64 = sqlx::query_scalar("select count(*) from notification")
            .fetch_one(&app.db)
            .await
            .expect("a count");
        assert_eq!(rows, 0, "{end}");
    }
}

#[tokio::test]
async fn a_comment_is_told_to_the_author_of_the_post_and_an_answer_to_whom_it_answers() {
    let app = TestApp::start().await;
    let (author, bob) = app.friends("author", "bob").await;
    let carol = app.person("carol").await;
    let post = author.post_to(&json!("public"), "a post").await;
    let comment = bob.comment_on(&post, "well said").await;
    let told = expect_kinds(&author, &["comment", "friend_accepted"]).await;
    let expected = json!({
        "kind": "post", "id": post, "post_id": post, "comment_id": comment,
        "conversation_id": null, "friend_request_id": null, "excerpt": "well said",
        "url": format!("{}/posts/{post}#comment-{comment}", app.url),
    });
    assert_eq!(told[0]["target"], expected);

    let answer = reply_to(&carol, &post, &comment, "indeed").await;
    let told = expect_kinds(&bob, &["reply"]).await;
    assert_eq!(told[0]["target"]["comment_id"], json!(answer));
    assert_eq!(told[0]["target"]["excerpt"], "indeed");
    let told = expect_kinds(&author, &["comment", "friend_accepted"]).await;
    assert_eq!(actors(&told[0]), [&carol.username, &bob.username]);
    // The author answers: bob is told, and the author is not told of that.
    reply_to(&author, &post, &comment, "thanks").await;
    settle(&app).await;
    assert_eq!(list(&author).await[0]["actor_count"], 2);
    assert_eq!(list(&bob).await[0]["actor_count"], 2);
}

#[tokio::test]
async fn nobody_is_told_of_what_they_did_themselves() {
    let app = TestApp::start().await;
    let alice = app.person("alice").await;
    let post = alice.post_to(&json!("public"), "@alice0 and me").await;
    let comment = alice.comment_on(&post, "hello @alice0").await;
    reply_to(&alice, &post, &comment, "hello back").await;
    react(&alice, &format!("/v1/posts/{post}")).await;
    react(&alice, &format!("/v1/comments/{comment}")).await;
    let share = json!({"shared_post_id": post, "audience": "public"});
    alice.post("/v1/posts", &share).await.expect_status(201);
    settle(&app).await;
    assert_eq!(list(&alice).await, Vec::<Value>::new());
}

#[tokio::test]
async fn reactions_are_told_and_taking_one_back_leaves_no_trace() {
    let app = TestApp::start().await;
    let (author, bob) = (app.person("author").await, app.person("bob").await);
    let post = author.post_to(&json!("public"), "a post").await;
    let comment = author.comment_on(&post, "a comment").await;
    for path in [
        format!("/v1/posts/{post}"),
        format!("/v1/comments/{comment}"),
    ] {
        react(&bob, &path).await;
        let told = expect_kinds(&author, &["reaction"]).await;
        let is_post = path.contains("posts");
        let words = if is_post { "a post" } else { "a comment" };
        assert_eq!(told[0]["target"]["excerpt"], words);
        let kind = if is_post { "post" } else { "comment" };
        assert_eq!(told[0]["target"]["kind"], kind);
        bob.delete(&format!("{path}/reaction"))
            .await
            .expect_status(200);
        expect_kinds(&author, &[]).await;
    }
}

#[tokio::test]
async fn a_deleted_comment_takes_all_that_was_told_of_it_with_it() {
    let app = TestApp::start().await;
    let (author, bob) = (app.person("author").await, app.person("bob").await);
    let post = author.post_to(&json!("public"), "a post").await;
    let comment = bob.comment_on(&post, "hello @author0").await;
    expect_kinds(&author, &["mention"]).await;
    react(&author, &format!("/v1/comments/{comment}")).await;
    expect_kinds(&bob, &["reaction"]).await;
    bob.delete(&format!("/v1/comments/{comment}"))
        .await
        .expect_status(204);
    // Nothing is shown at once, and nothing is kept a little later.
    assert_eq!(list(&author).await, Vec::<Value>::new());
    assert_eq!(list(&bob).await, Vec::<Value>::new());
    settle(&app).await;
    let rows: i64 = sqlx::query_scalar("select count(*) from notification")
        .fetch_one(&app.db)
        .await
        .expect("a count");
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn a_share_is_told_to_whose_post_it_shares_if_they_may_see_it() {
    let app = TestApp::start().await;
    let (author, bob) = (app.person("author").await, app.person("bob").await);
    let post = author.post_to(&json!("public"), "the original").await;
    for (audience, words) in [("friends", "hidden"), ("public", "look at this")] {
        let share = json!({"shared_post_id": post, "audience": audience, "content": words});
        bob.post("/v1/posts", &share).await.expect_status(201);
        settle(&app).await;
    }
    let told = expect_kinds(&author, &["share"]).await;
    assert_eq!(told[0]["target"]["id"], json!(post));
    assert_eq!(told[0]["target"]["excerpt"], "look at this");
}

#[tokio::test]
async fn a_mention_is_told_once_and_follows_the_text() {
    let app = TestApp::start().await;
    let (author, bob) = (app.person("author").await, app.person("bob").await);
    let post = author
        .post_to(&json!("public"), "hello @Bob1, @bob1!")
        .await;
    let told = expect_kinds(&bob, &["mention"]).await;
    assert_eq!(told[0]["target"]["kind"], "post");
    assert_eq!(told[0]["actor_count"], 1);
    let path = format!("/v1/posts/{post}");
    for (words, kinds) in [("hello", &[][..]), ("again @bob1", &["mention"][..])] {
        let change = json!({"content": words});
        author.patch(&path, &change).await.expect_status(200);
        expect_kinds(&bob, kinds).await;
    }
    // Not to whom may not see it, and an answer that calls somebody is a mention and no answer.
    author
        .post_to(&json!("only_me"), "a secret about @bob1")
        .await;
    let comment = bob.comment_on(&post, "yes?").await;
    let answer = reply_to(&author, &post, &comment, "never mind, @bob1").await;
    let told = expect_kinds(&bob, &["mention", "mention"]).await;
    assert_eq!(told[0]["target"]["id"], json!(answer));
    let edit = json!({"content": "never mind"});
    author
        .patch(&format!("/v1/comments/{answer}"), &edit)
        .await
        .expect_status(200);
    expect_kinds(&bob, &["mention"]).await;
}

/// An author who takes a name out and puts it back in calls nobody anew.
#[tokio::test]
async fn a_mention_that_comes_back_is_listed_as_read_and_not_told_again() {
    let app = TestApp::start().await;
    let (author, bob) = (app.person("author").await, app.person("bob").await);
    let post = author.post_to(&json!("public"), "a post").await;
    let comment = author.comment_on(&post, "hello @bob1").await;
    expect_kinds(&bob, &["mention"]).await;
    let paths = [
        format!("/v1/posts/{post}"),
        format!("/v1/comments/{comment}"),
    ];
    for round in 0..3 {
        for words in ["again @bob1", "nobody"] {
            for path in &paths {
                let change = json!({ "content": format!("{words} {round}") });
                author.patch(path, &change).await.expect_status(200);
            }
            let there = if words == "nobody" { 0 } else { 2 };
            let told = list_until(&bob, |found| found.len() == there).await;
            let unread = told.iter().filter(|one| one["read"] == false).count();
            // What the first round adds or keeps is new; what comes back later is not.
            let expected = if round == 0 { there } else { 0 };
            assert_eq!(unread, expected, "{round}: {told:#?}");
        }
    }
    settle(&app).await;
    let told: i64 =
        sqlx::query_scalar("select count(*) from stream_event where kind = 'notification.created'")
            .fetch_one(&app.db)
            .await
            .expect("a count");
    assert_eq!(told, 2, "one for each text");
}

/// The name never left the text: what nobody has looked at is as new as it was.
#[tokio::test]
async fn a_mention_in_a_post_that_was_for_others_meanwhile_is_as_new_as_it_was() {
    let app = TestApp::start().await;
    let (author, bob) = app.friends("author", "bob").await;
    let post = author.post_to(&json!("friends"), "hello @bob1").await;
    let path = format!("/v1/posts/{post}");
    let mentions = async || {
        let mut told = list(&bob).await;
        told.retain(|one| one["kind"] == "mention");
        told
    };
    list_until(&bob, |told| told.iter().any(|one| one["kind"] == "mention")).await;
    for (audience, count) in [("only_me", 0), ("friends", 1)] {
        author
            .patch(&path, &json!({ "audience": audience }))
            .await
            .expect_status(200);
        settle(&app).await;
        let told = mentions().await;
        assert_eq!(told.len(), count, "{audience}");
        assert!(
            told.iter()
                .all(|one| one["read"] == false && one["seen"] == false)
        );
    }
    author
        .patch(&path, &json!({"content": "nobody"}))
        .await
        .expect_status(200);
    settle(&app).await;
    assert_eq!(mentions().await.len(), 0);
}

#[tokio::test]
async fn an_event_that_is_handled_again_tells_nothing_twice() {
    let app = TestApp::start().await;
    let (author, bob) = (app.person("author").await, app.person("bob").await);
    let post = author.post_to(&json!("public"), "a post for @bob1").await;
    let comment = bob.comment_on(&post, "hello").await;
    react(&bob, &format!("/v1/posts/{post}")).await;
    reply_to(&author, &post, &comment, "hello").await;
    settle(&app).await;
    let before = (list(&author).await, list(&bob).await);
    assert_eq!((before.0.len(), before.1.len()), (2, 2));
    for _ in 0..2 {
        sqlx::query("update outbox set delivered_at = null")
            .execute(&app.db)
            .await
            .expect("again");
        settle(&app).await;
    }
    assert_eq!((list(&author).await, list(&bob).await), before);
}

#[tokio::test]
async fn a_request_that_ends_while_it_is_told_leaves_nothing() {
    let app = TestApp::start_with(&[("KITH_ROLES", "web")]).await;
    let (alice, bob) = (app.person("alice").await, app.person("bob").await);
    let request = alice
        .post("/v1/friend-requests", &json!({"user_id": bob.id}))
        .await
        .expect_status(201);
    let mut ending = app.db.begin().await.expect("a transaction");
    sqlx::query(
        "update friend_request set state = 'declined', decided_at = now()
         where friend_request_id = $1::uuid",
    )
    .bind(request.id())
    .execute(&mut *ending)
    .await
    .expect("declined");
    // Nobody handles events before this one.
    let worker = app.start_beside(&[]).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    ending.commit().await.expect("committed");
    settle(&worker).await;
    assert_eq!(list(&bob.at(&worker.url)).await, Vec::<Value>::new());
}

#[tokio::test]
async fn of_a_muted_post_one_hears_only_what_mentions_one() {
    let app = TestApp::start().await;
    let (author, bob) = app.friends("author", "bob").await;
    let post = author.post_to(&json!("public"), "a post").await;
    let mute = format!("/v1/posts/{post}/mute");
    settle(&app).await;
    let before = list(&author).await.len();
    author.set(&mute).await.expect_status(200);
    react(&bob, &format!("/v1/posts/{post}")).await;
    bob.comment_on(&post, "hello").await;
    settle(&app).await;
    assert_eq!(list(&author).await.len(), before);
    bob.comment_on(&post, &format!("hello @{}", author.username))
        .await;
    settle(&app).await;
    let told = list(&author).await;
    assert_eq!(told.len(), before + 1);
    assert_eq!(told[0]["kind"], "mention");
    author.delete(&mute).await.expect_status(200);
    bob.comment_on(&post, "and again").await;
    settle(&app).await;
    assert_eq!(list(&author).await[0]["kind"], "comment");
    // Whom a post is hidden from cannot mute it.
    let secret = author.post_to(&json!("only_me"), "a secret").await;
    bob.set(&format!("/v1/posts/{secret}/mute"))
        .await
        .expect_status(404);
}
