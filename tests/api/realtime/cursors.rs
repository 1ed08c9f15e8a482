//! Where clients without a socket stand: what was sent to nobody yet, what commands have changed, and how
//! much there is room for.

use serde_json::{Value, json};

use super::line::{Stream, Transport, begin, command, poll, resume};
use super::{QUICK, beside, post_of, publish, second};
use crate::support::{Session, TestApp};

const WITHOUT_SOCKET: [Transport; 2] = [Transport::Sse, Transport::Poll];

#[tokio::test]
async fn whoever_was_sent_nothing_yet_is_given_what_came_since() {
    let app = TestApp::start_with(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    for transport in WITHOUT_SOCKET {
        let (post, channel) = post_of(&ada).await;
        let (hello, cursor) = begin(transport, &ada, &format!("?chs={channel}")).await;
        assert!(
            cursor.is_string(),
            "{transport:?}: no cursor with the hello"
        );
        let comment = bob.comment_on(&post, "hello").await;
        let event = resume(transport, &ada, &cursor, "comment.created").await;
        assert_eq!(event["d"]["comment"]["id"], comment, "{transport:?}");
        let at = hello["subs"][&channel]["o"].as_i64().expect("a place");
        assert_eq!(event["o"], at + 1, "{transport:?}");
        let told = resume(transport, &ada, &cursor, "notification.created").await;
        assert_eq!(told["ch"], format!("user:{}", ada.id), "{transport:?}");
    }
}

#[tokio::test]
async fn a_stream_says_once_when_to_come_back() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let mut said = Vec::new();
    for _ in 0..8 {
        let mut stream = Stream::open(&ada, "", None).await;
        let first = stream.next().await.expect("an event");
        assert_eq!((first.0.as_str(), &first.1["op"]), ("ctl", &json!("hello")));
        let retry = stream.retry.expect("before everything else");
        assert!((2_000..=5_000).contains(&retry), "{retry}");
        said.push(retry);
    }
    said.dedup();
    assert!(said.len() > 1, "all at once: {said:?}");
}

#[tokio::test]
async fn a_stream_goes_on_with_what_commands_have_changed() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let ada = app.person("ada").await;
    for through in [app.url.as_str(), beside(&app, &other)] {
        for is_waited_for in [true, false] {
            go_on(&app, &ada, through, is_waited_for).await;
        }
    }
}

/// Subscribes and unsubscribes by commands, breaks the line, and comes back by the same address; with the
/// id that tells of the commands, or before that has come.
async fn go_on(app: &TestApp, ada: &Session, through: &str, is_waited_for: bool) {
    let (_post, old) = post_of(ada).await;
    let (_post, new) = post_of(ada).await;
    let query = format!("?chs={old}");
    let mut stream = Stream::open(ada, &query, None).await;
    let hello = stream.find(|frame| frame["op"] == "hello").await;
    let session = &hello["d"]["session"];
    let mut cursor = stream.cursor.clone();
    let there = ada.at(through);
    let frames = json!([{"op": "subscribe", "d": {"chs": [{"ch": new}]}}]);
    let replies = command(&there, session, &frames).await.json;
    let at = replies[0]["d"]["subs"][&new].clone();
    if is_waited_for {
        stream.moved().await;
    }
    let frames = json!([{"op": "unsubscribe", "d": {"ch": old}}]);
    let replies = command(&there, session, &frames).await.json;
    assert_eq!(replies[0]["d"]["chs"], json!([old]));
    if is_waited_for {
        cursor = Some(stream.moved().await);
    }
    drop(stream);
    publish(app, &new, 1).await;
    publish(app, &old, 1).await;
    let mut stream = Stream::open(ada, &query, cursor.as_deref()).await;
    let hello = stream.find(|frame| frame["op"] == "hello").await;
    let subs = &hello["d"]["subs"];
    let how = format!("{through} {is_waited_for}: {subs}");
    assert_eq!(subs[&new]["recovered"], true, "{how}");
    assert!(subs.get(&old).is_none(), "{how}");
    let event = stream.event().await;
    assert_eq!(event["ch"], new, "{how}");
    assert_eq!(event["o"], at["o"].as_i64().expect("a place") + 1, "{how}");
}

