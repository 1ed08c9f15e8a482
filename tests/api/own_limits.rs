//! Limits of what people do again and again, and who is counted.

use kith::kernel::SessionId;
use kith::platform::sessions::mint;
use reqwest::Method;
use serde_json::json;

use crate::support::{Anyone, PASSWORD, Reply, Session, TestApp};

#[tokio::test]
async fn edits_of_posts_comments_and_messages_have_a_limit_together() {
    let app = TestApp::start_limited("[edit]\nquota = 4", &[]).await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let post = ann.post_to(&json!("public"), "a post").await;
    let comment = ann.comment_on(&post, "a comment").await;
    let body = json!({"member_ids": [ben.id]});
    let talk = ann.post("/v1/conversations", &body).await.id();
    let said = json!({"content": "a message"});
    let path = format!("/v1/conversations/{talk}/messages");
    let message = ann.post(&path, &said).await.expect_status(201).id();
    let paths = [
        format!("/v1/posts/{post}"),
        format!("/v1/comments/{comment}"),
        format!("/v1/messages/{message}"),
    ];
    let edit = json!({"content": "edited"});
    for path in &paths {
        ann.patch(path, &edit).await.expect_status(200);
    }
    let frame = |words: &str| {
        let d = json!({"message_id": message, "content": words});
        let frame = json!({"op": "message.edit", "id": 1, "d": d});
        let request = ann.request(Method::POST, "/v1/realtime/commands");
        ann.send(request.json(&frame))
    };
    let fourth = frame("by a frame").await.expect_status(200);
    assert!(!fourth.json.to_string().contains("err"), "{}", fourth.json);
    for path in &paths {
        let refused = ann.patch(path, &edit).await;
        let refused = refused.expect_problem(429, "rate_limited");
        let told = refused.header("ratelimit-policy").expect("a header");
        assert!(told.contains("\"edit\";q=4;w=3600"), "{told}");
    }
    let refused = frame("by one more").await.expect_status(200);
    assert!(refused.json.to_string().contains("rate_limited"));
    ann.post_to(&json!("public"), "a new one").await;
    let other = ben.post_to(&json!("public"), "a post").await;
    ben.patch(&format!("/v1/posts/{other}"), &edit)
        .await
        .expect_status(200);
}

#[tokio::test]
async fn five_other_usernames_a_day_and_those_that_one_does_not_get_are_not_counted() {
    let app = TestApp::start_limited("", &[]).await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let rename = async |name: &str| ada.patch("/v1/me", &json!({"username": name})).await;
    for number in 0..5 {
        let name = format!("ada.no{number}");
        rename(&name).await.expect_status(200);
        rename(&name).await.expect_status(200);
        let taken = rename(&bob.username).await;
        if number < 4 {
            taken.expect_problem(409, "username_taken");
        }
    }
    let refused = rename("ada.no5").await.expect_problem(429, "rate_limited");
    let told = refused.header("ratelimit-policy").expect("a header");
    assert!(told.contains("\"username\";q=5;w=86400"), "{told}");
    let change = json!({"username": "ada.no4", "display_name": "Ada"});
    ada.patch("/v1/me", &change).await.expect_status(200);
    bob.patch("/v1/me", &json!({"username": "bob.else"}))
        .await
        .expect_status(200);
}

fn left(reply: &Reply) -> u32 {
    let text = reply.header("x-ratelimit-remaining").expect("a header");
    text.parse().expect("a number")
}

/// Limits are nothing to whoever has to sign in again anyway.
#[tokio::test]
async fn a_token_that_has_ended_is_told_so_while_its_owner_has_nothing_left() {
    let app = TestApp::start_limited("[general]\nquota = 12", &[]).await;
    let ada = app.person("ada").await;
    let login = json!({"login": ada.username, "password": PASSWORD});
    let there = app.anyone().post("/v1/auth/login", &login).await;
    let here = Session::new(&app.url, &there.expect_status(200).json);
    let old = app.anyone().with_token(&ada.access_token);
    old.act("/v1/auth/logout").await.expect_status(204);
    while left(&here.get("/v1/me").await) > 0 {}
    here.get("/v1/me").await.expect_problem(429, "rate_limited");
    for _ in 0..2 {
        old.get("/v1/me")
            .await
            .expect_problem(401, "session_revoked");
    }
    here.get("/v1/me").await.expect_problem(429, "rate_limited");
}

/// Whoever holds an old token uses up nothing of its owner's.
#[tokio::test]
async fn the_token_of_a_session_that_is_none_counts_as_a_strangers() {
    let proxies = [("KITH_TRUSTED_PROXIES", "127.0.0.1")];
    let app = TestApp::start_limited("[general]\nquota = 12", &proxies).await;
    let ada = app.person("ada").await;
    let old = app.anyone().with_token(&ada.access_token);
    let login = json!({"login": ada.username, "password": PASSWORD});
    let there = app.anyone().post("/v1/auth/login", &login).await;
    let here = Session::new(&app.url, &there.expect_status(200).json);
    old.act("/v1/auth/logout").await.expect_status(204);
    let unknown: SessionId = "01938b2f-5a00-7000-8000-000000000001"
        .parse()
        .expect("an id");
    let owner = ada.id.parse().expect("an id");
    let made_up = mint(&app.ctx, owner, unknown, app.ctx.now(), 600).expect("a token");
    let made_up = app.anyone().with_token(&made_up);
    let before = left(&here.get("/v1/me").await.expect_status(200));
    let from = |who: &Anyone, address: &'static str| {
        let request = who.request(Method::GET, "/v1/me");
        let (who, request) = (who.clone(), request.header("X-Forwarded-For", address));
        async move { who.send(request).await }
    };
    for (token, address) in [(&old, "203.0.113.1"), (&made_up, "203.0.113.2")] {
        for number in 0..12 {
            let reply = from(token, address).await;
            assert_eq!(left(&reply), 11 - number, "{address}");
            reply.expect_problem(401, "session_revoked");
        }
        let refused = from(token, address).await;
        refused.expect_problem(429, "rate_limited");
        // It is this address that is counted, whatever token comes from it.
        from(&app.anyone(), address).await.expect_status(429);
        from(&app.anyone(), "203.0.113.3").await.expect_status(401);
    }
    let after = left(&here.get("/v1/me").await.expect_status(200));
    assert_eq!(after, before - 1, "only the owner's own request");
}
