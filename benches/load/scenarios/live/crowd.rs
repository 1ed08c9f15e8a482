//! What live scenarios are made of: people who know each other, sockets that listen, and writers who keep
//! to a rate.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use kith::platform::Ctx;
use serde_json::{Value, json};

use crate::args::Common;
use crate::draw::write;
use crate::drive::schedule;
use crate::site::Site;
use crate::wire::{Connection, Request, Target};
use crate::ws::{Message, Socket};

/// Sockets that are opened at once.
pub const OPENERS: usize = 32;
/// Channels that one `subscribe` may name.
const MOST_AT_ONCE: usize = 64;
/// How long a reply may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Sockets that a server may have, unless something else is set.
const ROOM: usize = 20_000;
/// How long the last answers and events may take.
pub const DRAIN: Duration = Duration::from_secs(10);

/// Friendships of people in groups of so many, each of whom knows all others of theirs.
pub fn cliques(groups: usize, members: usize) -> anyhow::Result<String> {
    let mut edges = String::new();
    for group in 0..groups {
        let first = group * members;
        for one in first..first + members {
            for other in one + 1..first + members {
                writeln!(edges, "{one} {other}")?;
            }
        }
    }
    Ok(edges)
}

/// Friendships of people in groups: in each so many `one` know so many `other`, who don't know each other. Within a group
/// the first are numbered first.
pub fn halves(groups: usize, one: usize, other: usize) -> anyhow::Result<String> {
    let mut edges = String::new();
    for group in 0..groups {
        let first = group * (one + other);
        for left in first..first + one {
            for right in first + one..first + one + other {
                writeln!(edges, "{left} {right}")?;
            }
        }
    }
    Ok(edges)
}

/// A fresh database of the people of `graph`, not served yet, with room for many sockets.
pub async fn gather(common: &Common, graph: &str) -> anyhow::Result<Site> {
    anyhow::ensure!(
        common.url.is_empty() && common.graph.is_none(),
        "this scenario makes people of its own: leave out --url and --graph"
    );
    let mut common = common.clone();
    let room = ("KITH_MAX_SOCKETS".to_owned(), ROOM.to_string());
    common.set.insert(0, room);
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), graph)?;
    Site::make(&common, file.path().to_owned(), 0).await
}

/// Opens sockets for (server, person, channels), some at a time, and notes what each is told.
pub async fn attend(
    site: &Site,
    listeners: impl IntoIterator<Item = (usize, usize, Vec<String>)>,
    board: &Board,
) -> anyhow::Result<()> {
    let opened = stream::iter(listeners).map(|(server, place, channels)| async move {
        let target = site.targets.get(server).context("a server")?;
        listen(target, &site.world.token(place), &channels).await
    });
    let noted = opened.buffer_unordered(OPENERS).try_for_each(|socket| {
        tokio::spawn(note(socket, site.ctx.clone(), Arc::clone(board)));
        std::future::ready(Ok(()))
    });
    noted.await
}

/// A socket that has said hello and listens to these channels.
pub async fn listen(target: &Target, token: &str, channels: &[String]) -> anyhow::Result<Socket> {
    let opening = Socket::open(target, "/v1/realtime", Some(token));
    let socket = tokio::time::timeout(PATIENCE, opening).await;
    let socket = socket.context("an upgrade has no answer: may the server open more files?")??;
    greet(socket, channels).await
}

/// Says hello and subscribes on an open socket.
pub async fn greet(mut socket: Socket, channels: &[String]) -> anyhow::Result<Socket> {
    ask(&mut socket, "hello", json!({})).await?;
    for some in channels.chunks(MOST_AT_ONCE) {
        let chs: Vec<Value> = some.iter().map(|ch| json!({ "ch": ch })).collect();
        let reply = ask(&mut socket, "subscribe", json!({ "chs": chs })).await?;
        let subs = reply.pointer("/d/subs").and_then(Value::as_object);
        let refused = subs.context("subscriptions")?.values();
        let refused: Vec<&Value> = refused.filter(|sub| sub.get("err").is_some()).collect();
        anyhow::ensure!(refused.is_empty(), "refused: {refused:?}");
    }
    Ok(socket)
}

/// Sends a frame and waits for its reply; what else comes is dropped.
pub async fn ask(socket: &mut Socket, op: &str, d: Value) -> anyhow::Result<Value> {
    let frame = json!({"id": 1, "op": op, "d": d}).to_string();
    socket.send(&frame).await?;
    let reply = async {
        loop {
            let Message::Text(place) = socket.next().await? else {
                anyhow::bail!("{op}: the server closed");
            };
            let frame: Value = serde_json::from_str(socket.text(place))?;
            if frame.get("re").is_some() {
                anyhow::ensure!(frame.get("ok") == Some(&json!(true)), "{op}: {frame}");
                return Ok(frame);
            }
        }
    };
    let reply = tokio::time::timeout(PATIENCE, reply).await;
    reply.with_context(|| format!("{op}: no reply"))?
}

/// An event that reached a socket; times are microseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// The number that its text began with.
    pub number: usize,
    /// When the write began that it tells of, on the server's clock, in whole milliseconds.
    pub written: i64,
    /// When the socket had it.
    pub at: i64,
}

/// Everything that arrived, and how sockets ended.
#[derive(Default)]
pub struct Arrivals {
    /// Events that began with a number.
    pub events: Vec<Arrival>,
    /// Closes, by code; 1006 is a broken line.
    pub closes: BTreeMap<u16, usize>,
}

