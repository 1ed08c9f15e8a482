//! Whoever may not see a post any more is told that, and nothing that follows.

use serde_json::{Value, json};

use super::client::Socket;
use super::{QUICK, QUIET, beside, post_of, second, subscribe};
use crate::support::{PASSWORD, Session, TestApp, mode};

/// What happens to be in time is tried more than once.
const ROUNDS: usize = 8;

/// What a listener is told of a channel, until the subscription ends, and what comes after that.
async fn last_words(socket: &mut Socket, channel: &str) -> Vec<Value> {
    let mut told = Vec::new();
    loop {
        let frame = socket.find(|frame| frame["ch"] == channel).await;
        if frame["op"] == "unsubscribed" {
            assert_eq!(frame["reason"], "removed");
            break;
        }
        told.push(frame);
    }
    let after = socket.rest(QUIET).await;
    let after = after.into_iter().filter(|frame| frame["ch"] == channel);
    told.extend(after);
    told
}

/// That they are told once that it is gone for them, beside numbers and who is there.
fn expect_farewell(told: &[Value], post: &str) {
    let told = |prefix: &str| {
        let is_it = |frame: &&Value| frame["t"].as_str().is_some_and(|t| t.starts_with(prefix));
        told.iter().filter(is_it).collect::<Vec<_>>()
    };
    let removed = told("post.removed");
    assert_eq!(removed.len(), 1, "{removed:?}");
    assert_eq!(removed[0]["d"], json!({ "post_id": post }));
    assert_eq!(told("post.edited"), Vec::<&Value>::new());
    assert_eq!(told("comment."), Vec::<&Value>::new());
}

async fn listening(person: &Session, url: &str, channel: &str) -> Socket {
    let mut socket = Socket::of(person, url).await;
    subscribe(&mut socket, channel).await;
    socket
}

#[tokio::test]
async fn what_is_written_into_a_post_as_it_is_narrowed_is_for_those_alone_who_still_see_it() {
    let app = TestApp::start().await;
    let other = second(&app, QUICK).await;
    let there = beside(&app, &other);
    let (ada, bob) = app.friends("ada", "bob").await;
    let eve = app.person("eve").await;
    for _round in 0..5 {
        let (post, channel) = post_of(&ada).await;
        let mut his = listening(&bob, there, &channel).await;
        let mut hers = Vec::new();
        for url in [app.url.as_str(), there] {
            hers.push(listening(&eve, url, &channel).await);
        }
        let path = format!("/v1/posts/{post}");
        ada.patch(
            &path,
            &json!({"content": "for friends", "audience": "friends"}),
        )
        .await
        .expect_status(200);
        bob.comment_on(&post, "among friends").await;
        let edited = his.event("post.edited").await;
        assert_eq!(edited["d"]["post"]["content"], "for friends");
        let comment = his.event("comment.created").await;
        assert_eq!(
            comment["o"].as_i64(),
            edited["o"].as_i64().map(|place| place + 1)
        );
        for socket in &mut hers {
            expect_farewell(&last_words(socket, &channel).await, &post);
        }
    }
}

#[tokio::test]
async fn the_end_of_a_friendship_is_the_end_of_posts_for_friends() {
    let app = TestApp::start().await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let post = ada.post_to(&json!("friends"), "for friends").await;
    let channel = format!("post:{post}");
    let mut socket = listening(&bob, &app.url, &channel).await;
    ada.delete(&format!("/v1/friends/{}", bob.id))
        .await
        .expect_status(200);
    expect_farewell(&last_words(&mut socket, &channel).await, &post);
}

