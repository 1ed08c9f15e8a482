//! Clients without a socket, and one that listens over whichever transport it is told to.

use std::collections::VecDeque;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::catalogue;
use super::client::{PATIENCE, Socket};
use crate::support::{Reply, Session};

/// A stream of server-sent events.
pub struct Stream {
    response: reqwest::Response,
    buffer: String,
    /// The id of the last event.
    pub cursor: Option<String>,
    /// After how many milliseconds to come back, as was said.
    pub retry: Option<u64>,
}

impl Stream {
    /// Opens one; `last` is the id of the last event that the client has.
    pub async fn open(person: &Session, query: &str, last: Option<&str>) -> Self {
        let request = person
            .request(Method::GET, &format!("/v1/realtime/sse{query}"))
            .header("accept", "text/event-stream");
        let request = match last {
            Some(last) => request.header("last-event-id", last),
            None => request,
        };
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            response,
            buffer: String::new(),
            cursor: None,
            retry: None,
        }
    }

    /// Waits for an id that says something else than the last that was read, and gives it.
    pub async fn moved(&mut self) -> String {
        let before = self.cursor.clone();
        while self.cursor == before {
            self.block().await.expect("it goes on");
        }
        self.cursor.clone().expect("an id")
    }

    /// The next event: its kind and its data.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
            if let (Some(kind), Some(data)) = (field("event: "), field("data: ")) {
                let frame = serde_json::from_str(data).expect("JSON");
                catalogue::check(&frame);
                return Some((kind.to_owned(), frame));
            }
        }
    }

    /// What comes up to an empty line.
    pub async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.buffer = rest;
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
                if let Some(id) = field("id: ") {
                    self.cursor = Some(id.to_owned());
                }
                if let Some(retry) = field("retry: ") {
                    assert!(self.retry.is_none(), "twice");
                    self.retry = Some(retry.parse().expect("milliseconds"));
                }
                return Some(block);
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk());
            let chunk = chunk.await.expect("something comes").ok()??;
            self.buffer
                .push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
        }
    }

    /// The next frame that fits; what comes before it is forgotten.
    pub async fn find(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let (_kind, frame) = self.next().await.expect("it goes on");
            if fits(&frame) {
                return frame;
            }
        }
    }

    /// The next event of a test.
    pub async fn event(&mut self) -> Value {
        self.find(|frame| frame["t"] == "test.event").await
    }
}

/// Sends frames for the connection of this name.
pub async fn command(person: &Session, session: &Value, frames: &Value) -> Reply {
    let request = person
        .request(Method::POST, "/v1/realtime/commands")
        .header("rt-session", session.as_str().expect("a name"));
    let replies = person.send(request.json(frames)).await.expect_status(200);
    let each = replies.json.as_array().expect("replies");
    each.iter().for_each(catalogue::check);
    replies
}

/// Opens a stream or polls for the first time; gives what `hello` says, and where to go on from.
pub async fn begin(transport: Transport, person: &Session, query: &str) -> (Value, Value) {
    if transport == Transport::Sse {
        let mut stream = Stream::open(person, query, None).await;
        let hello = stream.find(|frame| frame["op"] == "hello").await["d"].clone();
        (hello, json!(stream.cursor))
    } else {
        let query = query.replace('?', "&");
        let path = format!("/v1/realtime/poll?wait=0{query}");
        let first = person.get(&path).await.expect_status(200).json;
        (first["ctl"][0]["d"].clone(), first["cursor"].clone())
    }
}

/// Goes on from there until this event comes; gives it.
pub async fn resume(transport: Transport, person: &Session, from: &Value, kind: &str) -> Value {
    let coming = async {
        if transport == Transport::Sse {
            let mut stream = Stream::open(person, "", from.as_str()).await;
            return stream.find(|frame| frame["t"] == kind).await;
        }
        let mut cursor = from.clone();
        loop {
            let reply = poll(person, &cursor, 5).await;
            if reply.status == 204 {
                continue;
            }
            let reply = reply.expect_status(200).json;
            let mut events = reply["events"].as_array().expect("events").iter();
            if let Some(event) = events.find(|event| event["t"] == kind) {
                return event.clone();
            }
            cursor = reply["cursor"].clone();
        }
    };
    let come = tokio::time::timeout(PATIENCE, coming).await;
    come.unwrap_or_else(|_| panic!("no {kind} comes over {transport:?}"))
}

/// Polls once.
pub async fn poll(person: &Session, cursor: &Value, wait: u32) -> Reply {
    let cursor = cursor.as_str().expect("a cursor");
    let path = format!("/v1/realtime/poll?cursor={cursor}&wait={wait}");
    let reply = person.get(&path).await;
    for list in ["events", "ctl"] {
        let frames = reply.json[list].as_array();
        frames.into_iter().flatten().for_each(catalogue::check);
    }
    reply
}

/// The ways to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Socket,
    Sse,
    Poll,
}

/// All of them.
pub const TRANSPORTS: [Transport; 3] = [Transport::Socket, Transport::Sse, Transport::Poll];

