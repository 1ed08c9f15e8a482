//! From a committed message to the sockets that listen: many conversations of two, messages at a rate.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use hdrhistogram::Histogram;
use serde_json::json;

use super::crowd::{self, Arrival, Board, Sent};
use crate::args::Common;
use crate::cpu::Cpu;
use crate::draw::write;
use crate::report::{Bound, Finding, Report};
use crate::site::Site;
use crate::wire::Request;

/// Messages a second, unless `--rate` says otherwise.
const RATE: f64 = 1_000.0;
/// Bytes of a message's text.
const LENGTH: usize = 100;
/// Messages of the first seconds are not looked at.
const WARM: Duration = Duration::from_secs(3);

/// What can be chosen.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Conversations of two people, both of whom listen
    #[arg(long, default_value_t = 200)]
    conversations: usize,
}

/// A conversation: its id, and the places of its two people.
type Pair = (String, [usize; 2]);

/// Measures it.
pub async fn run(common: &Common, options: &Options) -> anyhow::Result<Report> {
    let graph = crowd::cliques(options.conversations, 2)?;
    let mut site = crowd::gather(common, &graph).await?;
    site.serve(common.instances, common.redis().as_deref())
        .await?;
    eprintln!("opening {} conversations", options.conversations);
    let pairs = open(&site).await?;
    crowd::analyze(&site).await?;
    let board = Board::default();
    let listeners = pairs.iter().flat_map(|(id, members)| {
        let each = members.iter().zip((0..site.targets.len()).cycle());
        each.map(move |(place, server)| (server, *place, vec![format!("conv:{id}")]))
    });
    crowd::attend(&site, listeners, &board).await?;
    let rate = common.rate.unwrap_or(RATE);
    eprintln!("{rate} messages a second");
    let time = Duration::from_secs(common.seconds) + WARM;
    let before = Cpu::now(&site.pids());
    let pace = (rate, time, common.seed);
    let sent = crowd::publish(&site, pace, common.connections, writing(&site, &pairs)).await?;
    let used = Cpu::now(&site.pids()).since(&before);
    let acked = sent.iter().filter(|one| one.acked.is_some()).count();
    crowd::wait_for(&board, acked * 2).await;
    let events = crowd::on(&board, |all| std::mem::take(&mut all.events));
    let closes = crowd::on(&board, |all| all.closes.values().sum::<usize>());
    let title = format!(
        "{rate} messages a second over {} conversations",
        pairs.len()
    );
    let mut report = Report::new(title, &site.loaded);
    let share = |micros: u64| micros as f64 / 1e6 / time.as_secs_f64();
    let missing = acked as f64 * 2.0 - events.len() as f64;
    report.findings = vec![
        Finding::new("messages that were due", sent.len() as f64, ""),
        Finding::new("of them not acknowledged", (sent.len() - acked) as f64, "")
            .wanted(Bound::AtMost(0.0)),
        Finding::none("deliveries missing", missing),
        Finding::none("sockets that were closed", closes as f64),
        Finding::new("cores used by the servers", used.servers.map(share), ""),
        Finding::new("cores used by this program", share(used.generator), ""),
    ];
    let commits = commits(&site).await?;
    report
        .findings
        .extend(distribution(&events, &sent, &commits)?);
    site.stop().await?;
    Ok(report)
}

/// Opens the conversations, each with a first message: the second person is in it from then on.
async fn open(site: &Site) -> anyhow::Result<Vec<Pair>> {
    let target = site.targets.first().context("a server")?;
    let mut pairs = Vec::new();
    for pair in site.world.places()?.chunks_exact(2) {
        let &[one, other] = pair else { continue };
        let token = site.world.token(one);
        let body = json!({ "member_ids": [site.world.id(other)] });
        let id = crowd::make(target, token.clone(), "/v1/conversations", &body).await?;
        let path = format!("/v1/conversations/{id}/messages");
        crowd::make(target, token, &path, &json!({ "content": "Hello." })).await?;
        pairs.push((id, [one, other]));
    }
    Ok(pairs)
}

