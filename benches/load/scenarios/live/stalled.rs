//! Readers that stop reading, and what that is to the others and to the server's memory: the same run
//! without them, while they read like everybody else, from when they stop until the last of them is
//! closed, and when they are gone.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hdrhistogram::Histogram;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::crowd::{self, Board, Sent};
use crate::args::Common;
use crate::cpu;
use crate::draw::write;
use crate::report::{Bound, Finding, Report};
use crate::site::Site;
use crate::ws::{Message, Socket};

/// Events a second, unless `--rate` says otherwise.
const RATE: f64 = 200.0;
/// Bytes of a comment's text.
const LENGTH: usize = 200;
/// The most that may wait for one reader.
const QUEUE: f64 = 512.0;
/// Stalled sockets that are opened at once.
const OPENERS: usize = 32;
/// How many connections the server says that it has closed as too slow.
const SLOW: &str = "kith_live_closes_total{reason=\"too_slow\"}";
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// Before anything is measured.
const WARMING: Duration = Duration::from_secs(10);
/// Within this the last of those that stopped is to be closed, in seconds.
const SOON: f64 = 10.0;
/// After people have come: their arrival is told too.
const SETTLED: Duration = Duration::from_secs(3);

/// What can be chosen.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Readers that stop reading
    #[arg(long, default_value_t = 1_000)]
    stalled: usize,
    /// Readers that read
    #[arg(long, default_value_t = 50)]
    healthy: usize,
    /// Posts under which the comments are written, in turns; readers are spread over them
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    posts: u16,
}

/// Measures it.
pub async fn run(common: &Common, options: &Options) -> anyhow::Result<Report> {
    anyhow::ensure!(
        common.seconds >= 20,
        "who has stopped is noticed within some seconds: --seconds 20 at least"
    );
    let people = options.stalled + options.healthy + 2;
    let graph = crowd::cliques(people.div_ceil(2), 2)?;
    let mut site = crowd::gather(common, &graph).await?;
    site.serve(1, common.redis().as_deref()).await?;
    let places = site.world.places()?;
    let author = *places.first().context("people")?;
    let (healthy, rest) = places.get(1..).context("people")?.split_at(options.healthy);
    let target = site.targets.first().context("a server")?.clone();
    let mut posts = Vec::new();
    for _ in 0..options.posts {
        let body = json!({ "content": "Look at this.", "audience": "public" });
        posts.push(crowd::make(&target, site.world.token(author), "/v1/posts", &body).await?);
    }
    let channels: Vec<String> = posts.iter().map(|post| format!("post:{post}")).collect();
    let board = Board::default();
    let of_post = |(place, channel): (&usize, &String)| (0, *place, vec![channel.clone()]);
    let listeners = healthy.iter().zip(channels.iter().cycle()).map(of_post);
    crowd::attend(&site, listeners, &board).await?;
    let run = Run {
        site: &site,
        common,
        board: &board,
        author,
        posts,
        readers: options.healthy,
    };
    run.publish(WARMING).await?;
    let pid = *site.pids().first().context("a process")?;
    eprintln!("without them");
    let without = run.publish(Duration::from_secs(common.seconds)).await?;
    eprintln!("opening {} readers", options.stalled);
    let rest = rest.iter().take(options.stalled);
    let mut readers = Readers::open(&site, rest.zip(channels.iter().cycle())).await?;
    tokio::time::sleep(SETTLED).await;
    eprintln!("while they read");
    let reading = run.publish(Duration::from_secs(common.seconds)).await?;
    let gone = readers.gone();
    readers.stop().await?;
    eprintln!("now that they have stopped");
    let before = cpu::resident(pid).context("its memory")?;
    let most = Arc::new(AtomicU64::new(before));
    let watching = tokio::spawn(cpu::watch_memory(pid, Arc::clone(&most)));
    let begin = site.ctx.now().micros();
    let (with, end) = tokio::join!(
        run.publish(Duration::from_secs(common.seconds)),
        closed(&site, options.stalled, common.seconds)
    );
    let (end, slow) = end?;
    let with = with?.due_before(end);
    watching.abort();
    drop(readers);
    tokio::time::sleep(SETTLED).await;
    eprintln!("when they are gone");
    let after = run.publish(Duration::from_secs(common.seconds)).await?;
    let came_to = CameTo {
        without,
        reading,
        with,
        after,
        lasted: (end - begin) as f64 / 1e6,
        slow,
        gone,
        closed: crowd::on(&board, |all| all.closes.values().sum::<usize>()),
        before,
        most: most.load(Ordering::Relaxed),
    };
    let title = format!("{} readers that stop reading", options.stalled);
    let mut report = Report::new(title, &site.loaded);
    report.findings = came_to.findings(options.stalled as f64);
    site.stop().await?;
    Ok(report)
}

