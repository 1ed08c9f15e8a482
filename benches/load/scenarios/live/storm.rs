//! A server is stopped as a deploy stops it, and everybody whom it sends away comes to another: how many that
//! takes in a second, what it asks Postgres for each, and when all of them are back.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use tokio::task::JoinSet;

use super::crowd;
use crate::args::Common;
use crate::cpu;
use crate::follower::{Act, Follower, Next};
use crate::report::{Bound, Finding, Report};
use crate::site::Site;
use crate::wire::Target;
use crate::ws::{Message, Refusal, Socket};

/// Beside those of the crowd.
const SPARE: usize = 100;
/// Within this all are to be back, in seconds.
const SOON: f64 = 60.0;
/// How long the whole is waited for.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long the statements are counted that the survivor runs by itself.
const IDLE: Duration = Duration::from_secs(10);
/// The most memory of a socket that has just come: twice the goal of one that is idle, in KiB.
const EACH: f64 = 40.0;
/// What the generator's clock may be late by: it shares its cores with the servers.
const LATE: f64 = 1.1;
/// Statements that a server has run.
const SQL: &str = "kith_sql_statements_total";

/// What can be chosen.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Sockets of as many people, on the server that is stopped. This program and each server must be
    /// allowed to open that many files
    #[arg(long, default_value_t = 10_000)]
    sockets: usize,
    /// How many a server takes in a second (`KITH_CONNECT_RATE`)
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    connect_rate: u32,
}

/// Measures it.
pub async fn run(common: &Common, options: &Options) -> anyhow::Result<Report> {
    let url = common
        .redis()
        .context("two servers need a Redis between them")?;
    let mut common = common.clone();
    for (name, value) in [
        ("KITH_LIMITS", "on".to_owned()),
        ("KITH_CONNECT_RATE", options.connect_rate.to_string()),
        ("KITH_MAX_SOCKETS", (options.sockets + SPARE).to_string()),
    ] {
        common.set.push((name.to_owned(), value));
    }
    let graph = crowd::cliques(options.sockets.div_ceil(2), 2)?;
    let mut site = crowd::gather(&common, &graph).await?;
    site.serve(2, Some(&url)).await?;
    eprintln!("opening {} sockets", options.sockets);
    let storm = Storm::begin(&site, options.sockets)?;
    storm.wait_for(|seen| &seen.came).await?;
    crowd::analyze(&site).await?;
    let survivor = site.server(1)?;
    let idle = survivor.figure(SQL).await?;
    tokio::time::sleep(IDLE).await;
    let before = survivor.figure(SQL).await?;
    let resident = cpu::resident(survivor.pid).context("its memory")?;
    let most = Arc::new(AtomicU64::new(resident));
    let watching = tokio::spawn(cpu::watch_memory(survivor.pid, Arc::clone(&most)));
    eprintln!("stopping one of two servers");
    let began = Instant::now();
    let stopping = tokio::spawn(site.take(0)?.stop());
    storm.wait_for(|seen| &seen.back).await?;
    let took = began.elapsed();
    watching.abort();
    let after = site.server(0)?.figure(SQL).await?;
    stopping.await??;
    let by_itself = (before - idle) * took.as_secs_f64() / IDLE.as_secs_f64();
    let grown = most.load(Ordering::Relaxed).saturating_sub(resident);
    let each = |all: f64| all / options.sockets as f64;
    let title = format!("{} sockets whose server is stopped", options.sockets);
    let mut report = Report::new(title, &site.loaded);
    report.findings = storm.seen.findings(options, began);
    report.findings.extend([
        Finding::new(
            "from the signal until all were back",
            took.as_secs_f64(),
            "s",
        )
        .wanted(Bound::AtMost(SOON)),
        Finding::new(
            "SQL statements of the survivor for each",
            each(after - before - by_itself),
            "",
        )
        .wanted(Bound::AtMost(1.0)),
        Finding::new(
            "the survivor's memory grew by, for each",
            each(grown as f64 / 1_024.0),
            "KiB",
        )
        .wanted(Bound::AtMost(EACH)),
    ]);
    drop(storm);
    site.stop().await?;
    Ok(report)
}

/// What all clients saw.
#[derive(Default)]
struct Seen {
    /// Who has come to the first server, and to the other.
    came: AtomicUsize,
    back: AtomicUsize,
    /// Of the latter, such as were given all that they had missed.
    whole: AtomicUsize,
    /// Answers that sent somebody away, and those of them that don't say when to come back, or are no 503.
    refused: AtomicUsize,
    unhelpful: AtomicUsize,
    /// Connections that broke, or were closed otherwise than with 4201.
    broken: AtomicUsize,
    /// When the other server opened sockets.
    opened: Mutex<Vec<Instant>>,
}

impl Seen {
    fn findings(&self, options: &Options, began: Instant) -> Vec<Finding> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let mut opened: Vec<f64> = opened
            .iter()
            .map(|at| at.saturating_duration_since(began).as_secs_f64())
            .collect();
        opened.sort_unstable_by(f64::total_cmp);
        let cap = f64::from(options.connect_rate);
        let of = |count: &AtomicUsize| count.load(Ordering::Relaxed) as f64;
        vec![
            Finding::new("sockets that a server opens in a second, at most", cap, ""),
            Finding::new(
                "the most that it has opened within one",
                most_within_a_second(&opened),
                "",
            )
            .wanted(Bound::AtMost(cap * LATE)),
            Finding::new("times that somebody was sent away", of(&self.refused), ""),
            Finding::none("of them, without 503 and Retry-After", of(&self.unhelpful)),
            Finding::none("connections that broke", of(&self.broken)),
            Finding::none("not back", options.sockets as f64 - of(&self.back)),
            Finding::none(
                "back without all that was missed",
                of(&self.back) - of(&self.whole),
            ),
        ]
    }
}