#[tokio::test]
async fn whoever_is_taken_out_of_a_circle_hears_no_more_of_posts_for_it() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let eve = app.person("eve").await;
    ada.befriend(&eve).await;
    let circle = ada.post("/v1/circles", &json!({"name": "ring"})).await.id();
    let member = |person: &Session| format!("/v1/circles/{circle}/members/{}", person.id);
    for person in [&bob, &eve] {
        ada.set(&member(person)).await.expect_status(200);
    }
    let audience = json!({"kind": "custom", "allow": [circle]});
    let post = ada.post_to(&audience, "for the ring").await;
    let channel = format!("post:{post}");
    let mut his = listening(&bob, &app.url, &channel).await;
    let mut hers = listening(&eve, &app.url, &channel).await;
    ada.delete(&member(&bob)).await.expect_status(200);
    expect_farewell(&last_words(&mut his, &channel).await, &post);
    ada.comment_on(&post, "still here?").await;
    hers.event("comment.created").await;
}

/// What a circle no longer holds somebody for is told by no event, however soon it follows.
#[tokio::test]
async fn what_follows_the_end_in_a_circle_at_once_is_not_heard() {
    let app = TestApp::start().await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let eve = app.person("eve").await;
    ada.befriend(&eve).await;
    let circle = ada.post("/v1/circles", &json!({"name": "ring"})).await.id();
    let member = |person: &Session| format!("/v1/circles/{circle}/members/{}", person.id);
    ada.set(&member(&eve)).await.expect_status(200);
    let audience = json!({"kind": "custom", "allow": [circle]});
    for round in 0..3 {
        ada.set(&member(&bob)).await.expect_status(200);
        let post = ada.post_to(&audience, "for the ring").await;
        let channel = format!("post:{post}");
        let mut his = listening(&bob, &app.url, &channel).await;
        let mut hers = listening(&eve, &app.url, &channel).await;
        let heard = ada.comment_on(&post, "all of us").await;
        let comment = his.event("comment.created").await;
        assert_eq!(comment["d"]["comment"]["id"], heard);
        hers.event("comment.created").await;
        ada.delete(&member(&bob)).await.expect_status(200);
        eve.comment_on(&post, "without him").await;
        let comment = hers.event("comment.created").await;
        assert_eq!(comment["d"]["comment"]["content"], "without him", "{round}");
        expect_farewell(&last_words(&mut his, &channel).await, &post);
    }
}

/// Another instance that follows the voids of this one; where none does, as without the cache, this one.
fn follower<'a>(app: &'a TestApp, other: &'a TestApp) -> &'a str {
    if mode::has_shared_cache() {
        &other.url
    } else {
        &app.url
    }
}

/// Somebody listens here and on another instance, if there is one that hears.
async fn on_both(person: &Session, (here, there): (&str, &str), channel: &str) -> [Socket; 2] {
    [
        listening(person, here, channel).await,
        listening(person, there, channel).await,
    ]
}

#[tokio::test]
async fn what_follows_the_end_of_a_friendship_at_once_is_not_heard_on_any_instance() {
    let app = TestApp::start().await;
    let other = second(&app, &[]).await;
    let urls = (app.url.as_str(), follower(&app, &other));
    let (ada, bob) = app.friends("ada", "bob").await;
    let eve = app.person("eve").await;
    ada.befriend(&eve).await;
    for round in 0..ROUNDS {
        let post = ada.post_to(&json!("friends"), "for friends").await;
        let channel = format!("post:{post}");
        let his = on_both(&bob, urls, &channel).await;
        let mut hers = listening(&eve, &app.url, &channel).await;
        let end = format!("/v1/friends/{}", bob.id);
        ada.delete(&end).await.expect_status(200);
        eve.comment_on(&post, "without him").await;
        let comment = hers.event("comment.created").await;
        assert_eq!(comment["d"]["comment"]["content"], "without him", "{round}");
        for mut socket in his {
            expect_farewell(&last_words(&mut socket, &channel).await, &post);
        }
        ada.befriend(&bob).await;
    }
}

