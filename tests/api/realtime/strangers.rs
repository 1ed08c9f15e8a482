//! Whoever it is no business of is refused the same by every operation, over every transport, and nothing follows from
//! their trying.

use std::collections::{BTreeSet, HashMap};

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Socket, position};
use super::line::{Stream, TRANSPORTS, Transport, begin, command};
use super::{QUICK, QUIET, beside, group, id_of, publish, second, subscribe};
use crate::notifications::settle;
use crate::support::{Session, TestApp};

/// A group, posts, and people of whom none may know of them.
struct Scene {
    app: TestApp,
    other: TestApp,
    ada: Session,
    conv: String,
    message: String,
    /// A post that only its author sees, and a comment on it.
    post: String,
    notification: String,
    /// A stranger, one who is blocked, one who has left the group, one who was put out of it, a friend who was
    /// never in it.
    wrong: Vec<(&'static str, Session)>,
}

impl Scene {
    async fn set() -> Self {
        let app = TestApp::start_with(QUICK).await;
        let other = second(&app, QUICK).await;
        let (ada, bob) = app.friends("ada", "bob").await;
        let mut wrong = Vec::new();
        for name in ["stranger", "blocked", "left", "put_out", "friend"] {
            let person = app.person(name).await;
            if name != "stranger" {
                ada.befriend(&person).await;
            }
            wrong.push((name, person));
        }
        let [blocked, left, put_out] = [1, 2, 3].map(|place| &wrong[place].1);
        let conv = group(&ada, &[&bob, left, put_out]).await;
        let path = format!("/v1/conversations/{}", id_of(&conv));
        let (messages, words) = (format!("{path}/messages"), json!({"content": "between us"}));
        let said = bob.post(&messages, &words);
        let message = said.await.expect_status(201).id();
        for (actor, gone) in [(left, left), (&ada, put_out)] {
            let gone = actor.delete(&format!("{path}/members/{}", gone.id)).await;
            assert!(matches!(gone.status, 200 | 204), "{:#}", gone.json);
        }
        ada.set(&format!("/v1/users/{}/block", blocked.id))
            .await
            .expect_status(200);
        let shown = ada.post_to(&json!("friends"), "for friends").await;
        bob.comment_on(&shown, "hello").await;
        let post = ada.post_to(&json!("only_me"), "for me").await;
        settle(&app).await;
        let told = ada.get("/v1/notifications").await.expect_status(200);
        let told = told.json["data"].as_array().expect("a list").clone();
        let unread = told.iter().find(|one| one["read"] == false);
        let notification = unread.expect("one that is not read")["id"].as_str();
        let notification = notification.expect("an id").to_owned();
        Self {
            app,
            other,
            ada,
            conv,
            message,
            post,
            notification,
            wrong,
        }
    }

    /// Every operation that is about something of hers.
    fn operations(&self) -> Vec<(&'static str, Value)> {
        let (conv, message) = (id_of(&self.conv), &self.message);
        let up_to = json!({"conversation_id": conv, "up_to": 1});
        vec![
            ("history", json!({"ch": self.conv})),
            ("typing.start", json!({"ch": self.conv})),
            ("typing.stop", json!({"ch": self.conv})),
            (
                "message.send",
                json!({"conversation_id": conv, "content": "boo"}),
            ),
            (
                "message.edit",
                json!({"message_id": message, "content": "boo"}),
            ),
            ("message.delete", json!({"message_id": message})),
            (
                "reaction.add",
                json!({"message_id": message, "kind": "like"}),
            ),
            ("reaction.remove", json!({"message_id": message})),
            ("read.mark", up_to.clone()),
            ("delivered.mark", up_to),
            (
                "comment.create",
                json!({"post_id": self.post, "content": "boo"}),
            ),
            (
                "notification.read",
                json!({"notification_id": self.notification}),
            ),
        ]
    }

