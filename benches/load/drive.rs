//! Drives a mix: open, at a rate that does not wait for answers, or closed, as fast as answers come.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use uuid::Uuid;

use super::cpu::{Cpu, Used};
use super::draw::Drawing;
use super::mix::{Mix, Op};
use super::tally::Tally;
use super::wire::{Connection, Target};
use super::world::World;

/// How long a run waits for the last answers after its time.
const DRAIN: Duration = Duration::from_secs(10);

/// How requests follow each other.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// So many a second with exponential gaps, whether answers come or not. A request's time counts
    /// from the instant at which it was due, so waiting for a connection is part of it.
    Open {
        /// Requests a second.
        rate: f64,
        /// Connections that carry them.
        connections: usize,
    },
    /// Each connection asks as soon as it has its answer.
    Closed {
        /// How many of them.
        connections: usize,
    },
}

/// A run.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// What it is called in the progress line and in reports.
    pub label: &'a str,
    /// What is asked.
    pub mix: &'static Mix,
    /// How fast.
    pub pace: Pace,
    /// How long.
    pub time: Duration,
    /// The same number draws the same requests.
    pub seed: u64,
}

/// What a run came to.
pub struct Outcome {
    /// Its name.
    pub label: String,
    /// The name of its mix.
    pub mix: &'static str,
    /// How it was driven.
    pub pace: Pace,
    /// The figures.
    pub tally: Tally,
    /// How long it took.
    pub took: Duration,
    /// Requests that were due and never sent, or whose answer did not come in time.
    pub unfinished: u64,
    /// CPU time of the servers and of the generator.
    pub cpu: Used,
}

impl Outcome {
    /// Good answers a second.
    pub fn rate(&self) -> f64 {
        self.tally.all.good() as f64 / self.took.as_secs_f64()
    }
}

struct Shared {
    tally: Mutex<Tally>,
    world: Arc<World>,
    drawing: Drawing,
}

impl Shared {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs `run` against `targets`; `pids` are the servers' processes, where they are known.
pub async fn drive(
    run: Run<'_>,
    world: &Arc<World>,
    targets: &[Target],
    pids: &[u32],
) -> anyhow::Result<Outcome> {
    let shared = Arc::new(Shared {
        tally: Mutex::new(Tally::new()?),
        world: Arc::clone(world),
        drawing: Drawing::new(run.mix, world),
    });
    let before = Cpu::now(pids);
    let began = Instant::now();
    let showing = tokio::spawn(show(Arc::clone(&shared), run.label.to_owned(), run.time));
    let connections = match run.pace {
        Pace::Open { connections, .. } | Pace::Closed { connections } => connections,
    };
    let sent = Arc::new(AtomicU64::new(0));
    let due = match run.pace {
        Pace::Open { rate, .. } => Some(schedule(rate, run.time, run.seed, Arc::clone(&sent))),
        Pace::Closed { .. } => None,
    };
    let due = due.map(|due| Arc::new(tokio::sync::Mutex::new(due)));
    let mut workers = tokio::task::JoinSet::new();
    for (number, target) in (0..connections).zip(targets.iter().cycle()) {
        let connection = Connection::new(target);
        let number = u64::try_from(number).unwrap_or_default();
        let rng = StdRng::seed_from_u64(run.seed.wrapping_mul(1_000_003).wrapping_add(number));
        let worker = Worker {
            shared: Arc::clone(&shared),
            connection,
            rng,
        };
        match &due {
            Some(due) => workers.spawn(worker.open(Arc::clone(due))),
            None => workers.spawn(worker.closed(began + run.time)),
        };
    }
    let all = async {
        while let Some(done) = workers.join_next().await {
            done??;
        }
        anyhow::Ok(())
    };
    let ended = tokio::time::timeout(run.time + DRAIN, all).await;
    let took = began.elapsed().min(run.time + DRAIN);
    let cpu = Cpu::now(pids).since(&before);
    ended.unwrap_or(Ok(()))?;
    workers.abort_all();
    while workers.join_next().await.is_some() {}
    showing.abort();
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
    let tally = std::mem::replace(&mut *shared.tally(), Tally::new()?);
    Ok(Outcome {
        label: run.label.to_owned(),
        mix: run.mix.name,
        pace: run.pace,
        took,
        unfinished: sent
            .load(Ordering::Relaxed)
            .saturating_sub(tally.all.ended()),
        tally,
        cpu,
    })
}

/// The instants at which requests are due, each told when it comes. A thread of its own waits for them:
/// the runtime's timer knows whole milliseconds only.
pub fn schedule(
    rate: f64,
    time: Duration,
    seed: u64,
    sent: Arc<AtomicU64>,
) -> UnboundedReceiver<Instant> {
    let (told, due) = unbounded_channel();
    let mut rng = StdRng::seed_from_u64(seed);
    std::thread::spawn(move || {
        let began = Instant::now();
        let mut at = 0.0_f64;
        loop {
            at -= (1.0 - rng.random_range(0.0..1.0_f64)).ln() / rate;
            if at >= time.as_secs_f64() {
                return;
            }
            let instant = began + Duration::from_secs_f64(at);
            let now = Instant::now();
            if instant > now {
                std::thread::sleep(instant - now);
            }
            sent.fetch_add(1, Ordering::Relaxed);
            if told.send(instant).is_err() {
                return;
            }
        }
    });
    due
}

struct Worker {
    shared: Arc<Shared>,
    connection: Connection,
    rng: StdRng,
}

impl Worker {
    async fn open(
        mut self,
        due: Arc<tokio::sync::Mutex<UnboundedReceiver<Instant>>>,
    ) -> anyhow::Result<()> {
        loop {
            let next = due.lock().await.recv().await;
            let Some(instant) = next else {
                return Ok(());
            };
            self.ask(instant).await?;
        }
    }

