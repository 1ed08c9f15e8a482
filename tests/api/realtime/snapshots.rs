//! Snapshots: what a channel holds, and the position at which that is true.

use serde_json::{Value, json};

use super::line::{Line, TRANSPORTS, Transport};
use super::{QUICK, beside, id_of, pair, post_of, second};
use crate::support::{Session, TestApp};

/// What the newest things of a channel are by the routes.
async fn newest(person: &Session, path: &str) -> Value {
    person.get(path).await.expect_status(200).json["data"].clone()
}

#[tokio::test]
async fn a_subscription_brings_the_newest_over_any_transport() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    for transport in TRANSPORTS {
        let mut line = listening(&ada, transport, &app.url).await;
        of_a_post(&mut line, (&ada, &bob), transport).await;
        of_a_conversation(&mut line, (&ada, &bob), transport).await;
    }
    // The command may come to another instance than that of the stream.
    let mut line = listening(&ada, Transport::Sse, &app.url).await;
    line.speak_through(&ada.at(beside(&app, &other)));
    of_a_post(&mut line, (&ada, &bob), Transport::Sse).await;
    of_a_conversation(&mut line, (&ada, &bob), Transport::Sse).await;
}

async fn listening(person: &Session, transport: Transport, url: &str) -> Line {
    let (_post, any) = post_of(person).await;
    Line::open(transport, person, url, &any).await.0
}

async fn of_a_post(line: &mut Line, (ada, bob): (&Session, &Session), transport: Transport) {
    let (post, channel) = post_of(ada).await;
    for number in 0..3 {
        bob.comment_on(&post, &format!("number {number}")).await;
    }
    let asked = json!({"chs": [{"ch": channel}], "snapshot": 2});
    let reply = line.ask("subscribe", "", asked).await;
    let said = &reply["subs"][&channel];
    let path = format!("/v1/posts/{post}/comments?order=newest&limit=2");
    let newest = newest(ada, &path).await;
    assert_eq!(
        said["snapshot"]["comments"], newest,
        "{transport:?}: {said}"
    );
    assert_eq!(newest[0]["content"], "number 2");
    let comment = bob.comment_on(&post, "later").await;
    let event = line.event("comment.created").await;
    assert_eq!(event["d"]["comment"]["id"], comment, "{transport:?}");
    let at = said["o"].as_i64().expect("a place");
    assert_eq!(event["o"], at + 1, "{transport:?}");
}

async fn of_a_conversation(
    line: &mut Line,
    (ada, bob): (&Session, &Session),
    transport: Transport,
) {
    let channel = pair(ada, bob).await;
    let path = format!("/v1/conversations/{}/messages", id_of(&channel));
    for number in 0..2 {
        let body = json!({"content": format!("number {number}")});
        bob.post(&path, &body).await.expect_status(201);
    }
    let asked = json!({"chs": [{"ch": channel}], "snapshot": 2});
    let reply = line.ask("subscribe", "", asked).await;
    let said = &reply["subs"][&channel];
    let newest = newest(ada, &format!("{path}?limit=2")).await;
    assert_eq!(
        said["snapshot"]["messages"], newest,
        "{transport:?}: {said}"
    );
    assert_eq!(newest[0]["content"], "number 1");
    bob.post(&path, &json!({"content": "later"}))
        .await
        .expect_status(201);
    let event = line.event("message.created").await;
    assert_eq!(event["d"]["message"]["content"], "later", "{transport:?}");
    let at = said["o"].as_i64().expect("a place");
    assert_eq!(event["o"], at + 1, "{transport:?}");
    let gone = json!({"ch": channel});
    line.ask("unsubscribe", "", gone).await;
}
