//! An instance is killed that many people are connected to: how soon nobody counts as there any more, and
//! how soon those are told who watch them on another instance, which answers questions meanwhile.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use hdrhistogram::Histogram;
use uuid::Uuid;

use super::crowd::{self, Board};
use super::watch::{self, Group, Watch};
use crate::args::Common;
use crate::peek::Peek;
use crate::report::{Bound, Finding, Report};
use crate::site::Site;
use crate::wire::{Connection, Request, Target};

/// How long a lease lasts at most after the instance that held it has died, in seconds.
const LEASE: f64 = 45.0;
/// After so many seconds nobody may be taken to be there.
const OVER: f64 = 60.0;
/// Between two looks at the leases.
const LOOK: Duration = Duration::from_millis(250);
/// Between two questions about who is there.
const PAUSE: Duration = Duration::from_millis(50);
/// The p99 of their answers, in milliseconds.
const QUICK: f64 = 20.0;
/// How long watchers may take to know that all have come.
const PATIENCE: Duration = Duration::from_secs(30);

/// What can be chosen.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// People who are connected to the instance that is killed
    #[arg(long, default_value_t = 5_000)]
    people: usize,
}

/// Measures it.
pub async fn run(common: &Common, options: &Options) -> anyhow::Result<Report> {
    let url = common
        .redis()
        .context("leases are in Redis: this scenario needs one")?;
    let (graph, watched) = watch::graph(options.people, 1)?;
    let mut site = crowd::gather(common, &graph).await?;
    site.serve(2, Some(&url)).await?;
    let groups = watch::groups(&site, 1, watched)?;
    let places: Vec<usize> = groups
        .iter()
        .flat_map(|group| group.watched.clone())
        .collect();
    let people: Vec<Uuid> = places.iter().map(|place| site.world.id(*place)).collect();
    let mut peek = Peek::open(&url, site.ctx.redis().namespace()).await?;
    eprintln!(
        "opening {} sockets and those of {} watchers",
        people.len(),
        groups.len()
    );
    let watchers = Watch::open(&site, 1, &groups).await?;
    let board = Board::default();
    let listeners = places.iter().map(|place| (0, *place, Vec::new()));
    crowd::attend(&site, listeners, &board).await?;
    let all_came = watchers.wait_for("online", people.len(), PATIENCE).await;
    anyhow::ensure!(all_came, "watchers are not told of everybody who has come");
    let survivor = site.targets.get(1).context("a server")?.clone();
    let questions: Result<Vec<Request>, _> = groups
        .iter()
        .map(|group| watch::question(&site, group))
        .collect();
    let questions = questions?;
    let before = ask_for(&survivor, &questions, Duration::from_secs(10)).await?;
    eprintln!("killing one of two servers");
    site.take(0)?.kill().await?;
    let began = Instant::now();
    let whole = Duration::from_secs_f64(OVER);
    let (meanwhile, gone) = tokio::join!(
        ask_for(&survivor, &questions, whole),
        until_no_lease(&mut peek, &people, began, whole)
    );
    let (meanwhile, gone) = (meanwhile?, gone?);
    let (told, last) = watchers.in_state("offline");
    let came_to = CameTo {
        before,
        meanwhile,
        gone,
        told: last.map(|at| (at - began).as_secs_f64()),
        untold: people.len() - told,
        leases: peek.leases(&people).await?.iter().sum(),
        ghosts: ghosts(&site, &survivor, &groups).await?,
    };
    let title = format!(
        "an instance that {} people are connected to is killed",
        people.len()
    );
    let mut report = Report::new(title, &site.loaded);
    report.findings = came_to.findings();
    site.stop().await?;
    Ok(report)
}

/// What the whole came to; times are seconds from the kill.
struct CameTo {
    before: Answers,
    meanwhile: Answers,
    /// When the last lease was gone.
    gone: Option<f64>,
    /// When the last watcher was told.
    told: Option<f64>,
    /// Those of whom no watcher was told.
    untold: usize,
    /// Leases in the end.
    leases: usize,
    /// People who are said to be there in the end.
    ghosts: usize,
}

impl CameTo {
    fn findings(&self) -> Vec<Finding> {
        let mut findings = vec![
            Finding::new(
                "from the kill until the last lease was gone",
                self.gone,
                "s",
            )
            .wanted(Bound::AtMost(LEASE)),
            Finding::new(
                "from the kill until the last watcher was told",
                self.told,
                "s",
            )
            .wanted(Bound::AtMost(OVER)),
            Finding::none("people of whom no watcher was told", self.untold as f64),
            Finding::none("leases after 60 s", self.leases as f64),
            Finding::none(
                "people who are said to be there after 60 s",
                self.ghosts as f64,
            ),
        ];
        findings.extend(self.before.findings("before"));
        findings.extend(self.meanwhile.findings("meanwhile"));
        findings
    }
}

/// Answers to `GET /v1/presence` of the instance that lives.
struct Answers {
    times: Histogram<u64>,
    refused: usize,
}

impl Answers {
    fn findings(&self, when: &str) -> [Finding; 3] {
        let millis = |quantile| self.times.value_at_quantile(quantile) as f64 / 1e3;
        let what = |what: &str| format!("GET /v1/presence, {when}: {what}");
        [
            Finding::new(what("p50"), millis(0.5), "ms"),
            Finding::new(what("p99"), millis(0.99), "ms").wanted(Bound::AtMost(QUICK)),
            Finding::none(what("answers other than 200"), self.refused as f64),
        ]
    }
}

/// Asks at a steady pace for so long, one group after the other; times count from when an answer was due.
async fn ask_for(
    target: &Target,
    questions: &[Request],
    time: Duration,
) -> anyhow::Result<Answers> {
    let mut connection = Connection::new(target);
    let mut times = Histogram::new_with_bounds(1, 600_000_000, 3)?;
    let mut refused = 0;
    let mut due = Instant::now();
    let end = due + time;
    for question in questions.iter().cycle() {
        if due >= end {
            break;
        }
        tokio::time::sleep_until(due.into()).await;
        match connection.ask(question).await {
            Ok(answer) if answer.status == 200 => {
                let took = u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX);
                times.saturating_record(took.max(1));
            }
            _ => refused += 1,
        }
        due += PAUSE;
    }
    Ok(Answers { times, refused })
}

/// When no lease of these people counts any more; nothing if some do to the end.
async fn until_no_lease(
    peek: &mut Peek,
    people: &[Uuid],
    began: Instant,
    most: Duration,
) -> anyhow::Result<Option<f64>> {
    let mut gone = None;
    while began.elapsed() < most {
        let at = began.elapsed().as_secs_f64();
        let count: usize = peek.leases(people).await?.iter().sum();
        // One that counts again would be somebody's who is gone.
        gone = (count == 0).then(|| gone.unwrap_or(at));
        tokio::time::sleep(LOOK).await;
    }
    Ok(gone)
}

/// How many people the routes say are there.
async fn ghosts(site: &Site, target: &Target, groups: &[Group]) -> anyhow::Result<usize> {
    let mut connection = Connection::new(target);
    let mut count = 0;
    for group in groups {
        let (_, states) = watch::ask(&mut connection, &watch::question(site, group)?).await?;
        let gone = states.values().filter(|state| *state == "offline");
        count += group.watched.len() - gone.count();
    }
    Ok(count)
}