    /// What is hers, and not for `name`.
    fn channels(&self, name: &str) -> Vec<String> {
        let ada = &self.ada.id;
        let mut channels = vec![
            self.conv.clone(),
            format!("post:{}", self.post),
            format!("feed:{ada}"),
            format!("user:{ada}"),
        ];
        if matches!(name, "stranger" | "blocked") {
            channels.push(format!("presence:{ada}"));
        }
        channels
    }

    /// All that could show that something has followed.
    async fn state(&self) -> Vec<Value> {
        let conv = format!("/v1/conversations/{}", id_of(&self.conv));
        let mut state = Vec::new();
        for path in [
            conv.clone(),
            format!("{conv}/members"),
            format!("{conv}/messages"),
            format!("/v1/posts/{}", self.post),
            format!("/v1/posts/{}/comments", self.post),
            "/v1/notifications".to_owned(),
        ] {
            state.push(self.ada.get(&path).await.expect_status(200).json);
        }
        state
    }
}

/// Sends frames over one of the transports; those of no socket go to `url` by way of commands.
enum Way {
    Socket(Box<Socket>),
    Commands {
        person: Box<Session>,
        session: Value,
        _stream: Option<Box<Stream>>,
    },
}

impl Way {
    async fn open(transport: Transport, person: &Session, url: &str, there: &str) -> Self {
        let here = person.at(url);
        match transport {
            Transport::Socket => Self::Socket(Box::new(Socket::of(&here, url).await)),
            Transport::Sse => {
                let mut stream = Stream::open(&here, "", None).await;
                let hello = stream.find(|frame| frame["op"] == "hello").await;
                let session = hello["d"]["session"].clone();
                Self::Commands {
                    person: Box::new(person.at(there)),
                    session,
                    _stream: Some(Box::new(stream)),
                }
            }
            Transport::Poll => {
                let (hello, _cursor) = begin(transport, &here, "").await;
                Self::Commands {
                    person: Box::new(person.at(there)),
                    session: hello["session"].clone(),
                    _stream: None,
                }
            }
        }
    }

