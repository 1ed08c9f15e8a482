//! What there is to listen to.

use kith::kernel::OpaqueToken;
use serde_json::{Value, json};

use super::client::Socket;
use super::{QUICK, QUIET, beside, post_of, publish, second, subscribe};
use crate::support::{Session, TestApp, mode};

#[tokio::test]
async fn a_comment_reaches_those_who_listen_to_its_post() {
    let app = TestApp::start().await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let (post, channel) = post_of(&ada).await;
    let mut socket = Socket::of(&ada, &app.url).await;
    let subscribed = subscribe(&mut socket, &channel).await;
    let comment = bob.comment_on(&post, "hello").await;
    let event = socket.event("comment.created").await;
    assert_eq!(event["d"]["comment"]["id"], comment);
    assert_eq!(event["d"]["comment"]["viewer"], Value::Null);
    assert_eq!(
        (&event["ch"], &event["by"]),
        (&json!(channel), &json!(bob.id))
    );
    assert_eq!(event["e"], subscribed["e"]);
    assert_eq!(event["o"], subscribed["o"].as_i64().expect("a place") + 1);
    let counters = socket.event("post.counters").await;
    assert_eq!(counters["d"]["counts"]["comments"], 1);
    assert!(counters.get("o").is_none(), "a state has no place");
}

#[tokio::test]
async fn an_event_reaches_listeners_on_another_instance() {
    let app = TestApp::start().await;
    let other = second(&app, QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let (post, channel) = post_of(&ada).await;
    let mut socket = Socket::of(&ada, &other.url).await;
    subscribe(&mut socket, &channel).await;
    let comment = bob.comment_on(&post, "hello").await;
    let event = socket.event("comment.created").await;
    assert_eq!(event["d"]["comment"]["id"], comment);
}

#[tokio::test]
async fn a_new_post_is_hinted_at_to_those_who_may_find_it() {
    let can_know = mode::has_shared_cache() || !mode::has_redis();
    if !mode::needs("timelines, or no Redis", can_know) {
        return;
    }
    let app = TestApp::start().await;
    // It does no jobs: without Redis what a job tells stays where it runs.
    let other = app.start_beside(&[("KITH_ROLES", "web,gateway")]).await;
    let there = beside(&app, &other);
    let (ada, bob) = app.friends("ada", "bob").await;
    let eve = app.person("eve").await;
    let mut listeners = Vec::new();
    for (person, url) in [(&bob, app.url.as_str()), (&bob, there), (&eve, &app.url)] {
        // Posts are pushed to those who read.
        person.get("/v1/feed").await.expect_status(200);
        let mut socket = Socket::of(person, url).await;
        subscribe(&mut socket, &format!("feed:{}", person.id)).await;
        listeners.push(socket);
    }
    let (post, _) = post_of(&ada).await;
    let post = ada.get(&format!("/v1/posts/{post}")).await.json;
    let mut strangers = listeners.pop().expect("her socket");
    for socket in &mut listeners {
        let hint = socket.event("feed.new").await;
        assert_eq!(hint["ch"], format!("feed:{}", bob.id));
        let newest = json!({"newest_id": post["id"], "created_at": post["created_at"]});
        assert_eq!(hint["d"], newest);
    }
    let told = strangers.rest(QUIET).await;
    assert!(
        told.iter().all(|frame| frame["t"] != "feed.new"),
        "{told:?}"
    );
}

#[tokio::test]
async fn whoever_is_left_out_of_a_post_is_not_hinted_at_it() {
    let can_know = mode::has_shared_cache() || !mode::has_redis();
    if !mode::needs("timelines, or no Redis", can_know) {
        return;
    }
    let app = TestApp::start().await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let eve = app.person("eve").await;
    ada.befriend(&eve).await;
    let mut sockets = Vec::new();
    for person in [&bob, &eve] {
        person.get("/v1/feed").await.expect_status(200);
        let mut socket = Socket::of(person, &app.url).await;
        subscribe(&mut socket, &format!("feed:{}", person.id)).await;
        sockets.push(socket);
    }
    let mut hers = sockets.pop().expect("her socket");
    let mut his = sockets.pop().expect("his socket");
    for chosen in [json!({"allow": [bob.id]}), json!({"deny": [eve.id]})] {
        let mut audience = chosen;
        audience["kind"] = json!("custom");
        ada.post_to(&audience, "not for Eve").await;
        his.event("feed.new").await;
    }
    let told = hers.rest(QUIET).await;
    let is_hint = |frame: &Value| frame["t"] == "feed.new";
    assert!(!told.iter().any(is_hint), "{told:?}");
    // What is for her too she hears of.
    ada.post_to(&json!("friends"), "for both").await;
    hers.event("feed.new").await;
}

#[tokio::test]
async fn edits_deletions_and_the_end_of_a_post_are_told() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let bob = app.person("bob").await;
    let (post, channel) = post_of(&ada).await;
    let comment = bob.comment_on(&post, "hello").await;
    let mut socket = Socket::of(&bob, &app.url).await;
    subscribe(&mut socket, &channel).await;
    bob.patch(
        &format!("/v1/comments/{comment}"),
        &json!({"content": "hi"}),
    )
    .await
    .expect_status(200);
    let edited = socket.event("comment.edited").await;
    assert_eq!(edited["d"]["comment"]["content"], "hi");
    bob.delete(&format!("/v1/comments/{comment}"))
        .await
        .expect_status(204);
    let deleted = socket.event("comment.deleted").await;
    assert_eq!(deleted["d"]["comment"]["deleted"], true);
    ada.patch(&format!("/v1/posts/{post}"), &json!({"content": "anew"}))
        .await
        .expect_status(200);
    let edited = socket.event("post.edited").await;
    assert_eq!(edited["d"]["post"]["content"], "anew");
    assert_eq!(edited["d"]["post"]["viewer"], Value::Null);
    ada.delete(&format!("/v1/posts/{post}"))
        .await
        .expect_status(204);
    let end = socket
        .find(|frame| frame["t"] == "post.removed" || frame["op"] == "unsubscribed")
        .await;
    assert_eq!(end["ch"], channel);
}