    async fn closed(mut self, end: Instant) -> anyhow::Result<()> {
        loop {
            let now = Instant::now();
            if now >= end {
                return Ok(());
            }
            self.ask(now).await?;
        }
    }

    async fn ask(&mut self, due: Instant) -> anyhow::Result<()> {
        let Shared { world, drawing, .. } = &*self.shared;
        let (op, request) = drawing.next(world, &mut self.rng);
        let outcome = self.connection.ask(&request).await;
        let took = due.elapsed();
        if drawing.deletes && op == Op::Compose {
            self.keep_made();
        }
        self.shared.tally().add(op, &outcome, took)?;
        if outcome.is_err() {
            // A server that is away would be asked in a tight loop otherwise.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// For mixes that delete: only what the run has made is deleted.
    fn keep_made(&self) {
        let Some(post) = self.connection.json() else {
            return;
        };
        let id = |value: Option<&serde_json::Value>| {
            value
                .and_then(serde_json::Value::as_str)
                .and_then(|text| Uuid::parse_str(text).ok())
        };
        let author = id(post.get("author").and_then(|author| author.get("id")));
        if let (Some(id), Some(author)) = (id(post.get("id")), author)
            && let Some(place) = self.shared.world.place_of(author)
        {
            self.shared.world.keep_made(id, place);
        }
    }
}

/// The progress line: each second on a terminal, each ten otherwise.
async fn show(shared: Arc<Shared>, label: String, time: Duration) {
    let terminal = std::io::stderr().is_terminal();
    let began = Instant::now();
    let mut before = 0;
    let pause = Duration::from_secs(if terminal { 1 } else { 10 });
    loop {
        tokio::time::sleep(pause).await;
        let line = {
            let tally = shared.tally();
            let answers = tally.all.answers();
            let rate = (answers - before) / pause.as_secs();
            before = answers;
            let broken = tally.all.server_errors() + tally.all.failed.values().sum::<u64>();
            format!(
                "{label}: {} of {} s, {rate} requests/s, p99 {:.2} ms, {broken} broken",
                began.elapsed().as_secs(),
                time.as_secs(),
                tally.all.millis(0.99)
            )
        };
        if terminal {
            eprint!("\r\x1b[K{line}");
        } else {
            eprintln!("{line}");
        }
    }
}