/// What several sockets write into.
pub type Board = Arc<Mutex<Arrivals>>;

/// Does something with a board.
pub fn on<T>(board: &Board, act: impl FnOnce(&mut Arrivals) -> T) -> T {
    act(&mut board.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Reads a socket until it ends, and notes the events that begin with a number.
pub async fn note(socket: Socket, ctx: Ctx, board: Board) {
    let heard = |text: &str| {
        if let Some((number, written)) = numbered(text) {
            let at = ctx.now().micros();
            let arrival = Arrival {
                number,
                written,
                at,
            };
            on(&board, |all| all.events.push(arrival));
        }
    };
    let code = hear(socket, heard).await;
    on(&board, |all| *all.closes.entry(code).or_default() += 1);
}

/// Reads a socket until it ends, and gives the code of its close; 1006 is a broken line.
pub async fn hear(mut socket: Socket, mut heard: impl FnMut(&str)) -> u16 {
    loop {
        match socket.next().await {
            Ok(Message::Text(place)) => heard(socket.text(place)),
            Ok(Message::Close(code)) => return code,
            Err(_broken) => return 1006,
        }
    }
}

/// The number that an event's text begins with, and its time; nothing for anything but a new message or
/// comment.
pub fn numbered(frame: &str) -> Option<(usize, i64)> {
    let (_, rest) = frame.split_once(".created\",\"ts\":")?;
    let (millis, rest) = rest.split_once(',')?;
    let (_, rest) = rest.split_once("\"content\":\"#")?;
    let (number, _) = rest.split_once(' ')?;
    Some((number.parse().ok()?, millis.parse::<i64>().ok()? * 1_000))
}

/// A text that begins with a number, of `length` bytes at least.
pub fn text(number: usize, length: usize) -> String {
    let mut text = format!("#{number} ");
    while text.len() < length {
        text.push_str("what the river brought ");
    }
    text.truncate(length.max(text.find(' ').unwrap_or_default() + 1));
    text.push('.');
    text
}

/// A request that was sent.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// When it was due, in microseconds since 1970.
    pub due: i64,
    /// When it was answered with 201.
    pub acked: Option<i64>,
}

/// Sends requests at a rate, with exponential gaps, over so many connections to the servers in turns;
/// `request` makes the one of a number.
pub async fn publish(
    site: &Site,
    (rate, time, seed): (f64, Duration, u64),
    connections: usize,
    request: impl Fn(usize) -> Request + Send + Sync + 'static,
) -> anyhow::Result<Vec<Sent>> {
    let due = schedule(rate, time, seed, Arc::default());
    let due = Arc::new(tokio::sync::Mutex::new(due));
    let (began, wall) = (Instant::now(), site.ctx.now().micros());
    let sent = Arc::new(Mutex::new(Vec::<Sent>::new()));
    let request = Arc::new(request);
    let mut writers = tokio::task::JoinSet::new();
    for (_, target) in (0..connections).zip(site.targets.iter().cycle()) {
        let (due, sent) = (Arc::clone(&due), Arc::clone(&sent));
        let (request, ctx) = (Arc::clone(&request), site.ctx.clone());
        let mut connection = Connection::new(target);
        writers.spawn(async move {
            // A number is taken with its instant.
            let take = async || {
                let mut due = due.lock().await;
                let after = due.recv().await?.saturating_duration_since(began);
                let after = i64::try_from(after.as_micros()).unwrap_or_default();
                let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
                sent.push(Sent {
                    due: wall + after,
                    acked: None,
                });
                Some(sent.len() - 1)
            };
            while let Some(number) = take().await {
                let answer = connection.ask(&request(number)).await;
                if answer.is_ok_and(|answer| answer.status == 201) {
                    let now = ctx.now().micros();
                    let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(one) = sent.get_mut(number) {
                        one.acked = Some(now);
                    }
                }
            }
        });
    }
    let all = async { while writers.join_next().await.is_some() {} };
    // What is not answered by then counts as not acknowledged.
    drop(tokio::time::timeout(time + DRAIN, all).await);
    writers.abort_all();
    let sent = sent.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(sent)
}

/// Writes once, outside of any measurement, and gives the id of what was made.
pub async fn make(
    target: &Target,
    token: String,
    path: &str,
    body: &Value,
) -> anyhow::Result<String> {
    let mut connection = Connection::new(target);
    let answer = connection
        .ask(&write("POST", path.to_owned(), token, body))
        .await?;
    let made = connection.json().unwrap_or_default();
    anyhow::ensure!(
        matches!(answer.status, 200 | 201),
        "{path} was answered {}: {made}",
        answer.status
    );
    let id = made.get("id").and_then(Value::as_str);
    Ok(id.context("an id")?.to_owned())
}

/// Has Postgres look at what was made since the people were loaded, as it does by itself within minutes:
/// tables that it believes to be empty are read from end to end.
pub async fn analyze(site: &Site) -> anyhow::Result<()> {
    sqlx::query("vacuum analyze").execute(site.ctx.db()).await?;
    Ok(())
}

/// Waits until so many events have arrived, or nothing has for a while.
pub async fn wait_for(board: &Board, expected: usize) {
    let (mut before, mut quiet) = (0, 0);
    while quiet < 30 {
        let count = on(board, |all| all.events.len());
        if count >= expected {
            return;
        }
        quiet = if count == before { quiet + 1 } else { 0 };
        before = count;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