#[tokio::test]
async fn what_follows_the_end_in_a_circle_at_once_is_not_heard_on_any_instance() {
    let app = TestApp::start().await;
    let other = second(&app, &[]).await;
    let urls = (app.url.as_str(), follower(&app, &other));
    let (ada, bob) = app.friends("ada", "bob").await;
    let circle = ada.post("/v1/circles", &json!({"name": "ring"})).await.id();
    let member = format!("/v1/circles/{circle}/members/{}", bob.id);
    let audience = json!({"kind": "custom", "allow": [circle]});
    for _round in 0..ROUNDS {
        ada.set(&member).await.expect_status(200);
        let post = ada.post_to(&audience, "for the ring").await;
        let channel = format!("post:{post}");
        let his = on_both(&bob, urls, &channel).await;
        ada.delete(&member).await.expect_status(200);
        ada.comment_on(&post, "without him").await;
        for mut socket in his {
            expect_farewell(&last_words(&mut socket, &channel).await, &post);
        }
    }
}

#[tokio::test]
async fn what_follows_a_block_at_once_is_not_heard_on_any_instance() {
    let app = TestApp::start().await;
    let other = second(&app, &[]).await;
    let urls = (app.url.as_str(), follower(&app, &other));
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let eve = app.person("eve").await;
    let block = format!("/v1/users/{}/block", eve.id);
    for round in 0..ROUNDS {
        let (post, channel) = post_of(&ada).await;
        let his = on_both(&bob, urls, &channel).await;
        bob.set(&block).await.expect_status(200);
        eve.comment_on(&post, "boo").await;
        ada.comment_on(&post, "hello").await;
        for mut socket in his {
            let told = socket.event("comment.created").await;
            assert_eq!(told["by"], ada.id, "{round}: and nothing of eve's");
        }
        bob.delete(&block).await.expect_status(200);
    }
}

/// Whoever counts no more takes what they have posted away.
#[tokio::test]
async fn the_posts_of_whoever_is_suspended_or_deleted_are_gone_for_all_who_listen() {
    let app = TestApp::start_with(QUICK).await;
    let admin = app.admin().await;
    let bob = app.person("bob").await;
    for end in ["suspended", "deleted"] {
        let author = app.person(end).await;
        let (post, channel) = post_of(&author).await;
        let mut his = listening(&bob, &app.url, &channel).await;
        if end == "suspended" {
            let change = json!({"state": "suspended", "reason": "spam"});
            let path = format!("/v1/admin/users/{}", author.id);
            admin.patch(&path, &change).await.expect_status(200);
        } else {
            let body = json!({"password": PASSWORD});
            let request = author.request(reqwest::Method::DELETE, "/v1/me");
            author.send(request.json(&body)).await.expect_status(204);
        }
        expect_farewell(&last_words(&mut his, &channel).await, &post);
    }
}

/// Who may see what a post shares differs between those who see the post.
#[tokio::test]
async fn an_edit_tells_nobody_what_the_post_shares() {
    let app = TestApp::start().await;
    let (origin, sharer) = app.friends("origin", "sharer").await;
    let blocked = app.person("blocked").await;
    let original = origin.post_to(&json!("public"), "not for everybody").await;
    let share = json!({"content": "look", "audience": "public", "shared_post_id": original});
    let share = sharer.post("/v1/posts", &share).await.id();
    blocked
        .set(&format!("/v1/users/{}/block", origin.id))
        .await
        .expect_status(200);
    let channel = format!("post:{share}");
    let mut hers = listening(&blocked, &app.url, &channel).await;
    let mut his = listening(&origin, &app.url, &channel).await;
    let change = json!({"content": "look here"});
    sharer
        .patch(&format!("/v1/posts/{share}"), &change)
        .await
        .expect_status(200);
    for socket in [&mut hers, &mut his] {
        let edited = socket.event("post.edited").await;
        assert_eq!(edited["d"]["post"]["content"], "look here");
        assert_eq!(edited["d"]["post"]["shared_post"], Value::Null);
    }
}

#[tokio::test]
async fn a_deleted_post_is_gone_for_all_who_listen() {
    let app = TestApp::start().await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let (post, channel) = post_of(&ada).await;
    let mut sockets = Vec::new();
    for person in [&ada, &bob] {
        sockets.push(listening(person, &app.url, &channel).await);
    }
    ada.delete(&format!("/v1/posts/{post}"))
        .await
        .expect_status(204);
    for socket in &mut sockets {
        expect_farewell(&last_words(socket, &channel).await, &post);
    }
}