/// What the whole came to.
struct CameTo {
    without: Phase,
    reading: Phase,
    /// From when they stopped until the last of them was closed.
    with: Phase,
    after: Phase,
    /// How long that was, in seconds.
    lasted: f64,
    /// Connections that were closed as too slow.
    slow: f64,
    /// Of those that stopped, closed before.
    gone: usize,
    /// Others that were closed.
    closed: usize,
    /// Resident memory before they stopped, and the most that it was after.
    before: u64,
    most: u64,
}

impl CameTo {
    fn findings(&self, stalled: f64) -> Vec<Finding> {
        let grown = self.most.saturating_sub(self.before) as f64 / 1_024.0;
        let alone = f64::midpoint(self.without.millis(0.99), self.after.millis(0.99));
        let of = |what: &str, value: f64, unit| Finding::new(what, value, unit);
        let mut findings = Vec::new();
        findings.extend(self.without.findings("without them"));
        findings.extend(self.reading.findings("while they read"));
        findings.extend(self.with.findings("until the last that stopped is closed"));
        findings.extend(self.after.findings("when they are gone"));
        let (with, reading) = (self.with.millis(0.99), self.reading.millis(0.99));
        let others = "p99 over that without them, before and after";
        findings.extend([
            of(others, with / alone, "").wanted(Bound::AtMost(1.2)),
            of("p99 over that while they read", with / reading, ""),
            Finding::none("others that were closed", self.closed as f64),
            Finding::none("of those that stopped, closed before", self.gone as f64),
            of("connections that were closed as too slow", self.slow, "")
                .wanted(Bound::AtLeast(stalled)),
            of("until the last was", self.lasted, "s").wanted(Bound::AtMost(SOON)),
            of("resident before", self.before as f64 / 1_048_576.0, "MiB"),
            of("the most that it grew by", grown / 1_024.0, "MiB"),
            of("the same for each that stopped", grown / stalled, "KiB")
                .wanted(Bound::AtMost(QUEUE)),
        ]);
        findings
    }
}

/// Those who read until they stop.
struct Readers {
    stop: watch::Sender<bool>,
    reading: JoinSet<Socket>,
    stopped: Vec<Socket>,
}

impl Readers {
    async fn open(
        site: &Site,
        places: impl Iterator<Item = (&usize, &String)>,
    ) -> anyhow::Result<Self> {
        let sockets: Vec<Socket> = stream::iter(places)
            .map(|(place, channel)| open_narrow(site, *place, channel))
            .buffer_unordered(OPENERS)
            .try_collect()
            .await?;
        let (stop, stopped) = watch::channel(false);
        let reading = (sockets.into_iter()).map(|socket| read_until(socket, stopped.clone()));
        Ok(Self {
            stop,
            reading: reading.collect(),
            stopped: Vec::new(),
        })
    }

    /// How many were closed already.
    fn gone(&mut self) -> usize {
        std::iter::from_fn(|| self.reading.try_join_next()).count()
    }

    /// Nobody reads from now on.
    async fn stop(&mut self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        while let Some(socket) = self.reading.join_next().await {
            self.stopped.push(socket?);
        }
        Ok(())
    }
}

/// What the phases share.
struct Run<'a> {
    site: &'a Site,
    common: &'a Common,
    board: &'a Board,
    author: usize,
    posts: Vec<String>,
    readers: usize,
}

/// What a phase came to.
struct Phase {
    events: usize,
    missing: f64,
    /// When each event was due that reached a socket, and how long that took, in microseconds.
    times: Vec<(i64, i64)>,
}

