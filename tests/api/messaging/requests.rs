//! Strangers who write, and settings that keep them off.

use serde_json::json;

use super::{direct, group, listed, said, say, seen, shown_reading, try_say};
use crate::support::{Session, TestApp};

async fn answer(who: &Session, id: &str, answer: &str) -> crate::support::Reply {
    who.act(&format!("/v1/conversations/{id}/{answer}")).await
}

async fn let_write(who: &Session, setting: &str) {
    let change = json!({"who_can_message": setting});
    who.patch("/v1/me/settings", &change)
        .await
        .expect_status(200);
}

#[tokio::test]
async fn what_a_stranger_writes_is_a_request_until_it_is_accepted() {
    let app = TestApp::start().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let id = direct(&ann, &ben).await;
    say(&ann, &id, "we met at the fair").await;
    assert!(listed(&ben, "").await.is_empty());
    assert!(listed(&ben, "?filter=unread").await.is_empty());
    assert_eq!(listed(&ben, "?filter=requests").await, [id.as_str()]);
    let asked = seen(&ben, &id).await;
    assert_eq!(asked["viewer"]["state"], "request");
    // Ben may read without Ann learning of it; and she sees no more than that he is there.
    super::read(&ben, &id, 1).await;
    assert_eq!(shown_reading(&ann, &id, &ben).await, 0);
    let hers = seen(&ann, &id).await;
    let states: Vec<_> = hers["members"]
        .as_array()
        .expect("members")
        .iter()
        .collect();
    assert!(states.iter().all(|member| member["state"] == "active"));
    let message = &said(&ben, &id).await[0];
    assert_eq!(message.1, "we met at the fair");
    for _ in 0..2 {
        let accepted = answer(&ben, &id, "accept").await.expect_status(200);
        assert_eq!(accepted.json["viewer"]["state"], "active");
    }
    assert_eq!(listed(&ben, "").await, [id.as_str()]);
    assert!(listed(&ben, "?filter=requests").await.is_empty());
    answer(&ben, &id, "decline")
        .await
        .expect_problem(409, "request_closed");
}

#[tokio::test]
async fn who_declines_has_nothing_more_of_it_and_the_other_does_not_learn_that() {
    let app = TestApp::start().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let id = direct(&ann, &ben).await;
    say(&ann, &id, "hello?").await;
    let before = seen(&ann, &id).await;
    for _ in 0..2 {
        answer(&ben, &id, "decline").await.expect_status(204);
    }
    assert_eq!(seen(&ann, &id).await, before);
    say(&ann, &id, "are you there?").await;
    for filter in ["active", "requests", "archived", "unread"] {
        assert!(listed(&ben, &format!("?filter={filter}")).await.is_empty());
    }
    for path in ["", "/messages", "/members"] {
        let path = format!("/v1/conversations/{id}{path}");
        ben.get(&path).await.expect_status(404);
    }
    try_say(&ben, &id, "no").await.expect_status(404);
    answer(&ben, &id, "accept").await.expect_status(404);
    // Unless Ben opens it himself.
    assert_eq!(direct(&ben, &ann).await, id);
    assert_eq!(said(&ben, &id).await.len(), 2);
    assert_eq!(seen(&ben, &id).await["viewer"]["state"], "active");
}

#[tokio::test]
async fn writing_back_accepts() {
    let app = TestApp::start().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let id = direct(&ann, &ben).await;
    say(&ann, &id, "hello").await;
    assert_eq!(seen(&ben, &id).await["viewer"]["can_send"], true);
    say(&ben, &id, "hello yourself").await;
    assert_eq!(listed(&ben, "").await, [id.as_str()]);
    assert_eq!(seen(&ben, &id).await["unread"], 0);
}