#[tokio::test]
async fn without_a_socket_there_is_room_for_thirty_two_channels_and_what_exceeds_is_refused() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let ada = app.person("ada").await;
    let mut channels = Vec::new();
    for _ in 0..34 {
        channels.push(post_of(&ada).await.1);
    }
    for transport in WITHOUT_SOCKET {
        for through in [app.url.as_str(), beside(&app, &other)] {
            fill(transport, &ada, through, &channels).await;
        }
    }
    let all = format!("?chs={}", channels[..33].join(","));
    ada.get(&format!("/v1/realtime/poll{all}"))
        .await
        .expect_problem(422, "validation_failed");
}

async fn fill(transport: Transport, ada: &Session, through: &str, channels: &[String]) {
    let query = format!("?chs={}", channels[..31].join(","));
    // A stream has to stay where it is.
    let (mut stream, hello, cursor) = if transport == Transport::Sse {
        let mut stream = Stream::open(ada, &query, None).await;
        let hello = stream.find(|frame| frame["op"] == "hello").await["d"].clone();
        let cursor = json!(stream.cursor);
        (Some(stream), hello, cursor)
    } else {
        let (hello, cursor) = begin(transport, ada, &query).await;
        (None, hello, cursor)
    };
    assert_eq!(hello["max_subs"], 32);
    let subscribe = |channels: &[String]| {
        let chs: Vec<Value> = channels.iter().map(|ch| json!({"ch": ch})).collect();
        json!([{"id": 1, "op": "subscribe", "d": {"chs": chs}}])
    };
    let there = ada.at(through);
    let session = &hello["session"];
    let how = format!("{transport:?} {through}");
    let replies = command(&there, session, &subscribe(&channels[31..33])).await;
    let refused = &replies.json[0]["err"];
    assert_eq!(
        (&refused["code"], &refused["n"]),
        (&json!("quota_exceeded"), &json!(422)),
        "{how}"
    );
    let replies = command(&there, session, &subscribe(&channels[31..32])).await;
    assert_eq!(replies.json[0]["ok"], true, "{how}: {}", replies.json);
    let replies = command(&there, session, &subscribe(&channels[32..33])).await;
    assert_eq!(replies.json[0]["err"]["code"], "quota_exceeded", "{how}");
    let from = match &mut stream {
        Some(stream) => json!(stream.moved().await),
        None => cursor,
    };
    drop(stream);
    let over = overfill(transport, ada, &from, &channels[32..]).await;
    assert_eq!(over.len(), 2, "{how}");
    for error in over {
        assert_eq!(error["code"], "quota_exceeded", "{how}");
    }
}

/// Comes back by an address that names more; gives what is said of those for which there is no room.
async fn overfill(
    transport: Transport,
    ada: &Session,
    from: &Value,
    channels: &[String],
) -> Vec<Value> {
    let more = channels.join(",");
    if transport == Transport::Sse {
        let mut stream = Stream::open(ada, &format!("?chs={more}"), from.as_str()).await;
        let hello = stream.find(|frame| frame["op"] == "hello").await["d"].clone();
        let errors = channels.iter().map(|ch| hello["subs"][ch]["err"].clone());
        errors.collect()
    } else {
        let from = from.as_str().expect("a cursor");
        let path = format!("/v1/realtime/poll?wait=0&cursor={from}&chs={more}");
        let reply = ada.get(&path).await.expect_status(200);
        let words = reply.json["ctl"].as_array().expect("words").clone();
        let ended = words.into_iter().filter(|word| word["reason"] == "limit");
        ended.map(|word| word["err"].clone()).collect()
    }
}

#[tokio::test]
async fn a_poll_leaves_what_it_left_although_its_address_names_it() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    let (hello, cursor) = begin(Transport::Poll, &ada, &format!("?chs={channel}")).await;
    let frame = json!([{"op": "unsubscribe", "d": {"ch": channel}}]);
    let there = ada.at(beside(&app, &other));
    command(&there, &hello["session"], &frame).await;
    publish(&app, &channel, 1).await;
    let cursor = cursor.as_str().expect("a cursor");
    let path = format!("/v1/realtime/poll?wait=0&cursor={cursor}&chs={channel}");
    ada.get(&path).await.expect_status(204);
    // Listened to again by a command, it is told of again.
    let frame = json!([{"op": "subscribe", "d": {"chs": [{"ch": channel}]}}]);
    command(&there, &hello["session"], &frame).await;
    publish(&app, &channel, 2).await;
    let reply = poll(&ada, &json!(cursor), 5).await.expect_status(200);
    let events = reply.json["events"].as_array().expect("events");
    let last = events.last().expect("an event");
    assert_eq!(last["d"]["number"], 2, "{events:?}");
}
