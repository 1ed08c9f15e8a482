//! Real messages at full speed over two instances, everybody who takes part listening, through cut lines and
//! a restart of Redis: does each message reach both of its people exactly once and in its order?
//!
//! A conversation is there for its second person from the first message on, so the first message of each is
//! sent before anybody listens. It reaches them by replay, from the beginning of the stream.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use serde_json::json;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

use super::crowd;
use super::reader::{Reader, Seen};
use crate::args::Common;
use crate::draw::write;
use crate::report::{Finding, Report};
use crate::server::Redis;
use crate::site::Site;
use crate::wire::{Connection, Request};

/// Conversations that one connection follows: fewer than it may.
const MOST_FOLLOWED: usize = 120;
/// Requests at once, and connections that are opened at once.
const OPENERS: usize = 32;
/// How long Redis stays away.
const AWAY: Duration = Duration::from_secs(1);
/// After an answer that was no 201, or none.
const PAUSE: Duration = Duration::from_millis(50);
/// How often a message is sent again.
const MOST_TRIES: usize = 200;
/// How long the last messages may take to come.
const PATIENCE: Duration = Duration::from_mins(1);

/// What can be chosen.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Messages in their order, one `FROM TO TIME` a line
    file: PathBuf,
    /// Only the first of them
    #[arg(long, value_name = "N")]
    first: Option<usize>,
    /// Connections that are cut on the way
    #[arg(long, default_value_t = 20, value_name = "N")]
    cuts: usize,
}

/// A message: who wrote it, in which conversation.
type Line = (usize, usize);

/// What the file holds.
struct Trace {
    /// Two people each, in the order of their first message.
    pairs: Vec<[usize; 2]>,
    /// (the number of the writer, the place of the conversation)
    lines: Vec<Line>,
}

