//! A client of the socket, as a frontend would write it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::catalogue;
use crate::support::Session;

/// How long anything may take: what ends a test that fails, and no test that succeeds.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// An open socket.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next_id: i64,
    /// Frames that came while another was waited for.
    waiting: VecDeque<Value>,
    /// What `hello` was answered with.
    pub hello: Value,
}

/// The address of the socket of a kith at `url`.
pub fn address(url: &str, query: &str) -> String {
    format!("{}/v1/realtime{query}", url.replacen("http", "ws", 1))
}

/// The request that opens a socket, to be completed by the caller.
pub fn upgrade(url: &str, query: &str) -> Request {
    address(url, query)
        .into_client_request()
        .expect("a request")
}

/// A header of that request.
pub fn with(mut request: Request, name: &'static str, value: &str) -> Request {
    request
        .headers_mut()
        .insert(name, value.parse().expect("a header"));
    request
}

impl Socket {
    /// Opens a socket without a word. The status tells why not.
    pub async fn open(request: Request) -> Result<Self, u16> {
        Self::open_or_wait(request)
            .await
            .map_err(|(status, _)| status)
    }

    /// The same, with how many seconds to wait where that is said.
    pub async fn open_or_wait(request: Request) -> Result<Self, (u16, u64)> {
        use tokio_tungstenite::tungstenite::Error;
        match connect_async(request).await {
            Ok((stream, _response)) => Ok(Self {
                stream,
                next_id: 1,
                waiting: VecDeque::new(),
                hello: Value::Null,
            }),
            Err(Error::Http(response)) => {
                let wait = response.headers().get("retry-after");
                let wait = wait.and_then(|wait| wait.to_str().ok()?.parse().ok());
                Err((response.status().as_u16(), wait.unwrap_or_default()))
            }
            Err(error) => panic!("no socket: {error}"),
        }
    }

    /// Opens a socket for a person at the kith at `url`, and says hello.
    pub async fn of(person: &Session, url: &str) -> Self {
        Self::resumed(person, url, &json!({})).await
    }

    /// The same with what the client has already: `{session, pos}`.
    pub async fn resumed(person: &Session, url: &str, resume: &Value) -> Self {
        let bearer = format!("Bearer {}", person.access_token);
        let request = with(upgrade(url, ""), "authorization", &bearer);
        let mut socket = Self::open(request).await.expect("a socket");
        socket.hello = socket.ask("hello", json!({"resume": resume})).await["d"].clone();
        socket
    }

    /// Sends a frame and waits for its reply, which must be one of success.
    pub async fn ask(&mut self, op: &str, d: impl Into<Value>) -> Value {
        let reply = self.try_ask(op, d).await;
        assert_eq!(reply["ok"], true, "{op}: {reply:#}");
        reply
    }

    /// The same where it may be refused.
    pub async fn try_ask(&mut self, op: &str, d: impl Into<Value>) -> Value {
        let d: Value = d.into();
        let id = self.tell(&json!({"op": op, "d": d})).await;
        self.reply(id).await
    }

    /// Sends a frame, with a number of its own, and waits for nothing.
    pub async fn tell(&mut self, frame: &Value) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        let mut frame = frame.clone();
        frame["id"] = json!(id);
        self.send(Message::text(frame.to_string())).await;
        id
    }

    /// Sends anything.
    pub async fn send(&mut self, message: Message) {
        self.stream.send(message).await.expect("it is sent");
    }

    /// The reply to a frame; what comes before it waits.
    pub async fn reply(&mut self, id: i64) -> Value {
        self.find(|frame| frame["re"] == id).await
    }

    /// The next frame that fits; what comes before it waits.
    pub async fn find(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.waiting.iter().position(&fits) {
            return self.waiting.remove(place).expect("it waits");
        }
        // Pings come for ever, whatever else does not.
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let frame = match self.receive().await {
                Ok(frame) => frame,
                Err(code) => panic!("closed with {code}: {:?}", self.waiting),
            };
            if fits(&frame) {
                return frame;
            }
            self.waiting.push_back(frame);
        }
        panic!("it does not come: {:?}", self.waiting);
    }

    /// The next event of a kind.
    pub async fn event(&mut self, kind: &str) -> Value {
        self.find(|frame| frame["t"] == kind).await
    }

    /// The next frame, whatever it is, or the code of the close.
    pub async fn next(&mut self) -> Result<Value, u16> {
        match self.waiting.pop_front() {
            Some(frame) => Ok(frame),
            None => self.receive().await,
        }
    }

    /// Waits for the close, and gives its code.
    pub async fn closed(&mut self) -> u16 {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Err(code) = self.next().await {
                return code;
            }
        }
        panic!("it is not closed");
    }

    /// All events that come until it has been quiet for `quiet`; pings are no noise.
    pub async fn rest(&mut self, quiet: Duration) -> Vec<Value> {
        let mut events = Vec::new();
        let mut since = Instant::now();
        while let Some(left) = quiet.checked_sub(since.elapsed()) {
            match tokio::time::timeout(left, self.next()).await {
                Ok(Ok(frame)) if frame.get("t").is_some() => {
                    events.push(frame);
                    since = Instant::now();
                }
                Ok(Ok(_word)) => {}
                Ok(Err(_)) | Err(_) => break,
            }
        }
        events
    }

    /// Goes without a word.
    pub fn cut(self) {
        drop(self.stream);
    }

    /// Says goodbye.
    pub async fn goodbye(mut self) {
        self.stream.close(None).await.expect("it closes");
        while let Some(Ok(_)) = self.stream.next().await {}
    }

    /// Closes as a client does that takes the line for dead, and means to come back.
    pub async fn give_up(mut self) {
        let close = CloseFrame {
            code: 4999.into(),
            reason: "presumed dead".into(),
        };
        self.stream.close(Some(close)).await.expect("it closes");
        while let Some(Ok(_)) = self.stream.next().await {}
    }

    async fn receive(&mut self) -> Result<Value, u16> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.stream.next()).await;
            let message = message.unwrap_or_else(|_| panic!("nothing comes: {:?}", self.waiting));
            match message {
                Some(Ok(Message::Text(text))) => {
                    let frame = serde_json::from_str(&text).expect("JSON");
                    catalogue::check(&frame);
                    return Ok(frame);
                }
                Some(Ok(Message::Close(close))) => {
                    return Err(close.map_or(1005, |close| close.code.into()));
                }
                Some(Ok(_other)) => {}
                Some(Err(_)) | None => return Err(1006),
            }
        }
    }
}

/// A position from a reply or an event.
pub fn position(at: &Value) -> Value {
    json!({"e": at["e"], "o": at["o"]})
}
