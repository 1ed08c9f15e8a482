//! What somebody is spared moves their place all the same: nothing is looked through twice.

use std::ops::Range;

use serde_json::{Value, json};

use super::client::{Socket, position};
use super::line::{Stream, Transport, begin, poll, resume};
use super::{QUICK, QUIET, post_of, publish, publish_many, subscribe};
use crate::support::{Session, TestApp};

/// A post of Kim's that Ada and Bob may see, whom Ada has blocked.
struct Scene {
    app: TestApp,
    ada: Session,
    bob: Session,
    kim: Session,
    post: String,
    channel: String,
}

impl Scene {
    async fn new() -> Self {
        let app = TestApp::start_with(QUICK).await;
        let (ada, bob) = (app.person("ada").await, app.person("bob").await);
        ada.set(&format!("/v1/users/{}/block", bob.id))
            .await
            .expect_status(200);
        app.wait_until_voids_are_delivered().await;
        let kim = app.person("kim").await;
        let (post, channel) = post_of(&kim).await;
        Self {
            app,
            ada,
            bob,
            kim,
            post,
            channel,
        }
    }

    /// A socket of Kim's, who is spared nothing, that listens to the post.
    async fn kims(&self) -> Socket {
        let mut kims = Socket::of(&self.kim, &self.app.url).await;
        subscribe(&mut kims, &self.channel).await;
        kims
    }

    /// What Ada's stream says of the post when it goes on from `cursor`.
    async fn said_again(&self, cursor: Option<&str>) -> Value {
        let mut stream = Stream::open(&self.ada, "", cursor).await;
        let hello = stream.find(|frame| frame["op"] == "hello").await;
        hello["d"]["subs"][&self.channel].clone()
    }
}

fn place(at: &Value) -> i64 {
    let at = at.get("o").unwrap_or(at);
    at.as_i64().expect("a place")
}

/// Polls until a word of this kind comes; gives it, and where to go on from.
pub(super) async fn word(person: &Session, cursor: &Value, op: &str) -> (Value, Value) {
    let mut cursor = cursor.clone();
    for _ in 0..20 {
        let reply = poll(person, &cursor, 5).await;
        if reply.status == 204 {
            continue;
        }
        let reply = reply.expect_status(200).json;
        cursor = reply["cursor"].clone();
        let words = reply["ctl"].as_array().expect("words");
        if let Some(word) = words.iter().find(|word| word["op"] == op) {
            return (word.clone(), cursor);
        }
    }
    panic!("no {op} comes");
}

#[tokio::test]
async fn a_position_that_moves_over_what_one_is_spared_is_told_over_a_socket() {
    let scene = Scene::new().await;
    let Scene {
        app,
        ada,
        bob,
        kim,
        post,
        channel,
    } = &scene;
    let mut socket = Socket::of(ada, &app.url).await;
    let at = subscribe(&mut socket, channel).await;
    bob.comment_on(post, "hidden").await;
    let pos = socket.find(|frame| frame["op"] == "pos").await["d"][channel].clone();
    assert_eq!((place(&pos), &pos["e"]), (place(&at) + 1, &at["e"]));
    socket.cut();
    bob.comment_on(post, "hidden").await;
    let seen = kim.comment_on(post, "seen").await;
    let back = json!({"pos": {channel: position(&pos)}});
    let mut socket = Socket::resumed(ada, &app.url, &back).await;
    let said = &socket.hello["subs"][channel];
    assert_eq!(
        (&said["recovered"], place(&said["from"])),
        (&json!(true), place(&at) + 2)
    );
    let event = socket.event("comment.created").await;
    assert_eq!(event["d"]["comment"]["id"], seen);
    assert_eq!(place(&event), place(&at) + 3);
}