/// Measures it.
pub async fn run(common: &Common, options: &Options) -> anyhow::Result<Report> {
    let trace = read(&options.file, options.first)?;
    let mut graph = String::new();
    for [one, other] in &trace.pairs {
        writeln!(graph, "{one} {other}")?;
    }
    let mut redis = Redis::start().await?;
    let mut site = crowd::gather(common, &graph).await?;
    site.serve(2, Some(&redis.url())).await?;
    let people = site.world.numbers()?;
    eprintln!("opening {} conversations", trace.pairs.len());
    let mut firsts = HashMap::new();
    for (place, (writer, conversation)) in trace.lines.iter().enumerate() {
        firsts.entry(*conversation).or_insert((place, *writer));
    }
    let began = Instant::now();
    let ids = open(&site, &trace, &people, &firsts).await?;
    let opening = began.elapsed();
    crowd::analyze(&site).await?;
    let replay = Replay {
        common,
        site: &site,
        trace: &trace,
        people: &people,
        ids,
        seen: Arc::default(),
    };
    let began = Instant::now();
    let (readers, cuts) = replay.listen().await?;
    let listening = began.elapsed();
    eprintln!("{} sockets listen; sending", cuts.len());
    let rest: BTreeSet<usize> = firsts.values().map(|(place, _)| *place).collect();
    let began = Instant::now();
    let sending = replay.send(&rest);
    let (sent, total) = (Arc::clone(&sending.sent), sending.total);
    let disturb = disturb(&mut redis, &cuts, options.cuts, (sent, total), common.seed);
    let (again, cut) = tokio::join!(sending.run(), disturb);
    let (again, cut) = (again?, cut?);
    let took = began.elapsed();
    let expected = 2 * trace.lines.len();
    let began = Instant::now();
    let seen = Arc::clone(&replay.seen);
    while began.elapsed() < PATIENCE {
        let fresh = Seen::of(&seen.shown) - Seen::of(&seen.doubled);
        if usize::try_from(fresh)? >= expected {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let after = began.elapsed();
    // What comes too much would come now.
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop(readers);
    let title = format!("{} at full speed", options.file.display());
    let mut report = Report::new(title, &site.loaded);
    let seconds = |what: &str, time: Duration| Finding::new(what, time.as_secs_f64(), "s");
    report.findings = vec![
        Finding::new("people", people.len() as f64, ""),
        Finding::new("conversations", trace.pairs.len() as f64, ""),
        Finding::new("messages", trace.lines.len() as f64, ""),
        Finding::new("sockets that listened", cuts.len() as f64, ""),
        seconds(
            "to open the conversations, with a first message each",
            opening,
        ),
        seconds("until everybody listened", listening),
        seconds("to send the other messages", took),
        Finding::new("messages a second", total as f64 / took.as_secs_f64(), ""),
        seconds("from the last answer to the last delivery", after),
        Finding::new("requests that were sent again", again as f64, ""),
        Finding::new("connections that were cut", cut as f64, ""),
    ];
    report.findings.extend(judge(&seen, expected));
    site.stop().await?;
    Ok(report)
}

fn judge(seen: &Seen, expected: usize) -> Vec<Finding> {
    let count = |count| Seen::of(count) as f64;
    let fresh = count(&seen.shown) - count(&seen.doubled);
    let mut findings = vec![
        Finding::new("deliveries that were due", expected as f64, ""),
        Finding::none("lost", expected as f64 - fresh),
        Finding::none("shown twice", count(&seen.doubled)),
        Finding::none("places passed over", count(&seen.skipped)),
        Finding::none(
            "conversations that could not be replayed",
            count(&seen.unrecovered),
        ),
        Finding::none("conversations that were refused", count(&seen.lost)),
        Finding::new("came again and were known", count(&seen.known), ""),
    ];
    let closes = seen.closes.lock().unwrap_or_else(PoisonError::into_inner);
    findings.extend(closes.iter().map(|(code, times)| {
        let what = format!("connections that ended with {code}");
        Finding::new(what, *times as f64, "")
    }));
    findings
}

fn read(file: &Path, first: Option<usize>) -> anyhow::Result<Trace> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    let (mut known, mut pairs, mut lines) = (HashMap::new(), Vec::new(), Vec::new());
    for line in text.lines().take(first.unwrap_or(usize::MAX)) {
        let mut words = line.split_whitespace().map(str::parse::<usize>);
        let (Some(Ok(from)), Some(Ok(to))) = (words.next(), words.next()) else {
            anyhow::bail!("`{line}` is no `FROM TO TIME`");
        };
        anyhow::ensure!(from != to, "{from} writes to themselves");
        let pair = [from.min(to), from.max(to)];
        let place = *known.entry(pair).or_insert_with(|| {
            pairs.push(pair);
            pairs.len() - 1
        });
        lines.push((from, place));
    }
    Ok(Trace { pairs, lines })
}

/// Opens all conversations, each with its first message; gives their ids.
async fn open(
    site: &Site,
    trace: &Trace,
    people: &BTreeMap<usize, usize>,
    firsts: &HashMap<usize, (usize, usize)>,
) -> anyhow::Result<Vec<String>> {
    let opened = trace
        .pairs
        .iter()
        .enumerate()
        .map(|(place, pair)| async move {
            let (line, writer) = *firsts.get(&place).context("a first message")?;
            let other = pair.iter().find(|number| **number != writer);
            let other = people
                .get(other.context("two people")?)
                .context("a person")?;
            let token = site.world.token(*people.get(&writer).context("a person")?);
            let target = site
                .targets
                .get(place % site.targets.len())
                .context("a server")?;
            let body = json!({ "member_ids": [site.world.id(*other)] });
            let id = crowd::make(target, token.clone(), "/v1/conversations", &body).await?;
            let path = format!("/v1/conversations/{id}/messages");
            crowd::make(
                target,
                token,
                &path,
                &json!({ "content": crowd::text(line, 40) }),
            )
            .await?;
            anyhow::Ok(id)
        });
    stream::iter(opened).buffered(OPENERS).try_collect().await
}

/// What the parts of a replay share.
struct Replay<'a> {
    common: &'a Common,
    site: &'a Site,
    trace: &'a Trace,
    people: &'a BTreeMap<usize, usize>,
    ids: Vec<String>,
    seen: Arc<Seen>,
}

/// Messages on their way.
struct Sending {
    sent: Arc<AtomicUsize>,
    total: usize,
    workers: JoinSet<anyhow::Result<usize>>,
}

