//! What somebody may not see any more is not sent, though it was on its way.

use kith::platform::realtime::{Channel, News};
use kith::platform::write::job_transaction;
use serde_json::{Value, json};

use super::client::{Socket, position};
use super::{QUIET, group, id_of, post_of, subscribe};
use crate::support::{Session, TestApp};

/// Events of 16 KB each: more than what fits between a server and a client who does not read.
const MANY: usize = 100;

/// Publishes so much in a channel that its replay waits for its reader.
async fn fill(app: &TestApp, channel: &str) {
    let channel: Channel = channel.parse().expect("a channel");
    for number in 0..MANY {
        let published = job_transaction(&app.ctx, |tx| {
            let news = News {
                channel: channel.clone(),
                kind: "test.event",
                object_id: None,
                actor: None,
                detail: json!({"number": number, "words": "x".repeat(16_000)}),
            };
            Box::pin(async move {
                tx.publish(news);
                Ok(())
            })
        });
        published.await.expect("it is published");
    }
}

/// Everything that comes of a channel until it is quiet.
async fn all_of(socket: &mut Socket, channel: &str) -> Vec<Value> {
    let mut all = Vec::new();
    while let Ok(Ok(frame)) = tokio::time::timeout(QUIET * 3, socket.next()).await {
        if frame["ch"] == channel {
            all.push(frame);
        }
    }
    all
}

/// Comes back to two channels, of which the first has so much that its reader does not take it at once.
async fn back_to(person: &Session, app: &TestApp, (first, second): (&Place, &Place)) -> Socket {
    assert!(first.0 < second.0, "they are replayed in this order");
    let pos = json!({&first.0: position(&first.1), &second.0: position(&second.1)});
    let socket = Socket::resumed(person, &app.url, &json!({"pos": pos})).await;
    assert_eq!(socket.hello["resumed"], "full", "{}", socket.hello);
    socket
}

/// A channel, and where somebody has it.
type Place = (String, Value);

#[tokio::test]
async fn whoever_is_removed_while_they_are_replayed_is_given_nothing_more() {
    let app = TestApp::start().await;
    let (ann, eve) = app.friends("ann", "eve").await;
    let ben = app.person("ben").await;
    let mut groups = Vec::new();
    for _ in 0..2 {
        groups.push(group(&ann, &[&eve, &ben]).await);
    }
    groups.sort_unstable();
    let (left, full) = (groups.remove(1), groups.remove(0));
    let mut socket = Socket::of(&eve, &app.url).await;
    let full = (full.clone(), subscribe(&mut socket, &full).await);
    let left = (left.clone(), subscribe(&mut socket, &left).await);
    socket.cut();
    let path = format!("/v1/conversations/{}", id_of(&left.0));
    let sent = json!({"content": "as it was"});
    let sent = ann.post(&format!("{path}/messages"), &sent).await.id();
    fill(&app, &full.0).await;
    let mut socket = back_to(&eve, &app, (&full, &left)).await;
    let member = format!("{path}/members/{}", eve.id);
    ann.delete(&member).await.expect_status(200);
    let change = json!({"content": "behind her back"});
    ann.patch(&format!("/v1/messages/{sent}"), &change)
        .await
        .expect_status(200);
    let told = all_of(&mut socket, &left.0).await;
    let words: Vec<&Value> = told.iter().map(|frame| &frame["op"]).collect();
    assert!(words.contains(&&json!("unsubscribed")), "{told:?}");
    let kinds: Vec<&Value> = told.iter().map(|frame| &frame["t"]).collect();
    assert!(!kinds.contains(&&json!("message.created")), "{told:?}");
    let text = serde_json::to_string(&told).expect("JSON");
    assert!(!text.contains("behind her back"), "{text}");
}

#[tokio::test]
async fn what_a_post_says_since_it_was_narrowed_is_in_no_replay_to_the_others() {
    let app = TestApp::start().await;
    let (ann, eve) = app.friends("ann", "eve").await;
    let ben = app.person("ben").await;
    let full = group(&ann, &[&eve, &ben]).await;
    let (post, channel) = post_of(&ann).await;
    let mut socket = Socket::of(&eve, &app.url).await;
    let full = (full.clone(), subscribe(&mut socket, &full).await);
    let seen = (channel.clone(), subscribe(&mut socket, &channel).await);
    socket.cut();
    let path = format!("/v1/posts/{post}");
    let change = json!({"content": "for all"});
    ann.patch(&path, &change).await.expect_status(200);
    fill(&app, &full.0).await;
    let mut socket = back_to(&eve, &app, (&full, &seen)).await;
    let change = json!({"content": "for herself", "audience": "only_me"});
    ann.patch(&path, &change).await.expect_status(200);
    let told = all_of(&mut socket, &channel).await;
    let words: Vec<&Value> = told.iter().map(|frame| &frame["op"]).collect();
    assert!(words.contains(&&json!("unsubscribed")), "{told:?}");
    let text = serde_json::to_string(&told).expect("JSON");
    assert!(!text.contains("for herself"), "{text}");
}
