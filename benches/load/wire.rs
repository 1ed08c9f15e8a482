//! A small HTTP/1.1 client: one kept-alive connection, one request at a time. The generator shares its
//! cores with what it measures, so it does no more than it must.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// After this time a request counts as failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// Headers of one answer.
const MOST_HEADERS: usize = 64;

/// What is asked.
#[derive(Debug, Default, Clone)]
pub struct Request {
    /// The method.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// The access token, if somebody is signed in.
    pub token: Option<String>,
    /// JSON.
    pub body: Option<String>,
    /// The `Idempotency-Key`, for a write that may be repeated.
    pub key: Option<String>,
}

/// What an answer said about itself; its body stays in the connection.
#[derive(Debug, Default, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `Cache-Status`: whether it was a hit, and the detail that it gave.
    pub cache: Option<(bool, String)>,
    /// SQL statements that `Server-Timing` counts.
    pub sql: Option<u32>,
    /// Round trips to Redis that `Server-Timing` counts.
    pub redis: Option<u32>,
    /// What `Server-Timing` says about the cache, as `post l1=19 miss=1, user l1=12`.
    pub entries: Option<String>,
    /// All of `Server-Timing`.
    pub timing: Option<String>,
    /// Whether there is a `Retry-After`.
    pub retry_after: bool,
    length: Option<usize>,
    chunked: bool,
    closes: bool,
}

/// An address that is asked.
#[derive(Debug, Clone)]
pub struct Target {
    /// For the `Host` header.
    pub host: String,
    /// Where to connect.
    pub addr: SocketAddr,
}

impl Target {
    /// Reads `http://HOST:PORT`.
    pub async fn parse(url: &str) -> anyhow::Result<Self> {
        let host = url
            .strip_prefix("http://")
            .map(|rest| rest.trim_end_matches('/'))
            .filter(|host| !host.is_empty() && !host.contains('/'))
            .with_context(|| format!("{url} is no address such as http://127.0.0.1:8080"))?;
        let name = if host.contains(':') {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        let addr = tokio::net::lookup_host(&name)
            .await
            .with_context(|| format!("{host} has no address"))?
            .next()
            .with_context(|| format!("{host} has no address"))?;
        Ok(Self {
            host: host.to_owned(),
            addr,
        })
    }
}

/// A connection that is opened when it is first used, and again after it was closed.
pub struct Connection {
    target: Target,
    stream: Option<TcpStream>,
    output: Vec<u8>,
    input: Vec<u8>,
    body: Vec<u8>,
}

impl Connection {
    /// A connection to `target`, not opened yet.
    pub fn new(target: &Target) -> Self {
        Self {
            target: target.clone(),
            stream: None,
            output: Vec::with_capacity(1_024),
            input: Vec::with_capacity(32 * 1_024),
            body: Vec::new(),
        }
    }

    /// The body of the last answer.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body of the last answer as JSON.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Asks, and reads the answer to its end. A kept connection that the server has closed is opened
    /// anew, but only if no byte of an answer had come.
    pub async fn ask(&mut self, request: &Request) -> io::Result<Answer> {
        let reused = self.stream.is_some();
        let mut outcome = self.ask_in_time(request).await;
        let closed = outcome
            .as_ref()
            .is_err_and(|error| error.kind() != io::ErrorKind::TimedOut);
        if reused && closed && self.input.is_empty() {
            outcome = self.ask_in_time(request).await;
        }
        outcome
    }

    async fn ask_in_time(&mut self, request: &Request) -> io::Result<Answer> {
        let outcome = tokio::time::timeout(PATIENCE, self.exchange(request))
            .await
            .unwrap_or_else(|_late| Err(io::ErrorKind::TimedOut.into()));
        if outcome.as_ref().map_or(true, |answer| answer.closes) {
            self.stream = None;
        }
        outcome
    }

    async fn exchange(&mut self, request: &Request) -> io::Result<Answer> {
        self.input.clear();
        self.body.clear();
        self.write_request(request);
        let mut stream = if let Some(stream) = self.stream.take() {
            stream
        } else {
            let stream = TcpStream::connect(self.target.addr).await?;
            stream.set_nodelay(true)?;
            stream
        };
        stream.write_all(&self.output).await?;
        let (answer, head) = loop {
            if stream.read_buf(&mut self.input).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(parsed) = parse_head(&self.input)? {
                break parsed;
            }
        };
        self.input.drain(..head);
        self.read_body(&mut stream, &answer).await?;
        self.stream = Some(stream);
        Ok(answer)
    }