/// The most of these instants, in their order, that lie within one second.
fn most_within_a_second(instants: &[f64]) -> f64 {
    let within = instants.iter().enumerate().map(|(first, begin)| {
        let after = instants.partition_point(|at| *at < begin + 1.0);
        after - first
    });
    within.max().unwrap_or_default() as f64
}

/// A crowd of clients as people are told to write them. They stop when it is dropped.
struct Storm {
    seen: Arc<Seen>,
    count: usize,
    _clients: JoinSet<()>,
}

impl Storm {
    fn begin(site: &Site, count: usize) -> anyhow::Result<Self> {
        let [first, other] = site.targets.as_slice() else {
            anyhow::bail!("two servers");
        };
        let seen = Arc::new(Seen::default());
        let mut clients = JoinSet::new();
        for place in site.world.places()?.into_iter().take(count) {
            let feed = format!("feed:{}", site.world.id(place));
            let client = Client {
                token: site.world.token(place),
                follower: Follower::new([feed], ""),
                seen: Arc::clone(&seen),
            };
            clients.spawn(client.run(first.clone(), other.clone()));
        }
        Ok(Self {
            seen,
            count,
            _clients: clients,
        })
    }

    /// Waits until all of them are counted there.
    async fn wait_for(&self, count: impl Fn(&Seen) -> &AtomicUsize) -> anyhow::Result<()> {
        let began = Instant::now();
        while count(&self.seen).load(Ordering::Relaxed) < self.count {
            let there = count(&self.seen).load(Ordering::Relaxed);
            anyhow::ensure!(
                began.elapsed() < PATIENCE,
                "{there} of {} are there, and no more come: may the servers open more files?",
                self.count
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

struct Client {
    token: String,
    follower: Follower,
    seen: Arc<Seen>,
}

impl Client {
    /// Listens to the one server until that sends it away, and then to the other.
    async fn run(mut self, first: Target, other: Target) {
        let seen = Arc::clone(&self.seen);
        let count = |count: &AtomicUsize| {
            count.fetch_add(1, Ordering::Relaxed);
        };
        let (mut target, mut is_back) = (&first, false);
        loop {
            let code = match self.open(target).await {
                Ok(socket) => {
                    if is_back {
                        let mut opened = seen.opened.lock().unwrap_or_else(PoisonError::into_inner);
                        opened.push(Instant::now());
                    }
                    self.listen(socket, is_back).await
                }
                Err(_broken) => 1006,
            };
            if code == 4201 {
                (target, is_back) = (&other, true);
            } else {
                count(&seen.broken);
            }
            match self.follower.closed(code, rand::random()) {
                Next::Connect(wait) => tokio::time::sleep(wait).await,
                Next::Stop => return,
            }
        }
    }

    /// A socket, as soon as the server has room for it.
    async fn open(&self, target: &Target) -> std::io::Result<Socket> {
        loop {
            let opened = Socket::open(target, "/v1/realtime", Some(&self.token)).await;
            let Some(refusal) = opened.as_ref().err().and_then(Refusal::of) else {
                return opened;
            };
            self.seen.refused.fetch_add(1, Ordering::Relaxed);
            if refusal.status != 503 || refusal.after.is_none() {
                self.seen.unhelpful.fetch_add(1, Ordering::Relaxed);
            }
            let wait = refusal.after.unwrap_or(1) as f64 + rand::random::<f64>();
            tokio::time::sleep(Duration::from_secs_f64(wait)).await;
        }
    }

    /// One connection; gives the code of its end.
    async fn listen(&mut self, mut socket: Socket, is_back: bool) -> u16 {
        self.converse(&mut socket, is_back).await.unwrap_or(1006)
    }

    async fn converse(&mut self, socket: &mut Socket, is_back: bool) -> std::io::Result<u16> {
        socket.send(&self.follower.hello().to_string()).await?;
        let mut is_greeted = false;
        loop {
            let place = match socket.next().await? {
                Message::Text(place) => place,
                Message::Close(code) => return Ok(code),
            };
            let text = socket.text(place);
            let is_greeting = !is_greeted && text.contains("\"server_ts\"");
            let is_whole = text.contains("\"resumed\":\"full\"");
            let acts = self.follower.heard(text);
            if text.contains("\"op\":\"ping\"") {
                socket.send(r#"{"id":0,"op":"ping","d":{}}"#).await?;
            }
            for act in acts {
                match act {
                    Act::Send(frame) => socket.send(&frame.to_string()).await?,
                    Act::ComeBack => return Ok(4999),
                    _ => {}
                }
            }
            if is_greeting {
                is_greeted = true;
                let count = if is_back {
                    &self.seen.back
                } else {
                    &self.seen.came
                };
                count.fetch_add(1, Ordering::Relaxed);
                self.seen
                    .whole
                    .fetch_add(usize::from(is_back && is_whole), Ordering::Relaxed);
            }
        }
    }
}