impl Replay<'_> {
    /// Has everybody listen to all of their conversations; gives the tasks, and how to cut the line of each.
    async fn listen(&self) -> anyhow::Result<(JoinSet<()>, Vec<Arc<Notify>>)> {
        let epoch: String = sqlx::query_scalar("select epoch from stream_epoch")
            .fetch_one(self.site.ctx.db())
            .await?;
        let mut followed: HashMap<usize, Vec<String>> = HashMap::new();
        for (pair, id) in self.trace.pairs.iter().zip(&self.ids) {
            for number in pair {
                followed
                    .entry(*number)
                    .or_default()
                    .push(format!("conv:{id}"));
            }
        }
        let (mut readers, mut cuts, mut waiting) = (JoinSet::new(), Vec::new(), Vec::new());
        for (number, channels) in followed {
            let place = *self.people.get(&number).context("a person")?;
            for some in channels.chunks(MOST_FOLLOWED) {
                let cut = Arc::new(Notify::new());
                let (told, ready) = oneshot::channel();
                let mut targets = self.site.targets.clone();
                targets.rotate_left(cuts.len() % self.site.targets.len());
                let shared = (Arc::clone(&self.seen), Arc::clone(&cut));
                let token = self.site.world.token(place);
                let reader = Reader::new(targets, token, some, &epoch, shared, told);
                cuts.push(cut);
                readers.spawn(reader.run());
                waiting.push(ready);
                if waiting.len() >= OPENERS {
                    settle(std::mem::take(&mut waiting)).await?;
                }
            }
        }
        settle(waiting).await?;
        Ok((readers, cuts))
    }

    /// Begins to send all messages but those; those of a conversation one after the other.
    fn send(&self, but: &BTreeSet<usize>) -> Sending {
        let mut lists = vec![Vec::new(); self.common.connections];
        let count = lists.len();
        for (place, (writer, conversation)) in self.trace.lines.iter().enumerate() {
            if !but.contains(&place)
                && let Some(list) = lists.get_mut(conversation % count)
            {
                list.push((place, *writer, *conversation));
            }
        }
        let sent = Arc::new(AtomicUsize::new(0));
        let mut workers = JoinSet::new();
        for (list, target) in lists.into_iter().zip(self.site.targets.iter().cycle()) {
            let connection = Connection::new(target);
            let requests: Vec<Request> =
                list.iter().filter_map(|line| self.request(line)).collect();
            workers.spawn(work(connection, requests, Arc::clone(&sent)));
        }
        Sending {
            sent,
            total: self.trace.lines.len() - but.len(),
            workers,
        }
    }

    fn request(&self, (place, writer, conversation): &(usize, usize, usize)) -> Option<Request> {
        let path = format!(
            "/v1/conversations/{}/messages",
            self.ids.get(*conversation)?
        );
        let token = self.site.world.token(*self.people.get(writer)?);
        let body = json!({ "content": crowd::text(*place, 40) });
        Some(Request {
            key: Some(format!("line-{place}")),
            ..write("POST", path, token, &body)
        })
    }
}

impl Sending {
    /// Waits for the end; gives how many requests were sent again.
    async fn run(mut self) -> anyhow::Result<usize> {
        let mut again = 0;
        while let Some(done) = self.workers.join_next().await {
            again += done??;
        }
        Ok(again)
    }
}

/// Sends one after the other, each until it is there.
async fn work(
    mut connection: Connection,
    requests: Vec<Request>,
    sent: Arc<AtomicUsize>,
) -> anyhow::Result<usize> {
    let mut again = 0;
    for request in requests {
        let mut tries = 0;
        loop {
            let answer = connection.ask(&request).await;
            if answer.as_ref().is_ok_and(|answer| answer.status == 201) {
                break;
            }
            tries += 1;
            anyhow::ensure!(tries < MOST_TRIES, "a message was not taken: {answer:?}");
            tokio::time::sleep(PAUSE).await;
        }
        again += tries;
        sent.fetch_add(1, Ordering::Relaxed);
    }
    Ok(again)
}

/// Waits until all of these stand in their channels.
async fn settle(waiting: Vec<oneshot::Receiver<()>>) -> anyhow::Result<()> {
    for ready in waiting {
        let ready = tokio::time::timeout(PATIENCE, ready).await;
        ready.context("somebody does not come to listen")??;
    }
    Ok(())
}

/// Cuts lines, spread over the run, and restarts Redis in its middle; gives how many were cut.
async fn disturb(
    redis: &mut Redis,
    lines: &[Arc<Notify>],
    cuts: usize,
    (sent, total): (Arc<AtomicUsize>, usize),
    seed: u64,
) -> anyhow::Result<usize> {
    let mut rng = StdRng::seed_from_u64(seed);
    let reached = async |share: usize| {
        while sent.load(Ordering::Relaxed) < total * share / (cuts + 1) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    for cut in 1..=cuts {
        reached(cut).await;
        lines
            .choose(&mut rng)
            .context("somebody listens")?
            .notify_one();
        if cut == cuts.div_ceil(2) {
            redis.kill().await?;
            tokio::time::sleep(AWAY).await;
            redis.restart().await?;
        }
    }
    Ok(cuts)
}