#[tokio::test]
async fn a_setting_says_who_may_write_until_one_takes_part() {
    let app = TestApp::start().await;
    let (ben, friend) = app.friends("ben", "friend").await;
    let stranger = app.person("stranger").await;
    let body = json!({"member_ids": [ben.id]});
    let_write(&ben, "friends").await;
    stranger
        .post("/v1/conversations", &body)
        .await
        .expect_problem(403, "forbidden");
    let id = direct(&friend, &ben).await;
    say(&friend, &id, "we are friends").await;
    let_write(&ben, "nobody").await;
    // He is in it: what he said yes to goes on.
    assert_eq!(seen(&friend, &id).await["viewer"]["can_send"], true);
    say(&friend, &id, "still here").await;
    let_write(&ben, "everyone").await;
    let theirs = direct(&stranger, &ben).await;
    say(&stranger, &theirs, "hello").await;
    let_write(&ben, "friends").await;
    // A request that was not accepted does not go on.
    assert_eq!(seen(&stranger, &theirs).await["viewer"]["can_send"], false);
    try_say(&stranger, &theirs, "hello?")
        .await
        .expect_problem(403, "forbidden");
    let many = json!({"member_ids": [ben.id, friend.id]});
    stranger
        .post("/v1/conversations", &many)
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn strangers_are_asked_to_a_group_and_friends_are_in_it() {
    let app = TestApp::start().await;
    let (ann, friend) = app.friends("ann", "friend").await;
    let stranger = app.person("stranger").await;
    let id = group(&ann, &[&friend, &stranger]).await;
    assert_eq!(seen(&friend, &id).await["viewer"]["state"], "active");
    let asked = seen(&stranger, &id).await;
    assert_eq!(asked["viewer"]["state"], "request");
    assert_eq!(asked["member_count"], 3);
    let path = format!("/v1/conversations/{id}");
    let reaction = said_id(&ann, &id).await;
    stranger
        .put(
            &format!("/v1/messages/{reaction}/reaction"),
            &json!({"kind": "like"}),
        )
        .await
        .expect_status(403);
    stranger
        .patch(&path, &json!({"title": "Mine"}))
        .await
        .expect_problem(403, "forbidden");
    answer(&stranger, &id, "accept").await.expect_status(200);
    let newest = ann.get(&format!("{path}/messages?limit=1")).await;
    let told = &newest.json["data"][0];
    assert_eq!(told["kind"], "system");
    assert_eq!(told["system"]["action"], "joined");
    assert_eq!(told["author"]["id"], stranger.id);
    say(&stranger, &id, "thanks").await;
}

async fn said_id(who: &Session, id: &str) -> String {
    say(who, id, "hello all").await["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

#[tokio::test]
async fn who_is_only_asked_to_a_group_declines_by_leaving_it() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let stranger = app.person("stranger").await;
    let id = group(&ann, &[&ben, &stranger]).await;
    let path = format!("/v1/conversations/{id}");
    let member = |who: &Session| format!("{path}/members/{}", who.id);
    for _ in 0..2 {
        let left = stranger.delete(&member(&stranger)).await;
        left.expect_status(204);
    }
    stranger.get(&path).await.expect_problem(404, "not_found");
    assert!(listed(&stranger, "?filter=requests").await.is_empty());
    assert_eq!(seen(&ann, &id).await["member_count"], 2);
    // Whoever was in it before has it as they left it.
    ben.delete(&member(&ben)).await.expect_status(200);
    let left = seen(&ben, &id).await;
    ann.set(&member(&ben)).await.expect_status(200);
    assert_eq!(seen(&ben, &id).await["viewer"]["state"], "request");
    for _ in 0..2 {
        let state = ben.delete(&member(&ben)).await.expect_status(200);
        assert_eq!(state.json["viewer"]["state"], "left");
    }
    assert_eq!(seen(&ben, &id).await, left);
    assert_eq!(seen(&ann, &id).await["member_count"], 1);
    // A conversation of two is declined, and left by nobody.
    let talk = direct(&stranger, &ben).await;
    say(&stranger, &talk, "hello").await;
    let own = format!("/v1/conversations/{talk}/members/{}", ben.id);
    ben.delete(&own).await.expect_problem(403, "forbidden");
    answer(&ben, &talk, "decline").await.expect_status(204);
    ben.delete(&own).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_message_that_was_sent_before_a_block_is_answered_again_as_it_was() {
    let app = TestApp::start().await;
    let (ben, stranger) = (app.person("ben").await, app.person("stranger").await);
    let path = format!(
        "/v1/conversations/{}/messages",
        direct(&stranger, &ben).await
    );
    let words = json!({"content": "hello"});
    let sent = stranger.post_with_key(&path, "k", &words).await;
    let sent = sent.expect_status(201);
    ben.set(&format!("/v1/users/{}/block", stranger.id))
        .await
        .expect_status(200);
    let again = stranger.post_with_key(&path, "k", &words).await;
    assert_eq!(again.expect_status(201).json, sent.json);
    let another = stranger.post_with_key(&path, "k-2", &words).await;
    assert!(another.status >= 400, "{}", another.json);
}