/// Somebody who listens and acts over one of them.
pub struct Line {
    person: Session,
    way: Way,
    waiting: VecDeque<Value>,
}

enum Way {
    Socket(Box<Socket>),
    Sse(Box<Stream>, Value),
    Poll {
        cursor: Value,
        session: Value,
        ready: VecDeque<Value>,
    },
}

impl Line {
    /// Listens to one channel; gives where that stands.
    pub async fn open(
        transport: Transport,
        person: &Session,
        url: &str,
        channel: &str,
    ) -> (Self, Value) {
        let person = person.at(url);
        let (way, hello) = match transport {
            Transport::Socket => {
                let mut socket = Socket::of(&person, url).await;
                let at = super::subscribe(&mut socket, channel).await;
                let hello = json!({"subs": {channel: at}});
                (Way::Socket(Box::new(socket)), hello)
            }
            Transport::Sse => {
                let query = format!("?chs={channel}");
                let mut stream = Stream::open(&person, &query, None).await;
                let hello = stream.find(|frame| frame["op"] == "hello").await["d"].clone();
                (Way::Sse(Box::new(stream), hello["session"].clone()), hello)
            }
            Transport::Poll => {
                let path = format!("/v1/realtime/poll?wait=0&chs={channel}");
                let first = person.get(&path).await.expect_status(200);
                let hello = first.json["ctl"][0]["d"].clone();
                let events = first.json["events"].as_array().expect("events");
                let way = Way::Poll {
                    cursor: first.json["cursor"].clone(),
                    session: hello["session"].clone(),
                    ready: events.iter().cloned().collect(),
                };
                (way, hello)
            }
        };
        let at = hello["subs"][channel].clone();
        assert!(at["o"].is_i64(), "{transport:?}: {hello}");
        let line = Self {
            person,
            way,
            waiting: VecDeque::new(),
        };
        (line, at)
    }

    /// Sends its commands as this person does, from now on.
    pub fn speak_through(&mut self, person: &Session) {
        self.person = person.clone();
    }

    /// Does something, and gives the reply, which must be one of success.
    pub async fn ask(&mut self, op: &str, op_id: &str, d: Value) -> Value {
        let mut frame = json!({"id": 1, "op": op, "d": d});
        if !op_id.is_empty() {
            frame["op_id"] = json!(op_id);
        }
        let reply = match &mut self.way {
            Way::Socket(socket) => {
                let id = socket.tell(&frame).await;
                socket.reply(id).await
            }
            Way::Sse(_, session) | Way::Poll { session, .. } => {
                let replies = command(&self.person, session, &json!([frame])).await;
                replies.json[0].clone()
            }
        };
        assert_eq!(reply["ok"], true, "{op}: {reply:#}");
        reply["d"].clone()
    }

    /// The next event of a kind; what comes before it waits.
    pub async fn event(&mut self, kind: &str) -> Value {
        let is_it = |frame: &Value| frame["t"] == kind;
        if let Some(place) = self.waiting.iter().position(is_it) {
            return self.waiting.remove(place).expect("it waits");
        }
        let reading = async {
            loop {
                let frame = self.next().await;
                if is_it(&frame) {
                    return frame;
                }
                self.waiting.push_back(frame);
            }
        };
        let read = tokio::time::timeout(PATIENCE, reading).await;
        read.unwrap_or_else(|_| panic!("no {kind} comes: {:?}", self.waiting))
    }

    /// The next word of this kind, with its `op`; events that come before it wait.
    pub async fn word(&mut self, op: &str) -> Value {
        let reading = async {
            loop {
                let frame = self.any().await;
                if frame["op"] == op {
                    return frame;
                }
                if frame.get("t").is_some() {
                    self.waiting.push_back(frame);
                }
            }
        };
        let read = tokio::time::timeout(PATIENCE, reading).await;
        read.unwrap_or_else(|_| panic!("no {op} comes: {:?}", self.waiting))
    }

    /// All events that come until it has been quiet, and those that waited.
    pub async fn rest(&mut self, quiet: Duration) -> Vec<Value> {
        while let Ok(frame) = tokio::time::timeout(quiet, self.next()).await {
            self.waiting.push_back(frame);
        }
        self.waiting.drain(..).collect()
    }

    async fn next(&mut self) -> Value {
        loop {
            let frame = self.any().await;
            if frame.get("t").is_some() {
                return frame;
            }
        }
    }

    /// The next event or word.
    async fn any(&mut self) -> Value {
        let is_any = |frame: &Value| frame.get("t").or(frame.get("op")).is_some();
        match &mut self.way {
            Way::Socket(socket) => socket.find(is_any).await,
            Way::Sse(stream, _) => stream.find(is_any).await,
            Way::Poll { cursor, ready, .. } => loop {
                if let Some(frame) = ready.pop_front() {
                    return frame;
                }
                let reply = poll(&self.person, cursor, 5).await;
                if reply.status != 204 {
                    let reply = reply.expect_status(200);
                    for list in ["events", "ctl"] {
                        ready.extend(reply.json[list].as_array().expect("a list").clone());
                    }
                    *cursor = reply.json["cursor"].clone();
                }
            },
        }
    }
}
