//! Coming back: nothing is lost, nothing comes twice, and what cannot be made good is said.

use serde_json::json;

use super::client::{Socket, position};
use super::{QUIET, offsets, post_of, subscribe};
use crate::support::TestApp;

#[tokio::test]
async fn what_was_missed_is_replayed_once_and_in_order() {
    let app = TestApp::start().await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let (post, channel) = post_of(&ada).await;
    let mut socket = Socket::of(&ada, &app.url).await;
    let at = subscribe(&mut socket, &channel).await;
    let session = socket.hello["session"].clone();
    socket.cut();
    for number in 0..20 {
        bob.comment_on(&post, &format!("number {number}")).await;
    }
    let pos = json!({&channel: position(&at)});
    let mut socket =
        Socket::resumed(&ada, &app.url, &json!({"session": session, "pos": pos})).await;
    let sub = &socket.hello["subs"][&channel];
    assert_eq!((&sub["recovered"], &sub["n"]), (&json!(true), &json!(20)));
    assert_eq!(socket.hello["resumed"], "full");
    bob.comment_on(&post, "live").await;
    let events = socket.rest(QUIET).await;
    let comments: Vec<_> = events
        .into_iter()
        .filter(|event| event["t"] == "comment.created")
        .collect();
    let first = at["o"].as_i64().expect("a place") + 1;
    assert_eq!(offsets(&comments), (first..first + 21).collect::<Vec<_>>());
}