impl Phase {
    fn findings(&self, name: &str) -> [Finding; 4] {
        let finding = |what, value, unit| Finding::new(format!("{name}: {what}"), value, unit);
        [
            finding("events", self.events as f64, ""),
            finding("deliveries missing to the others", self.missing, "")
                .wanted(Bound::AtMost(0.0)),
            finding(
                "p50 from when an event was due to a socket",
                self.millis(0.5),
                "ms",
            ),
            finding("p99", self.millis(0.99), "ms"),
        ]
    }

    /// What was due before an instant, of this phase.
    fn due_before(mut self, instant: i64) -> Self {
        self.times.retain(|(due, _)| *due < instant);
        let due: BTreeSet<i64> = self.times.iter().map(|(due, _)| *due).collect();
        self.events = due.len();
        self
    }

    fn millis(&self, quantile: f64) -> f64 {
        let Ok(mut times) = Histogram::<u64>::new_with_bounds(1, 600_000_000, 3) else {
            return f64::NAN;
        };
        for (_, took) in &self.times {
            times.saturating_record(u64::try_from(*took).unwrap_or_default().max(1));
        }
        times.value_at_quantile(quantile) as f64 / 1e3
    }
}

impl Run<'_> {
    async fn publish(&self, time: Duration) -> anyhow::Result<Phase> {
        crowd::on(self.board, |all| all.events.clear());
        let token = self.site.world.token(self.author);
        let posts = self.posts.clone();
        let count = posts.len();
        let request = move |number: usize| {
            let post = posts.get(number % count).map_or("", String::as_str);
            let body = json!({ "content": crowd::text(number, LENGTH) });
            write(
                "POST",
                format!("/v1/posts/{post}/comments"),
                token.clone(),
                &body,
            )
        };
        let pace = (self.common.rate.unwrap_or(RATE), time, self.common.seed);
        let sent = crowd::publish(self.site, pace, self.common.connections, request).await?;
        let acked = sent.iter().enumerate();
        let acked: Vec<usize> = acked
            .filter_map(|(number, one)| one.acked.map(|_| number))
            .collect();
        // The readers of the post that each was written under.
        let readers = |number: &usize| (self.readers + count - 1 - number % count) / count;
        let expected: usize = acked.iter().map(readers).sum();
        crowd::wait_for(self.board, expected).await;
        let events = crowd::on(self.board, |all| std::mem::take(&mut all.events));
        let due = |number: usize| sent.get(number).map(|one: &Sent| one.due);
        let times = events
            .iter()
            .filter_map(|event| due(event.number).map(|due| (due, event.at - due)));
        Ok(Phase {
            events: acked.len(),
            missing: expected as f64 - events.len() as f64,
            times: times.collect(),
        })
    }
}

/// A reader on a line that holds little.
async fn open_narrow(site: &Site, place: usize, channel: &str) -> anyhow::Result<Socket> {
    let target = site.targets.first().context("a server")?;
    let token = site.world.token(place);
    let socket = Socket::open_narrow(target, "/v1/realtime", Some(&token)).await?;
    crowd::greet(socket, &[channel.to_owned()]).await
}

/// Reads until it is to stop, and gives the socket back, which is open and has nobody who reads it.
async fn read_until(mut socket: Socket, mut stopped: watch::Receiver<bool>) -> Socket {
    loop {
        tokio::select! {
            biased;
            _ = stopped.changed() => return socket,
            message = socket.next() => if !matches!(message, Ok(Message::Text(_))) {
                return socket;
            },
        }
    }
}

/// When the server has closed so many as too slow, and how many it has then; or where it is after so many
/// seconds.
async fn closed(site: &Site, most: usize, seconds: u64) -> anyhow::Result<(i64, f64)> {
    let begin = Instant::now();
    loop {
        let slow = site.server(0)?.figure(SLOW).await?;
        if slow >= most as f64 || begin.elapsed() >= Duration::from_secs(seconds) {
            return Ok((site.ctx.now().micros(), slow));
        }
        tokio::time::sleep(LOOK).await;
    }
}
