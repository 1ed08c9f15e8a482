//! What is shown and told stands where its position says, even if whoever wrote it could tell no cache of it.

use serde_json::{Value, json};

use super::client::Socket;
use super::{QUICK, id_of, pair, post_of, subscribe};
use crate::support::TestApp;

/// An instance that writes and can tell nobody, as one that has just lost its Redis or its life.
async fn cut_off(app: &TestApp) -> TestApp {
    app.start_beside(&[("REDIS_URL", ""), ("KITH_ROLES", "web,gateway")])
        .await
}

#[tokio::test]
async fn a_snapshot_holds_what_its_position_covers() {
    let app = TestApp::start_with(QUICK).await;
    let alone = cut_off(&app).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    for _ in 0..5 {
        let (post, channel) = post_of(&ada).await;
        let newest = format!("/v1/posts/{post}/comments?order=newest");
        bob.comment_on(&post, "first").await;
        // In the cache from now on.
        ada.get(&newest).await.expect_status(200);
        let second = bob.at(&alone.url).comment_on(&post, "second").await;

        let mut socket = Socket::of(&ada, &app.url).await;
        let asked = json!({"chs": [{"ch": channel}], "snapshot": 20});
        let said = socket.ask("subscribe", asked).await["d"]["subs"][&channel].clone();
        let comments = said["snapshot"]["comments"].as_array().expect("comments");
        let is_there = comments.iter().any(|comment| comment["id"] == second);
        if !is_there {
            let event = socket.event("comment.created").await;
            assert_eq!(event["d"]["comment"]["id"], second, "{said}");
        }
    }
}

#[tokio::test]
async fn an_event_that_is_found_says_what_holds_since() {
    let app = TestApp::start_with(QUICK).await;
    let alone = cut_off(&app).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&ada, &bob).await;
    let path = format!("/v1/conversations/{}/messages", id_of(&channel));
    for round in 0..5 {
        let sent = bob.post(&path, &json!({"content": "as it was"})).await;
        let message = sent.expect_status(201).json.clone();
        let mut socket = Socket::of(&ada, &app.url).await;
        subscribe(&mut socket, &channel).await;
        ada.get(&path).await.expect_status(200);

        let changed = json!({"content": format!("as it is, {round}")});
        let one = format!("/v1/messages/{}", message["id"].as_str().expect("an id"));
        bob.at(&alone.url)
            .patch(&one, &changed)
            .await
            .expect_status(200);
        let event = socket.event("message.edited").await;
        assert_eq!(event["d"]["message"]["content"], changed["content"]);

        let like: Value = json!({"kind": "like"});
        let reaction = format!("{one}/reaction");
        ada.at(&alone.url)
            .put(&reaction, &like)
            .await
            .expect_status(200);
        let event = socket.event("reaction.added").await;
        assert_eq!(event["d"]["reactions"]["like"], 1, "{event}");
    }
}
