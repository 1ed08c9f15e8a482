//! Frames that do what a request does, over every transport: the same guards, and done once.

use serde_json::{Value, json};

use super::client::Socket;
use super::line::{Line, TRANSPORTS};
use super::{QUICK, post_of};
use crate::notifications::settle;
use crate::support::{Session, TestApp};

#[tokio::test]
async fn a_comment_is_written_by_a_frame_and_once() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    for transport in TRANSPORTS {
        // A post of its own: in a room that is open already, what was said just before the listener
        // comes may be told after that.
        let (post, channel) = post_of(&bob).await;
        let path = format!("/v1/posts/{post}/comments");
        let (mut hers, _) = Line::open(transport, &ada, &app.url, &channel).await;
        let op_id = format!("{transport:?}");
        let content = format!("by {transport:?}");
        let d = json!({"post_id": post, "content": content});
        let made = hers.ask("comment.create", &op_id, d.clone()).await;
        assert_eq!(hers.ask("comment.create", &op_id, d).await, made, "once");
        let event = hers.event("comment.created").await;
        assert_eq!(event["op_id"], op_id);
        assert_eq!(event["d"]["comment"]["id"], made["comment"]["id"]);
        // The request of the same name is the same operation.
        let body = json!({"content": content});
        let replayed = ada.post_with_key(&path, &op_id, &body).await;
        assert_eq!(replayed.expect_status(201).json, made["comment"]);
        let parent = &made["comment"]["id"];
        let d = json!({"post_id": post, "content": "below", "parent_id": parent});
        let below = hers.ask("comment.create", "", d.clone()).await;
        assert_eq!(below["comment"]["parent_id"], *parent);
        // Without a name each is another one.
        let again = hers.ask("comment.create", "", d).await;
        assert_ne!(again["comment"]["id"], below["comment"]["id"]);
        let page = bob.get(&path).await.expect_status(200);
        assert_eq!(page.ids().len(), 1, "{transport:?}");
    }
}

#[tokio::test]
async fn a_comment_by_a_frame_is_refused_as_its_request_is() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let (post, _) = post_of(&bob).await;
    let hidden = bob.post_to(&json!("only_me"), "mine").await;
    let mut socket = Socket::of(&ada, &app.url).await;
    for (d, code) in [
        (json!({"post_id": post, "content": ""}), "validation_failed"),
        (json!({"post_id": post}), "validation_failed"),
        (json!({"content": "hello"}), "validation_failed"),
        (
            json!({"post_id": post, "content": "a", "loud": true}),
            "validation_failed",
        ),
        (json!({"post_id": hidden, "content": "hello"}), "not_found"),
    ] {
        let refused = socket.try_ask("comment.create", d.clone()).await;
        assert_eq!(refused["err"]["code"], code, "{d}");
    }
    let said = json!({"post_id": post, "content": "one"});
    let other = json!({"post_id": post, "content": "two"});
    for (d, is_done) in [(said, true), (other, false)] {
        let frame = json!({"op": "comment.create", "op_id": "the-same", "d": d});
        let id = socket.tell(&frame).await;
        assert_eq!(socket.reply(id).await["ok"], is_done, "{d}");
    }
}

/// What somebody is told of, newest first, when all of it has come.
async fn notified(app: &TestApp, who: &Session) -> Vec<Value> {
    settle(app).await;
    let reply = who.get("/v1/notifications").await.expect_status(200);
    reply.json["data"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn notifications_are_read_by_a_frame_one_by_one_or_all() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    for transport in TRANSPORTS {
        let (_, channel) = post_of(&ada).await;
        for _ in 0..2 {
            let (post, _) = post_of(&ada).await;
            bob.comment_on(&post, "hello").await;
        }
        let told = notified(&app, &ada).await;
        let (mut hers, _) = Line::open(transport, &ada, &app.url, &channel).await;
        let op_id = format!("one-{transport:?}");
        let one = json!({"notification_id": told[1]["id"]});
        let read = hers.ask("notification.read", &op_id, one.clone()).await;
        assert_eq!(read["notification"]["id"], told[1]["id"]);
        assert_eq!(read["notification"]["read"], true);
        assert_eq!(hers.ask("notification.read", &op_id, one).await, read);
        let event = hers.event("notification.read").await;
        assert_eq!(event["d"]["ids"], json!([told[1]["id"]]));
        let now = notified(&app, &ada).await;
        assert_eq!(
            (&now[0]["read"], &now[1]["read"]),
            (&json!(false), &json!(true))
        );
        let all = json!({"up_to": told[0]["updated_at"]});
        let counts = hers.ask("notification.read", "", all).await["counts"].clone();
        assert_eq!(counts["notifications"]["unread"], 0);
        let route = ada.get("/v1/me/counts").await.expect_status(200);
        assert_eq!(counts, route.json);
        assert!(hers.event("notification.read").await["d"]["ids"].is_null());
    }
    let mut his = Socket::of(&bob, &app.url).await;
    let hers = &notified(&app, &ada).await[0]["id"];
    for (d, code) in [
        (json!({"notification_id": hers}), "not_found"),
        (json!({}), "validation_failed"),
        (json!({"up_to": "yesterday"}), "validation_failed"),
        (json!({"notification_id": 7}), "validation_failed"),
        (
            json!({"notification_id": hers, "up_to": "2026-11-28T09:30:00Z"}),
            "validation_failed",
        ),
    ] {
        let refused = his.try_ask("notification.read", d.clone()).await;
        assert_eq!(refused["err"]["code"], code, "{d}");
    }
}
