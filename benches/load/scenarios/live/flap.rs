//! People who come and go quickly: whether those alone count as there in the end who have a socket, and how
//! much those are told of it who watch them.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::crowd;
use super::watch::{self, Group, Watch};
use crate::args::Common;
use crate::peek::Peek;
use crate::report::{Bound, Finding, Report};
use crate::site::Site;
use crate::wire::{Connection, Target};
use crate::ws::Socket;

/// How often somebody comes and goes who is in a hurry, and within how long.
const CYCLES: usize = 50;
const HURRY: Duration = Duration::from_secs(5);
/// After this nobody counts as there whose line broke: the grace, and a look.
const OVER: Duration = Duration::from_secs(18);
/// Of one person one change is told within so many seconds.
const CALM: u64 = 5;
/// Watchers of each person.
const WATCHERS: usize = 2;
/// How many people one socket after the other is opened for.
const OPENERS: usize = 32;

/// What can be chosen.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// People who come and go 50 times in 5 seconds
    #[arg(long, default_value_t = 200)]
    hurried: usize,
    /// How many of them at once
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..))]
    at_once: u16,
    /// People who come and go for --seconds (30), once in --every
    #[arg(long, default_value_t = 2_000)]
    people: usize,
    /// Seconds from one coming to the next
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
}

/// Measures it.
pub async fn run(common: &Common, options: &Options) -> anyhow::Result<Report> {
    let url = common
        .redis()
        .context("leases are in Redis: this scenario needs one")?;
    let most = options.people.max(options.hurried);
    let (graph, watched) = watch::graph(most, WATCHERS)?;
    let mut site = crowd::gather(common, &graph).await?;
    site.serve(2, Some(&url)).await?;
    let groups = watch::groups(&site, WATCHERS, watched)?;
    let places: Vec<usize> = groups
        .iter()
        .flat_map(|group| group.watched.clone())
        .collect();
    let mut peek = Peek::open(&url, site.ctx.redis().namespace()).await?;
    let mut report = Report::new("people who come and go", &site.loaded);
    let hurried = places.get(..options.hurried).context("people")?;
    eprintln!("{} people come and go {CYCLES} times each", hurried.len());
    let hurry = hurry(&site, hurried, options.at_once.into()).await?;
    tokio::time::sleep(OVER).await;
    report.findings = hurry.findings(&site, &mut peek, &groups).await?;
    drop(hurry);
    tokio::time::sleep(OVER).await;
    let watchers = Watch::open(&site, 0, &groups).await?;
    let people = places.get(..options.people).context("people")?;
    eprintln!(
        "{} people come and go for {} s",
        people.len(),
        common.seconds
    );
    let flapping = flap(&site, people, common.seconds, options.every, &watchers).await?;
    report.findings.extend(flapping.findings());
    site.stop().await?;
    Ok(report)
}

/// How somebody leaves.
#[derive(Clone, Copy)]
enum Leave {
    /// With a goodbye.
    Goodbye,
    /// The line breaks.
    Break,
    /// The line breaks before `hello` is answered.
    BreakAtOnce,
}

/// Comes, and leaves.
async fn cycle(target: &Target, token: &str, leave: Leave) -> anyhow::Result<()> {
    let mut socket = Socket::open(target, "/v1/realtime", Some(token)).await?;
    match leave {
        Leave::BreakAtOnce => {
            let hello = json!({"id": 1, "op": "hello", "d": {}});
            socket.send(&hello.to_string()).await?;
        }
        Leave::Break => drop(crowd::greet(socket, &[]).await?),
        Leave::Goodbye => crowd::greet(socket, &[]).await?.close().await?,
    }
    Ok(())
}

/// What became of those who were in a hurry.
struct Hurry {
    /// Each of them, and the sockets that they have left open, which are read until this is dropped.
    people: Vec<(Uuid, JoinSet<u16>)>,
    /// The longest that somebody took, in seconds.
    longest: f64,
    failed: usize,
}

/// Has so many at once come and go; a third of all people stay away in the end, a third have one socket, the others two.
async fn hurry(site: &Site, places: &[usize], at_once: usize) -> anyhow::Result<Hurry> {
    let run = places.iter().enumerate().map(|(number, place)| async move {
        let (began, token) = (Instant::now(), site.world.token(*place));
        let mut failed = 0;
        for turn in 0..CYCLES {
            let due = began + HURRY.mul_f64(turn as f64 / CYCLES as f64);
            tokio::time::sleep_until(due.into()).await;
            let target = site.targets.get((number + turn) % 2).context("a server")?;
            let ways = [Leave::Goodbye, Leave::Break, Leave::BreakAtOnce];
            let leave = ways.get((number + turn) % 3).context("a way")?;
            failed += usize::from(cycle(target, &token, *leave).await.is_err());
        }
        let took = began.elapsed().as_secs_f64();
        let mut open = JoinSet::new();
        for target in site.targets.iter().take(number % 3) {
            let socket = crowd::listen(target, &token, &[]).await?;
            open.spawn(crowd::hear(socket, |_text| {}));
        }
        anyhow::Ok((site.world.id(*place), open, took, failed))
    });
    let mut hurry = Hurry {
        people: Vec::new(),
        longest: 0.0,
        failed: 0,
    };
    let mut all = stream::iter(run).buffer_unordered(at_once);
    while let Some(one) = all.next().await {
        let (person, open, took, failed) = one?;
        hurry.people.push((person, open));
        hurry.longest = hurry.longest.max(took);
        hurry.failed += failed;
    }
    Ok(hurry)
}