    fn write_request(&mut self, request: &Request) {
        self.output.clear();
        let mut put = |text: &str| self.output.extend_from_slice(text.as_bytes());
        for text in [request.method, " ", &request.path, " HTTP/1.1\r\nHost: "] {
            put(text);
        }
        put(&self.target.host);
        if let Some(token) = &request.token {
            put("\r\nAuthorization: Bearer ");
            put(token);
        }
        if let Some(key) = &request.key {
            put("\r\nIdempotency-Key: ");
            put(key);
        }
        if let Some(body) = &request.body {
            put("\r\nContent-Type: application/json\r\nContent-Length: ");
            put(&body.len().to_string());
            put("\r\n\r\n");
            put(body);
        } else {
            put("\r\n\r\n");
        }
    }

    async fn read_body(&mut self, stream: &mut TcpStream, answer: &Answer) -> io::Result<()> {
        if answer.chunked {
            return self.read_chunks(stream).await;
        }
        let length = match (answer.status, answer.length) {
            (204 | 304, _) => 0,
            (_, Some(length)) => length,
            (_, None) => return Err(io::ErrorKind::InvalidData.into()),
        };
        self.fill(stream, length).await?;
        self.body.extend(self.input.drain(..length));
        Ok(())
    }

    async fn read_chunks(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        loop {
            let (head, size) = loop {
                match httparse::parse_chunk_size(&self.input) {
                    Ok(httparse::Status::Complete(found)) => break found,
                    Ok(httparse::Status::Partial) => {
                        let wanted = self.input.len() + 1;
                        self.fill(stream, wanted).await?;
                    }
                    Err(_) => return Err(io::ErrorKind::InvalidData.into()),
                }
            };
            let size = usize::try_from(size).map_err(io::Error::other)?;
            self.fill(stream, head + size + 2).await?;
            self.input.drain(..head);
            self.body.extend(self.input.drain(..size));
            self.input.drain(..2);
            if size == 0 {
                return Ok(());
            }
        }
    }

    async fn fill(&mut self, stream: &mut TcpStream, length: usize) -> io::Result<()> {
        while self.input.len() < length {
            if stream.read_buf(&mut self.input).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}

/// The answer's head and its length, once all of it is there.
fn parse_head(input: &[u8]) -> io::Result<Option<(Answer, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let head = match response.parse(input).map_err(io::Error::other)? {
        httparse::Status::Complete(head) => head,
        httparse::Status::Partial => return Ok(None),
    };
    let mut answer = Answer {
        status: response.code.unwrap_or_default(),
        ..Answer::default()
    };
    for header in response.headers.iter() {
        let value = std::str::from_utf8(header.value).unwrap_or_default();
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("content-length") {
            answer.length = value.trim().parse().ok();
        } else if is("transfer-encoding") {
            answer.chunked = value.eq_ignore_ascii_case("chunked");
        } else if is("connection") {
            answer.closes = value.eq_ignore_ascii_case("close");
        } else if is("cache-status") {
            answer.cache = Some(cache_status(value));
        } else if is("server-timing") {
            answer.sql = counted(value, "sql").or(answer.sql);
            answer.redis = counted(value, "redis").or(answer.redis);
            answer.entries = quoted(value, "cache;desc=\"").map(str::to_owned);
            answer.timing = Some(value.to_owned());
        } else if is("retry-after") {
            answer.retry_after = true;
        }
    }
    Ok(Some((answer, head)))
}

/// `kith; hit; detail=l1` is `(true, "l1")`. Without a detail it is the reason for going on.
fn cache_status(value: &str) -> (bool, String) {
    let parts: Vec<&str> = value.split(';').map(str::trim).collect();
    let named = |name: &str| parts.iter().find_map(|part| part.strip_prefix(name));
    let detail = named("detail=").or_else(|| named("fwd=")).unwrap_or("");
    (parts.contains(&"hit"), detail.trim_matches('"').to_owned())
}

/// What stands between `begin` and the next quote.
fn quoted<'a>(value: &'a str, begin: &str) -> Option<&'a str> {
    let (_, rest) = value.split_once(begin)?;
    Some(rest.split_once('"')?.0)
}

/// The count of `name` in `sql;desc=3;dur=1.2, redis;desc=1;dur=0.3`.
fn counted(value: &str, name: &str) -> Option<u32> {
    let metric = value.split(',').map(str::trim).find(|metric| {
        metric
            .split(';')
            .next()
            .is_some_and(|first| first.trim() == name)
    })?;
    let desc = metric
        .split(';')
        .find_map(|part| part.trim().strip_prefix("desc="))?;
    desc.trim_matches('"').parse().ok()
}