#[tokio::test]
async fn the_op_id_of_a_write_comes_back_to_its_author_alone() {
    let app = TestApp::start().await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let (post, channel) = post_of(&ada).await;
    let mut own = Socket::of(&bob, &app.url).await;
    let mut other = Socket::of(&ada, &app.url).await;
    subscribe(&mut own, &channel).await;
    subscribe(&mut other, &channel).await;
    let path = format!("/v1/posts/{post}/comments");
    bob.post_with_key(&path, "op-77", &json!({"content": "hello"}))
        .await
        .expect_status(201);
    assert_eq!(own.event("comment.created").await["op_id"], "op-77");
    let told = other.event("comment.created").await;
    assert!(told.get("op_id").is_none(), "{told}");
}

#[tokio::test]
async fn oneself_and_ones_relations_are_told_to_all_devices() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let mut socket = Socket::of(&ada, &app.url).await;
    let mut his = Socket::of(&bob, &app.url).await;
    ada.patch("/v1/me", &json!({"bio": "I am"}))
        .await
        .expect_status(200);
    let changed = socket.event("me.changed").await;
    assert_eq!(changed["d"]["me"]["bio"], "I am");
    assert!(changed["d"]["me"].get("email").is_none());
    ada.set(&format!("/v1/users/{}/follow", bob.id))
        .await
        .expect_status(200);
    let hers = socket.event("relationship.changed").await;
    assert_eq!(hers["d"]["relationship"]["following"], true);
    let told = his.event("relationship.changed").await;
    assert_eq!(told["d"]["relationship"]["followed_by"], true);
}

#[tokio::test]
async fn an_announcement_reaches_everybody_and_whoever_comes_back() {
    let app = TestApp::start().await;
    let (ada, root) = (app.person("ada").await, app.admin().await);
    let mut socket = Socket::of(&ada, &app.url).await;
    let pos = socket.hello["subs"].clone();
    let everybody = "all:00000000-0000-0000-0000-000000000000";
    root.post("/v1/admin/announcements", &json!({"content": "tea"}))
        .await
        .expect_status(200);
    let told = socket.event("announcement").await;
    assert_eq!(told["d"]["announcement"]["content"], "tea");
    socket.cut();
    let pos = json!({everybody: super::client::position(&pos[everybody])});
    let mut socket = Socket::resumed(&ada, &app.url, &json!({"pos": pos})).await;
    let told = socket.event("announcement").await;
    assert_eq!(told["d"]["announcement"]["content"], "tea");
}

