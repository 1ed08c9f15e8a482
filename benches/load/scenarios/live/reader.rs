//! A listener as people are told to write one (`examples/live`): it keeps its place in each conversation,
//! comes back after every end, and counts what it is shown.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::follower::{Act, Follower, Next};
use crate::wire::Target;
use crate::ws::{Message, Socket};

/// What all readers saw.
#[derive(Default)]
pub struct Seen {
    /// New messages that were shown.
    pub shown: AtomicU64,
    /// Of them, such as were shown before.
    pub doubled: AtomicU64,
    /// Places that were passed over.
    pub skipped: AtomicU64,
    /// New messages that came and were known already.
    pub known: AtomicU64,
    /// Conversations of which something could not be replayed.
    pub unrecovered: AtomicU64,
    /// Conversations that a reader was refused.
    pub lost: AtomicU64,
    /// How connections ended, by code; 1006 is a line that broke or was cut.
    pub closes: Mutex<BTreeMap<u16, u64>>,
}

impl Seen {
    /// What was counted.
    pub fn of(count: &AtomicU64) -> u64 {
        count.load(Ordering::Relaxed)
    }

    fn ended(&self, code: u16) {
        let mut closes = self.closes.lock().unwrap_or_else(PoisonError::into_inner);
        *closes.entry(code).or_default() += 1;
    }
}

/// A reader of some conversations.
pub struct Reader {
    targets: Vec<Target>,
    token: String,
    follower: Follower,
    /// The last `seq` of each channel that was shown.
    last: HashMap<String, i64>,
    seen: Arc<Seen>,
    /// Told to cut the line.
    cut: Arc<Notify>,
    /// Told once, when it stands in every channel.
    ready: Option<tokio::sync::oneshot::Sender<()>>,
}

impl Reader {
    /// A reader of these channels from their beginning, which connects to the servers in turns.
    pub fn new(
        targets: Vec<Target>,
        token: String,
        channels: &[String],
        epoch: &str,
        (seen, cut): (Arc<Seen>, Arc<Notify>),
        ready: tokio::sync::oneshot::Sender<()>,
    ) -> Self {
        let places = channels
            .iter()
            .map(|ch| (ch.clone(), json!({"e": epoch, "o": 0})));
        let kept = json!({"session": null, "pos": places.collect::<serde_json::Map<_, _>>()});
        Self {
            targets,
            token,
            follower: Follower::new(channels.iter().cloned(), &kept.to_string()),
            last: HashMap::new(),
            seen,
            cut,
            ready: Some(ready),
        }
    }

    /// Reads until it is aborted.
    pub async fn run(mut self) {
        for turn in 0.. {
            let code = self.listen(turn).await.unwrap_or(1006);
            self.seen.ended(code);
            match self.follower.closed(code, rand::random()) {
                Next::Connect(wait) => tokio::time::sleep(wait).await,
                Next::Stop => return,
            }
        }
    }

    /// One connection; gives the code of its end.
    async fn listen(&mut self, turn: usize) -> std::io::Result<u16> {
        let target = self
            .targets
            .iter()
            .cycle()
            .nth(turn % self.targets.len().max(1));
        let target = target.ok_or(std::io::ErrorKind::NotFound)?;
        let mut socket = Socket::open(target, "/v1/realtime", Some(&self.token)).await?;
        socket.send(&self.follower.hello().to_string()).await?;
        loop {
            let message = tokio::select! {
                message = socket.next() => message?,
                () = self.cut.notified() => return Ok(1006),
            };
            let place = match message {
                Message::Text(place) => place,
                Message::Close(code) => return Ok(code),
            };
            let text = socket.text(place);
            let is_message = text
                .get(..200)
                .is_some_and(|begin| begin.contains("\"message.created\""));
            let acts = self.follower.heard(text);
            if is_message && acts.is_empty() {
                self.seen.known.fetch_add(1, Ordering::Relaxed);
            }
            if text.contains("\"server_ts\"")
                && let Some(ready) = self.ready.take()
            {
                // Whoever waits for it may have gone.
                ready.send(()).unwrap_or_default();
            }
            for act in acts {
                match act {
                    Act::Show(event) if event.t == "message.created" => {
                        let seq = event.d.pointer("/message/seq").and_then(Value::as_i64);
                        self.show(event.ch, seq.unwrap_or_default());
                    }
                    Act::Fetch(ch) if ch.starts_with("conv:") => {
                        self.seen.unrecovered.fetch_add(1, Ordering::Relaxed);
                    }
                    // It says nothing.
                    Act::Show(_) | Act::Fetch(_) | Act::Done(_, _) | Act::Refused(_, _) => {}
                    Act::Refresh => {
                        let frame = self.follower.refresh(&self.token);
                        socket.send(&frame.to_string()).await?;
                    }
                    Act::Lost(_, _) => {
                        self.seen.lost.fetch_add(1, Ordering::Relaxed);
                    }
                    Act::Send(frame) => socket.send(&frame.to_string()).await?,
                    Act::ComeBack => return Ok(4999),
                }
            }
        }
    }

    fn show(&mut self, ch: String, seq: i64) {
        self.seen.shown.fetch_add(1, Ordering::Relaxed);
        let last = self.last.entry(ch).or_default();
        if seq <= *last {
            self.seen.doubled.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let skipped = u64::try_from(seq - *last - 1).unwrap_or_default();
        self.seen.skipped.fetch_add(skipped, Ordering::Relaxed);
        *last = seq;
    }
}