    async fn try_ask(&mut self, op: &str, d: &Value) -> Value {
        match self {
            Self::Socket(socket) => socket.try_ask(op, d.clone()).await,
            Self::Commands {
                person, session, ..
            } => {
                let frames = json!([{"id": 1, "op": op, "d": d}]);
                command(person, session, &frames).await.json[0].clone()
            }
        }
    }
}

#[tokio::test]
async fn no_operation_tells_or_does_anything_for_whom_it_is_no_business_of() {
    let scene = Scene::set().await;
    let (here, there) = (&scene.app.url, beside(&scene.app, &scene.other));
    let mut hers = Socket::of(&scene.ada, here).await;
    subscribe(&mut hers, &scene.conv).await;
    subscribe(&mut hers, &format!("post:{}", scene.post)).await;
    let before = scene.state().await;
    for (name, person) in &scene.wrong {
        let mut errors = HashMap::new();
        for transport in TRANSPORTS {
            // What is about a connection is passed to where that is, or is refused where it was sent to.
            let places: &[&str] = match transport {
                Transport::Socket => &[here],
                Transport::Sse | Transport::Poll => &[here, there],
            };
            for place in places {
                let mut way = Way::open(transport, person, here, place).await;
                for (op, d) in scene.operations() {
                    let was_in = matches!(*name, "left" | "put_out");
                    if was_in && op.split('.').next_back() == Some("mark") {
                        // They read on what was said while they were there, and tell nobody.
                        continue;
                    }
                    let refused = way.try_ask(op, &d).await;
                    assert_eq!(refused["ok"], false, "{name}, {transport:?}, {op}");
                    let err = &refused["err"];
                    let first = errors.entry(op).or_insert_with(|| err.clone());
                    assert_eq!(
                        err, first,
                        "{name}, {transport:?}, {op}: the same everywhere"
                    );
                    if was_in {
                        // They know that it is there.
                        let code = err["code"].as_str().unwrap_or_default();
                        assert!(["not_found", "forbidden"].contains(&code), "{op}: {err}");
                        continue;
                    }
                    let said = (&err["code"], &err["n"], &err["retry"], refused.get("d"));
                    let wanted = (&json!("not_found"), &json!(404), &json!(false), None);
                    assert_eq!(said, wanted, "{name}, {transport:?}, {op}: {refused}");
                    // Nothing is known of the thing itself, and so of nothing that is not there at all.
                    let nothing = without_ids(&d);
                    let absent = way.try_ask(op, &nothing).await;
                    assert_eq!(absent["err"], *err, "{name}, {transport:?}, {op}");
                }
            }
        }
    }
    assert_eq!(scene.state().await, before, "nothing has followed");
    let ids: Vec<&String> = scene.wrong.iter().map(|(_, person)| &person.id).collect();
    let told = hers.rest(QUIET * 2).await;
    let of_them = |event: &&Value| ids.iter().any(|id| event.to_string().contains(*id));
    let is_new = |event: &&Value| event["ch"] != format!("user:{}", scene.ada.id);
    let told = told.iter().filter(is_new).find(of_them);
    assert_eq!(told, None);
}

/// The same about what does not exist.
fn without_ids(d: &Value) -> Value {
    let nobody = "01938b2f-5a00-7000-8000-000000000001";
    let members = d.as_object().expect("members").iter();
    let members = members.map(|(name, value)| {
        let value = match name.as_str() {
            "ch" => json!(format!("conv:{nobody}")),
            name if name.ends_with("_id") => json!(nobody),
            _ => value.clone(),
        };
        (name.clone(), value)
    });
    Value::Object(members.collect())
}

/// What is said of the channels that an address names: by `hello`, or to a poll by words of its own.
async fn named_in_the_address(transport: Transport, person: &Session, query: &str) -> Value {
    if transport == Transport::Sse {
        return begin(transport, person, query).await.0["subs"].clone();
    }
    let path = format!("/v1/realtime/poll{query}&wait=0");
    let first = person.get(&path).await.expect_status(200).json;
    let words = first["ctl"].as_array().expect("words");
    let hello = words.iter().find(|word| word["op"] == "hello");
    let mut subs = hello.expect("hello")["d"]["subs"].clone();
    for word in words.iter().filter(|word| word["op"] == "unsubscribed") {
        let channel = word["ch"].as_str().expect("a channel");
        subs[channel] = json!({"err": word["err"]});
    }
    subs
}

#[tokio::test]
async fn no_channel_is_listened_to_by_whom_it_is_no_business_of() {
    let scene = Scene::set().await;
    let (here, there) = (&scene.app.url, beside(&scene.app, &scene.other));
    let mut hers = Socket::of(&scene.ada, here).await;
    let at = position(&subscribe(&mut hers, &scene.conv).await);
    for (name, person) in &scene.wrong {
        let channels = scene.channels(name);
        let is_refused = |subs: &Value, how: &str| {
            for channel in &channels {
                let said = &subs[channel];
                assert_eq!(
                    said["err"]["code"], "not_found",
                    "{name}, {how}, {channel}: {said}"
                );
                let told = said.as_object().expect("members").keys();
                assert!(
                    told.clone().all(|key| key == "err"),
                    "{name}, {how}: {said}"
                );
            }
        };
        let chs: Vec<Value> = channels.iter().map(|ch| json!({"ch": ch})).collect();
        for transport in TRANSPORTS {
            let mut way = Way::open(transport, person, here, there).await;
            let asked = json!({"chs": chs, "snapshot": 10});
            let reply = way.try_ask("subscribe", &asked).await;
            is_refused(&reply["d"]["subs"], &format!("{transport:?}"));
        }
        for transport in [Transport::Sse, Transport::Poll] {
            let query = format!("?chs={}", channels.join(","));
            let subs = named_in_the_address(transport, person, &query).await;
            is_refused(&subs, &format!("?chs= over {transport:?}"));
        }
        // Nor by saying that one was there.
        let resume = json!({"pos": {&scene.conv: at}});
        let socket = Socket::resumed(person, here, &resume).await;
        let said = &socket.hello["subs"][&scene.conv];
        assert_eq!(said["recovered"], false, "{name}: {said}");
        assert_eq!(said["reason"], "forbidden", "{name}: {said}");
        assert_eq!(said["err"]["code"], "not_found", "{name}: {said}");
        assert!(said.get("e").or(said.get("o")).is_none(), "{name}: {said}");
        socket.goodbye().await;
    }
    // Nothing of it is heard.
    let mut listening = Vec::new();
    for (name, person) in &scene.wrong {
        listening.push((name, Socket::of(person, there).await));
    }
    publish(&scene.app, &scene.conv, 1).await;
    publish(&scene.app, &format!("user:{}", scene.ada.id), 2).await;
    hers.event("test.event").await;
    hers.event("test.event").await;
    for (name, mut socket) in listening {
        let told = socket.rest(QUIET).await;
        let told = told.iter().find(|event| event["t"] == "test.event");
        assert_eq!(told, None, "{name}");
    }
}

#[tokio::test]
async fn nobody_does_anything_to_a_connection_of_somebody_else() {
    let scene = Scene::set().await;
    let (here, there) = (&scene.app.url, beside(&scene.app, &scene.other));
    let (ada, eve) = (&scene.ada, &scene.wrong[0].1);
    let query = format!("?chs={}", scene.conv);
    let mut stream = Stream::open(ada, &query, None).await;
    let hello = stream.find(|frame| frame["op"] == "hello").await["d"].clone();
    let stolen = stream.cursor.clone().expect("a cursor");
    let (_hello, polled) = begin(Transport::Poll, ada, &query).await;
    let session = hello["session"].as_str().expect("a name");
    let frames = json!([
        {"id": 1, "op": "unsubscribe", "d": {"ch": scene.conv}},
        {"id": 2, "op": "presence.set", "d": {"state": "away"}},
        {"id": 3, "op": "typing.start", "d": {"ch": scene.conv}},
    ]);
    for name in [session, "s_00000000000000000000000000000000", "x", ""] {
        for url in [here, there] {
            let request = eve
                .at(url)
                .request(Method::POST, "/v1/realtime/commands")
                .header("rt-session", name);
            let refused = eve.send(request.json(&frames)).await;
            let refused = refused.expect_problem(404, "not_found");
            let words = refused.json["detail"].clone();
            assert_eq!(words, "Rt-Session names no connection of yours.");
        }
    }
    // Nor by going on from where she was.
    let polled = polled.as_str().expect("a cursor");
    let mut answers = BTreeSet::new();
    for cursor in [&stolen, polled, "nonsense"] {
        for way in ["sse", "poll"] {
            let path = format!("/v1/realtime/{way}?cursor={cursor}");
            let refused = eve.get(&path).await;
            assert_ne!(refused.status, 200, "{way}: {:#}", refused.json);
            answers.insert((refused.status, refused.json["code"].to_string()));
        }
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    // Nor under her connection's name on a socket: it is none of eve's, who has another.
    let socket = Socket::resumed(eve, here, &json!({"session": session})).await;
    assert_ne!(socket.hello["session"], session);
    publish(&scene.app, &scene.conv, 7).await;
    let told = tokio::time::timeout(super::client::PATIENCE, stream.event()).await;
    assert_eq!(told.expect("it goes on")["d"]["number"], 7);
    let seen = ada.get(&format!("/v1/presence?ids={}", ada.id)).await;
    let seen = seen.expect_status(200).json["data"][0]["state"].clone();
    assert_ne!(seen, "away", "what she said of herself stays");
}
