//! kith and a Socket.IO server with its Redis adapter, one process each, in one run: the same number of
//! sockets in the same rooms are told messages of the same length at the same rate by the same driver.
//!
//! They do not promise the same. kith knows who everybody is, keeps messages in Postgres and replays them;
//! the other keeps nothing. What kith tells likewise without keeping it (that somebody types) is measured
//! too.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use futures_util::FutureExt as _;
use serde_json::json;

use super::seats::{Measured, Pace, Seats, Work, saying};
use super::{crowd, socketio};
use crate::args::Common;
use crate::cpu;
use crate::draw::write;
use crate::report::{Bound, Finding, Report};
use crate::site::Site;

/// Rooms, and members of each; and members of one big room.
const ROOMS: usize = 200;
const MEMBERS: usize = 10;
const CROWD: usize = 1_000;
/// Messages a second: to rooms if they are kept, if they are not, and to the big room.
const KEPT: f64 = 200.0;
const TOLD: f64 = 1_000.0;
const CROWDED: f64 = 20.0;
/// Bytes of a message's text.
const LENGTH: usize = 100;
/// After sockets have come.
const SETTLED: Duration = Duration::from_secs(5);
/// What messages of each side begin with.
const OURS: &[&str] = &[
    "\"t\":\"message.created\"",
    "\"t\":\"comment.created\"",
    "\"t\":\"typing.",
];
const THEIRS: &[&str] = &["42[\"message\""];

/// What can be chosen.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// The folder of the other server
    #[arg(long, default_value = "benches/peers/socketio")]
    peer: PathBuf,
}

/// What a side came to.
struct Side {
    kept: Measured,
    told: Measured,
    crowded: Measured,
    /// Resident memory for each socket, in KiB.
    memory: f64,
}

/// Measures both.
pub async fn run(common: &Common, options: &Options) -> anyhow::Result<Report> {
    let redis = common.redis().context("this scenario needs a REDIS_URL")?;
    let mut site = crowd::gather(common, &crowd::cliques(ROOMS, MEMBERS)?).await?;
    site.serve(1, Some(&redis)).await?;
    eprintln!("kith");
    let ours = measure_ours(&site, common).await?;
    site.stop().await?;
    eprintln!("Socket.IO");
    let server = socketio::Server::start(&options.peer, &redis).await?;
    let theirs = measure_theirs(&server, common, &ours).await?;
    let title = "kith beside Socket.IO with its Redis adapter";
    let mut report = Report::new(title, &site.loaded);
    for (what, ours, theirs) in [
        ("200 rooms of 10, not kept", ours.told, theirs.told),
        ("200 rooms of 10, kept by kith", ours.kept, theirs.kept),
        (
            "a room of 1,000, kept by kith",
            ours.crowded,
            theirs.crowded,
        ),
    ] {
        report.findings.extend(compare(what, &ours, &theirs));
    }
    report.findings.extend([
        Finding::new("resident for each socket: kith", ours.memory, "KiB"),
        Finding::new("resident for each socket: Socket.IO", theirs.memory, "KiB"),
        Finding::new("the first over the second", ours.memory / theirs.memory, "")
            .wanted(Bound::AtMost(1.0)),
    ]);
    Ok(report)
}

fn compare(what: &str, ours: &Measured, theirs: &Measured) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (who, side) in [("kith", ours), ("Socket.IO", theirs)] {
        let finding = |name: &str, value: f64, unit| {
            Finding::new(format!("{what}: {who}: {name}"), value, unit)
        };
        findings.extend([
            finding("messages", side.written as f64, ""),
            finding("deliveries", side.deliveries as f64, ""),
            finding("bytes of each", side.length() as f64, ""),
            finding("sockets that were closed", side.closes as f64, "").wanted(Bound::AtMost(0.0)),
            finding("CPU", (side.cpu.0 + side.cpu.1) as f64 / 1e6, "s"),
            finding("of it in the kernel", side.system_share(), ""),
            finding("deliveries for each second of CPU", side.rate(), ""),
        ]);
    }
    let what = format!("{what}: kith over Socket.IO");
    findings.push(Finding::new(what, ours.rate() / theirs.rate(), "").wanted(Bound::AtLeast(2.0)));
    findings
}