/// The request of a number: the conversations take turns, and the two of each.
fn writing(site: &Site, pairs: &[Pair]) -> impl Fn(usize) -> Request + Send + Sync + 'static {
    let turn = |turn: usize| {
        pairs.iter().filter_map(move |(id, members)| {
            let path = format!("/v1/conversations/{id}/messages");
            Some((path, site.world.token(*members.get(turn)?)))
        })
    };
    let writers: Vec<(String, String)> = turn(0).chain(turn(1)).collect();
    move |number| {
        let writer = writers.get(number % writers.len().max(1)).cloned();
        let (path, token) = writer.unwrap_or_default();
        let body = json!({ "content": crowd::text(number, LENGTH) });
        write("POST", path, token, &body)
    }
}

/// When each message was committed, in microseconds since 1970, by its number; nothing where Postgres does not
/// remember that (`track_commit_timestamp`).
async fn commits(site: &Site) -> anyhow::Result<HashMap<usize, i64>> {
    let db = site.ctx.db();
    let kept: String = sqlx::query_scalar("show track_commit_timestamp")
        .fetch_one(db)
        .await?;
    if kept != "on" {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select split_part(content, ' ', 1),
                (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000000)::bigint
         from message where content like '#%'",
    )
    .fetch_all(db)
    .await?;
    let commits = rows.into_iter();
    let commits =
        commits.filter_map(|(word, at)| Some((word.strip_prefix('#')?.parse().ok()?, at)));
    Ok(commits.collect())
}

/// How long messages took, from several instants on.
fn distribution(
    events: &[Arrival],
    sent: &[Sent],
    commits: &HashMap<usize, i64>,
) -> anyhow::Result<Vec<Finding>> {
    let first = sent.first().map_or(0, |first| first.due);
    let is_warming = |one: &&Sent| one.due - first < micros(WARM);
    let warm = sent.iter().take_while(is_warming).count();
    let counted = || events.iter().filter(|event| event.number >= warm);
    let of = |event: &Arrival| sent.get(event.number).copied();
    let written = times(counted().map(|event| event.at - event.written))?;
    let acked = times(counted().filter_map(|event| Some(event.at - of(event)?.acked?)))?;
    let due = times(counted().filter_map(|event| Some(event.at - of(event)?.due)))?;
    let sent = sent.iter().skip(warm);
    let answered = times(sent.filter_map(|one| Some(one.acked? - one.due)))?;
    let committed = counted().filter_map(|event| Some(event.at - commits.get(&event.number)?));
    let committed = times(committed)?;
    let mut findings = Vec::new();
    if !commits.is_empty() {
        findings.extend(quantiles("from the commit to the socket", &committed));
    }
    findings.extend(quantiles(
        "from the begin of the write to the socket",
        &written,
    ));
    // Without the instants of commits the begin of the write, which is before it, stands for them.
    if let Some(p99) = findings.get_mut(1) {
        p99.wanted = Some(Bound::AtMost(50.0));
    }
    findings.extend(quantiles("from the answer to the socket", &acked));
    findings.extend(quantiles("from when it was due to the socket", &due));
    findings.extend(quantiles("from when it was due to the answer", &answered));
    Ok(findings)
}

/// What happened before counts as at once.
fn times(micros: impl Iterator<Item = i64>) -> anyhow::Result<Histogram<u64>> {
    let mut times = Histogram::new_with_bounds(1, 600_000_000, 3)?;
    for micros in micros {
        times.saturating_record(u64::try_from(micros).unwrap_or_default().max(1));
    }
    Ok(times)
}

fn quantiles(what: &str, times: &Histogram<u64>) -> Vec<Finding> {
    let quantiles = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];
    let finding = quantiles.map(|(name, quantile)| {
        let millis = times.value_at_quantile(quantile) as f64 / 1e3;
        Finding::new(format!("{name} {what}"), millis, "ms")
    });
    finding.into()
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