impl Hurry {
    async fn findings(
        &self,
        site: &Site,
        peek: &mut Peek,
        groups: &[Group],
    ) -> anyhow::Result<Vec<Finding>> {
        let ids: Vec<Uuid> = self.people.iter().map(|(person, _)| *person).collect();
        let leases = peek.leases(&ids).await?;
        let pairs = self.people.iter().zip(&leases);
        let other = pairs.filter(|((_, sockets), leases)| sockets.len() != **leases);
        let mut wrong = 0;
        let mut connection = Connection::new(site.targets.first().context("a server")?);
        for group in groups {
            let question = watch::question(site, group)?;
            let (_, states) = watch::ask(&mut connection, &question).await?;
            let told = self.people.iter().filter_map(|(person, sockets)| {
                let state = states.get(person)?;
                Some((state == "online") != sockets.is_empty())
            });
            wrong += told.filter(|is_right| !is_right).count();
        }
        let mut counted = 0.0;
        for server in 0..site.targets.len() {
            let name = "kith_live_connections{transport=\"websocket\"}";
            counted += site.server(server)?.figure(name).await?;
        }
        let held: usize = self.people.iter().map(|(_, sockets)| sockets.len()).sum();
        Ok(vec![
            Finding::new(
                "the longest that 50 comings and goings took",
                self.longest,
                "s",
            ),
            Finding::new(
                "of them, such as did not come to be",
                self.failed as f64,
                "",
            ),
            Finding::new("sockets that stay", held as f64, ""),
            Finding::none(
                "people with other leases than sockets",
                other.count() as f64,
            ),
            Finding::none("people who are told of otherwise", wrong as f64),
            Finding::none(
                "by how many the servers count otherwise",
                (counted - held as f64).abs(),
            ),
        ])
    }
}

/// What became of those who came and went for long.
struct Flapping {
    people: usize,
    /// How often somebody came.
    came: usize,
    failed: usize,
    /// Deliveries of presence, and the most to one watcher of one person.
    told: (usize, usize),
    /// Changes of one person that may be told within the time.
    most: u64,
}

async fn flap(
    site: &Site,
    places: &[usize],
    seconds: u64,
    every: u64,
    watchers: &Watch,
) -> anyhow::Result<Flapping> {
    watchers.begin();
    let time = Duration::from_secs(seconds);
    let half = Duration::from_secs(every) / 2;
    let mut flapping = JoinSet::new();
    for (number, place) in places.iter().enumerate() {
        let target = site.targets.get(number % 2).context("a server")?.clone();
        let token = site.world.token(*place);
        let first = half * 2 * u32::try_from(number % OPENERS)? / u32::try_from(OPENERS)?;
        flapping.spawn(async move {
            let began = Instant::now();
            let (mut came, mut failed) = (0, 0);
            tokio::time::sleep(first).await;
            while began.elapsed() < time {
                match crowd::listen(&target, &token, &[]).await {
                    Ok(socket) => {
                        came += 1;
                        tokio::time::sleep(half).await;
                        failed += usize::from(socket.close().await.is_err());
                    }
                    Err(_refused) => failed += 1,
                }
                tokio::time::sleep(half).await;
            }
            (came, failed)
        });
    }
    let (mut came, mut failed) = (0, 0);
    while let Some(one) = flapping.join_next().await {
        let one = one?;
        came += one.0;
        failed += one.1;
    }
    // What was held back is told by then.
    tokio::time::sleep(Duration::from_secs(CALM + 1)).await;
    Ok(Flapping {
        people: places.len(),
        came,
        failed,
        told: watchers.told(),
        most: (seconds + every + CALM) / CALM + 1,
    })
}

impl Flapping {
    fn findings(&self) -> Vec<Finding> {
        let (all, most_of_one) = self.told;
        let bound = self.most as f64;
        let watchers = (self.people * WATCHERS) as f64;
        vec![
            Finding::new("people who come and go for long", self.people as f64, ""),
            Finding::new("how often they came and went", self.came as f64, ""),
            Finding::new("of it, what did not come to be", self.failed as f64, ""),
            Finding::new("deliveries of who is there", all as f64, "")
                .wanted(Bound::AtMost(watchers * bound)),
            Finding::new(
                "the most to one watcher about one person",
                most_of_one as f64,
                "",
            )
            .wanted(Bound::AtMost(bound)),
            Finding::new(
                "the same a change, without a bound",
                self.unbounded(all),
                "",
            ),
        ]
    }

    /// Deliveries over those that there would be if each change were told to each watcher.
    fn unbounded(&self, told: usize) -> f64 {
        told as f64 / (self.came * 2 * WATCHERS).max(1) as f64
    }
}