#[tokio::test]
async fn a_frame_that_cannot_be_done_is_refused_by_its_number() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let mut socket = Socket::of(&ada, &app.url).await;
    let refused = socket.try_ask("dance", json!({})).await;
    assert_eq!(refused["err"]["code"], "unknown_op");
    assert_eq!(refused["err"]["n"], 404);
    let refused = socket.try_ask("subscribe", json!({"chs": []})).await;
    assert_eq!(refused["err"]["code"], "validation_failed");
    let refused = socket.try_ask("subscribe", json!({"ch": "x"})).await;
    assert_eq!(refused["err"]["code"], "validation_failed");
    let nobody = "01938b2f-5a00-7000-8000-000000000001";
    for channel in [
        format!("post:{nobody}"),
        format!("dance:{nobody}"),
        format!("user:{nobody}"),
        format!("feed:{nobody}"),
        format!("presence:{nobody}"),
    ] {
        let asked = json!({"chs": [{"ch": channel}]});
        let reply = socket.ask("subscribe", asked).await;
        let said = &reply["d"]["subs"][&channel];
        assert_eq!(said["err"]["code"], "not_found", "{channel}");
    }
    let (_post, channel) = post_of(&ada).await;
    subscribe(&mut socket, &channel).await;
    let again = socket
        .try_ask("subscribe", json!({"chs": [{"ch": channel}]}))
        .await;
    assert_eq!(again["err"]["code"], "already_subscribed");
    socket.ask("unsubscribe", json!({"ch": channel})).await;
    publish(&app, &channel, 1).await;
    assert!(super::published(&mut socket).await.is_empty());
    assert_eq!(socket.ask("ping", json!({})).await["ok"], true);
}

#[tokio::test]
async fn a_share_is_told_to_those_who_look_at_the_original() {
    let app = TestApp::start().await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let (post, channel) = post_of(&ada).await;
    let mut socket = Socket::of(&ada, &app.url).await;
    subscribe(&mut socket, &channel).await;
    let share = json!({"audience": "public", "shared_post_id": post});
    bob.post("/v1/posts", &share).await.expect_status(201);
    let told = socket.event("post.counters").await;
    assert_eq!(
        (&told["ch"], &told["d"]["counts"]["shares"]),
        (&json!(channel), &json!(1))
    );
}

/// Follows a link that was mailed for this purpose to this address of a person.
async fn follow_link(app: &TestApp, person: &Session, purpose: &str, email: &str) {
    let token = OpaqueToken::new([if purpose == "verify_email" { 1 } else { 2 }; 32]);
    sqlx::query(
        "insert into mail_token (token_hash, user_id, purpose, email, created_at, expires_at)
         values ($1, $2::uuid, $3, $4, now(), now() + interval '1 hour')",
    )
    .bind(token.hash().as_slice())
    .bind(&person.id)
    .bind(purpose)
    .bind(email)
    .execute(&app.db)
    .await
    .expect("a link");
    let body = json!({"token": token.reveal()});
    let followed = app.anyone().post("/v1/auth/verify-email", &body).await;
    followed.expect_status(204);
}

#[tokio::test]
async fn a_confirmed_address_another_one_and_another_role_are_told_to_all_devices() {
    let app = TestApp::start().await;
    let (ada, root) = (app.person("ada").await, app.admin().await);
    let mut socket = Socket::of(&ada, &app.url).await;
    let email = format!("{}@example.org", ada.username);
    follow_link(&app, &ada, "verify_email", &email).await;
    let told = socket.event("me.changed").await;
    assert_eq!(told["d"]["me"]["email_verified"], true);

    sqlx::query("update credential set pending_email = 'new@example.org' where user_id = $1::uuid")
        .bind(&ada.id)
        .execute(&app.db)
        .await
        .expect("asked for");
    follow_link(&app, &ada, "change_email", "new@example.org").await;
    socket.event("me.changed").await;
    let me = ada.get("/v1/me").await.expect_status(200);
    assert_eq!(me.json["email"], "new@example.org");

    let path = format!("/v1/admin/users/{}", ada.id);
    let promoted = root.patch(&path, &json!({"role": "moderator"})).await;
    promoted.expect_status(200);
    let told = socket.event("me.changed").await;
    assert_eq!(told["d"]["me"]["role"], "moderator");
    assert_ne!(told["by"], ada.id);
}