#[tokio::test]
async fn a_position_that_moves_over_what_one_is_spared_is_told_in_a_stream() {
    let scene = Scene::new().await;
    let Scene {
        ada,
        bob,
        post,
        channel,
        ..
    } = &scene;
    let mut stream = Stream::open(ada, &format!("?chs={channel}"), None).await;
    let hello = stream.find(|frame| frame["op"] == "hello").await;
    let at = place(&hello["d"]["subs"][channel]);
    bob.comment_on(post, "hidden").await;
    let pos = stream.find(|frame| frame["op"] == "pos").await;
    assert_eq!(place(&pos["d"][channel]), at + 1);
    let cursor = stream.cursor.clone();
    drop(stream);
    let said = scene.said_again(cursor.as_deref()).await;
    assert_eq!((&said["n"], place(&said)), (&json!(0), at + 1));
}

#[tokio::test]
async fn a_position_that_moves_over_what_one_is_spared_is_told_to_a_poll() {
    let scene = Scene::new().await;
    let Scene {
        app,
        ada,
        bob,
        kim,
        post,
        channel,
    } = &scene;
    let (hello, cursor) = begin(Transport::Poll, ada, &format!("?chs={channel}")).await;
    let at = place(&hello["subs"][channel]);
    let waiting = {
        let (ada, cursor) = (ada.clone(), cursor.clone());
        tokio::spawn(async move { word(&ada, &cursor, "pos").await })
    };
    tokio::time::sleep(QUIET).await;
    // A comment would change numbers, which a poll is told of at once.
    publish_many(app, channel, 0..1, Some(bob)).await;
    let (pos, cursor) = waiting.await.expect("a word");
    assert_eq!(place(&pos["d"][channel]), at + 1);
    let seen = kim.comment_on(post, "seen").await;
    let event = resume(Transport::Poll, ada, &cursor, "comment.created").await;
    assert_eq!(event["d"]["comment"]["id"], seen);
    assert_eq!(place(&event), at + 2);
}

/// Does something, and waits until somebody who is spared nothing has heard the last of so many numbers.
async fn hide(app: &TestApp, bob: &Session, kims: &mut Socket, channel: &str, numbers: Range<i64>) {
    let last = numbers.end - 1;
    publish_many(app, channel, numbers, Some(bob)).await;
    kims.find(|frame| frame["d"]["number"] == last).await;
}

#[tokio::test]
async fn polls_look_once_through_what_one_is_spared() {
    let scene = Scene::new().await;
    let Scene {
        app,
        ada,
        bob,
        channel,
        ..
    } = &scene;
    let mut kims = scene.kims().await;
    let (hello, mut cursor) = begin(Transport::Poll, ada, &format!("?chs={channel}")).await;
    let at = place(&hello["subs"][channel]);
    // Together more than is replayed at once.
    for numbers in [0..300, 300..600] {
        hide(app, bob, &mut kims, channel, numbers).await;
        let reply = poll(ada, &cursor, 0).await.expect_status(200).json;
        let events = reply["events"].as_array().expect("events");
        let is_his = |event: &Value| event["by"] == bob.id;
        assert!(!events.iter().any(is_his), "{events:?}");
        cursor = reply["cursor"].clone();
    }
    publish(app, channel, 600).await;
    let event = resume(Transport::Poll, ada, &cursor, "test.event").await;
    assert_eq!(place(&event), at + 601);
}

#[tokio::test]
async fn a_stream_looks_once_through_what_one_is_spared() {
    let scene = Scene::new().await;
    let Scene {
        app,
        ada,
        bob,
        channel,
        ..
    } = &scene;
    let mut kims = scene.kims().await;
    let (_hello, cursor) = begin(Transport::Sse, ada, &format!("?chs={channel}")).await;
    hide(app, bob, &mut kims, channel, 0..100).await;
    let mut stream = Stream::open(ada, "", cursor.as_str()).await;
    let hello = stream.find(|frame| frame["op"] == "hello").await;
    assert_eq!(hello["d"]["subs"][channel]["n"], 100);
    let before = stream.cursor.clone();
    stream.find(|frame| frame["op"] == "replayed").await;
    if stream.cursor == before {
        // Something else has come at once, and the id with it.
        stream.moved().await;
    }
    let cursor = stream.cursor.clone();
    drop(stream);
    let said = scene.said_again(cursor.as_deref()).await;
    assert_eq!((&said["recovered"], &said["n"]), (&json!(true), &json!(0)));
}