async fn measure_ours(site: &Site, common: &Common) -> anyhow::Result<Side> {
    let target = site.targets.first().context("a server")?;
    let places = site.world.places()?;
    let mut rooms = Vec::new();
    for members in places.chunks_exact(MEMBERS) {
        let (first, others) = members.split_first().context("members")?;
        let others: Vec<_> = others.iter().map(|place| site.world.id(*place)).collect();
        let body = json!({"member_ids": others, "title": "A room"});
        let token = site.world.token(*first);
        rooms.push(crowd::make(target, token, "/v1/conversations", &body).await?);
    }
    crowd::analyze(site).await?;
    let pid = *site.pids().first().context("a process")?;
    let before = cpu::resident(pid).context("its memory")?;
    let sockets = places.iter().enumerate().map(|(seat, place)| {
        let channel = rooms.get(seat / MEMBERS).map(|room| format!("conv:{room}"));
        let token = site.world.token(*place);
        async move { crowd::listen(target, &token, &Vec::from_iter(channel)).await }
    });
    let seats = Seats::open(sockets, OURS).await?;
    let memory = each(pid, before, seats.len()).await?;
    let time = Duration::from_secs(common.seconds);
    // Members take turns.
    let send = |number: usize| {
        let room = rooms.get(number % ROOMS).map_or("", String::as_str);
        let d = json!({"conversation_id": room, "content": crowd::text(number, LENGTH)});
        let seat = number % ROOMS * MEMBERS + number / ROOMS % MEMBERS;
        (
            seat,
            json!({"id": number, "op": "message.send", "d": d}).to_string(),
        )
    };
    let kept = (KEPT, time, common.seed);
    let kept = seats.measure(pid, kept, saying(&seats, send)).await?;
    // Each begins and ends before it is the next one's turn.
    let types = |number: usize| {
        let (turn, room) = (number / ROOMS, number % ROOMS);
        let seat = room * MEMBERS + turn / 2 % MEMBERS;
        let op = if turn % 2 == 0 {
            "typing.start"
        } else {
            "typing.stop"
        };
        let channel = rooms.get(room).map(|room| format!("conv:{room}"));
        (
            seat,
            json!({"id": number, "op": op, "d": {"ch": channel}}).to_string(),
        )
    };
    let told = (TOLD, time, common.seed);
    let told = seats.measure(pid, told, saying(&seats, types)).await?;
    drop(seats);
    let crowded = measure_crowd(site, common, &places, pid).await?;
    Ok(Side {
        kept,
        told,
        crowded,
        memory,
    })
}

/// Comments under one post that many look at.
async fn measure_crowd(
    site: &Site,
    common: &Common,
    places: &[usize],
    pid: u32,
) -> anyhow::Result<Measured> {
    let target = site.targets.first().context("a server")?;
    let author = site.world.token(*places.first().context("people")?);
    let body = json!({"content": "Look at this.", "audience": "public"});
    let post = crowd::make(target, author.clone(), "/v1/posts", &body).await?;
    let channel = [format!("post:{post}")];
    let sockets = places.iter().take(CROWD).map(|place| {
        let (token, channel) = (site.world.token(*place), &channel);
        async move { crowd::listen(target, &token, channel).await }
    });
    let seats = Seats::open(sockets, OURS).await?;
    tokio::time::sleep(SETTLED).await;
    let path = format!("/v1/posts/{post}/comments");
    let comment = |pace: Pace| -> Work<'_> {
        let (path, author) = (path.clone(), author.clone());
        let request = move |number: usize| {
            let body = json!({ "content": crowd::text(number, LENGTH) });
            write("POST", path.clone(), author.clone(), &body)
        };
        async move {
            let sent = crowd::publish(site, pace, common.connections, request).await?;
            Ok(sent.iter().filter(|one| one.acked.is_some()).count())
        }
        .boxed()
    };
    let pace = (CROWDED, Duration::from_secs(common.seconds), common.seed);
    seats.measure(pid, pace, comment).await
}

/// The same with messages as long as ours were.
async fn measure_theirs(
    server: &socketio::Server,
    common: &Common,
    ours: &Side,
) -> anyhow::Result<Side> {
    let (target, pid) = (&server.target, server.pid);
    // What is needed once is there then.
    drop(Seats::open([socketio::join(target, "first")], THEIRS).await?);
    let before = cpu::resident(pid).context("its memory")?;
    let name = |room: usize| format!("room {room}");
    let sockets = (0..ROOMS * MEMBERS)
        .map(|seat| async move { socketio::join(target, &name(seat / MEMBERS)).await });
    let seats = Seats::open(sockets, THEIRS).await?;
    let memory = each(pid, before, seats.len()).await?;
    let time = Duration::from_secs(common.seconds);
    let say = |length: usize| {
        move |number: usize| {
            let seat = number % ROOMS * MEMBERS + number / ROOMS % MEMBERS;
            (seat, socketio::say(&name(number % ROOMS), number, length))
        }
    };
    let kept = (KEPT, time, common.seed);
    let kept = seats
        .measure(pid, kept, saying(&seats, say(ours.kept.length())))
        .await?;
    let told = (TOLD, time, common.seed);
    let told = seats
        .measure(pid, told, saying(&seats, say(ours.told.length())))
        .await?;
    drop(seats);
    let sockets = (0..CROWD).map(|_| socketio::join(target, "crowd"));
    let seats = Seats::open(sockets, THEIRS).await?;
    tokio::time::sleep(SETTLED).await;
    let length = ours.crowded.length();
    let say = move |number: usize| (number % CROWD, socketio::say("crowd", number, length));
    let crowded = (CROWDED, time, common.seed);
    let crowded = seats.measure(pid, crowded, saying(&seats, say)).await?;
    Ok(Side {
        kept,
        told,
        crowded,
        memory,
    })
}

/// What each of so many sockets has added to a process's memory, in KiB.
async fn each(pid: u32, before: u64, sockets: usize) -> anyhow::Result<f64> {
    tokio::time::sleep(SETTLED).await;
    let after = cpu::resident(pid).context("its memory")?;
    Ok(after.saturating_sub(before) as f64 / 1_024.0 / sockets as f64)
}
