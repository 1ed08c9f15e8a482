//! Sockets that count what they are told, and may say something: those of both sides of a comparison.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::crowd;
use crate::cpu;
use crate::drive::schedule;
use crate::ws::{Message, Socket};

/// A rate in messages a second, for how long, and the seed of its gaps.
pub type Pace = (f64, Duration, u64);

/// What writes at a pace, and says how many it has written.
pub type Work<'a> = BoxFuture<'a, anyhow::Result<usize>>;

/// How much of a text is looked at for what it is.
const BEGIN: usize = 200;
/// Unmeasured, before: programs that compile while they run have done so by then.
const WARM: Duration = Duration::from_secs(3);
/// When nothing more has come for so long, nothing more comes.
const QUIET: Duration = Duration::from_millis(300);

/// Open sockets, each with a task of its own.
pub struct Seats {
    seats: Vec<UnboundedSender<String>>,
    count: Arc<Count>,
}

/// What all of them were told.
#[derive(Default)]
struct Count {
    deliveries: AtomicU64,
    bytes: AtomicU64,
    closes: AtomicU64,
}

/// What a server did.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Messages that were written.
    pub written: usize,
    /// Messages that reached a socket.
    pub deliveries: u64,
    /// Bytes of their texts.
    pub bytes: u64,
    /// CPU time of the server, in microseconds: its own, and the kernel's for it.
    pub cpu: (u64, u64),
    /// Sockets that were closed.
    pub closes: u64,
}

impl Measured {
    /// Deliveries for each second of CPU.
    pub fn rate(&self) -> f64 {
        self.deliveries as f64 * 1e6 / (self.cpu.0 + self.cpu.1).max(1) as f64
    }

    /// The kernel's share of the CPU time.
    pub fn system_share(&self) -> f64 {
        self.cpu.1 as f64 / (self.cpu.0 + self.cpu.1).max(1) as f64
    }

    /// Bytes of a delivered text.
    pub fn length(&self) -> usize {
        usize::try_from(self.bytes / self.deliveries.max(1)).unwrap_or_default()
    }
}

impl Seats {
    /// Opens sockets, some at a time, in their order; `mark` tells in the beginning of a text that it is a message.
    pub async fn open<F>(
        sockets: impl IntoIterator<Item = F>,
        marks: &'static [&str],
    ) -> anyhow::Result<Self>
    where
        F: Future<Output = anyhow::Result<Socket>>,
    {
        let count = Arc::new(Count::default());
        let seats = stream::iter(sockets)
            .buffered(crowd::OPENERS)
            .map_ok(|socket| {
                let (say, said) = unbounded_channel();
                tokio::spawn(sit(socket, said, Arc::clone(&count), marks));
                say
            });
        Ok(Self {
            seats: seats.try_collect().await?,
            count,
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.seats.len()
    }

    /// Has seats send frames at a pace: `frame` says who sends what.
    pub async fn say(
        &self,
        (rate, time, seed): Pace,
        frame: impl Fn(usize) -> (usize, String),
    ) -> anyhow::Result<usize> {
        let mut due = schedule(rate, time, seed, Arc::default());
        let mut written = 0;
        while due.recv().await.is_some() {
            let (seat, frame) = frame(written);
            let seat = self.seats.get(seat).context("a seat")?;
            seat.send(frame).context("a seat was closed")?;
            written += 1;
        }
        Ok(written)
    }

    /// Measures what a server spends on `work` and its deliveries; first for a while without counting.
    pub async fn measure<'a>(
        &'a self,
        pid: u32,
        (rate, time, seed): Pace,
        work: impl Fn(Pace) -> Work<'a>,
    ) -> anyhow::Result<Measured> {
        work((rate, WARM, seed)).await?;
        self.settle().await;
        let took = || cpu::times(&pid.to_string()).context("the server's CPU time");
        let told = || {
            let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
            (of(&self.count.deliveries), of(&self.count.bytes))
        };
        let (before, (deliveries, bytes)) = (took()?, told());
        let written = work((rate, time, seed)).await?;
        self.settle().await;
        let (after, now) = (took()?, told());
        Ok(Measured {
            written,
            deliveries: now.0 - deliveries,
            bytes: now.1 - bytes,
            cpu: (after.0 - before.0, after.1 - before.1),
            closes: self.count.closes.load(Ordering::Relaxed),
        })
    }

    /// Waits until nothing comes any more.
    async fn settle(&self) {
        let mut before = u64::MAX;
        loop {
            let now = self.count.deliveries.load(Ordering::Relaxed);
            if now == before {
                return;
            }
            before = now;
            tokio::time::sleep(QUIET).await;
        }
    }
}

/// Reads, counts, and sends what it is given, until either side ends it.
async fn sit(
    mut socket: Socket,
    mut said: UnboundedReceiver<String>,
    count: Arc<Count>,
    marks: &'static [&str],
) {
    loop {
        let message = tokio::select! {
            message = socket.next() => message,
            frame = said.recv() => match frame {
                Some(frame) if socket.send(&frame).await.is_ok() => continue,
                Some(_broken) => break,
                None => return,
            },
        };
        let Ok(Message::Text(place)) = message else {
            break;
        };
        let length = place.len();
        let text = socket.text(place);
        let begin = text.get(..BEGIN).unwrap_or(text);
        if marks.iter().any(|mark| begin.contains(mark)) {
            count.deliveries.fetch_add(1, Ordering::Relaxed);
            let length = u64::try_from(length).unwrap_or_default();
            count.bytes.fetch_add(length, Ordering::Relaxed);
        } else if text == "2" {
            // Engine.IO asks whether anybody is there.
            if socket.send("3").await.is_err() {
                break;
            }
        }
    }
    count.closes.fetch_add(1, Ordering::Relaxed);
}

/// What `work` is where seats say frames.
pub fn saying<'a>(
    seats: &'a Seats,
    frame: impl Fn(usize) -> (usize, String) + Send + Sync + Clone + 'a,
) -> impl Fn(Pace) -> Work<'a> {
    move |pace| seats.say(pace, frame.clone()).boxed()
}
