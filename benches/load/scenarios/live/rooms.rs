//! Rooms that are large, and rooms that are many: what it costs that thousands come to one post, and how a
//! server comes to hear tens of thousands of channels again after Redis was restarted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use tokio::task::JoinHandle;

use super::crowd::{self, Board};
use crate::args::Common;
use crate::peek::Peek;
use crate::report::{Bound, Finding, Report};
use crate::server::Redis;
use crate::site::Site;

/// Servers over which the members of the large room are spread.
const SERVERS: usize = 2;
/// Channels of a connection: fewer than it may have.
const MOST_FOLLOWED: usize = 125;
/// After the last has come: that is told too.
const SETTLED: Duration = Duration::from_secs(5);
/// How long Redis stays away.
const AWAY: Duration = Duration::from_secs(1);
/// Commands by which all channels are to be heard again, and the seconds until they are.
const COMMANDS: f64 = 200.0;
const SOON: f64 = 2.0;
/// How long that is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// What can be chosen.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// People who come to one post
    #[arg(long, default_value_t = 5_000)]
    members: usize,
    /// Channels of posts that one server hears when Redis is restarted
    #[arg(long, default_value_t = 50_000)]
    channels: usize,
}

/// Measures it.
pub async fn run(common: &Common, options: &Options) -> anyhow::Result<Report> {
    let sockets = options.channels.div_ceil(MOST_FOLLOWED);
    let people = options.members.max(sockets) + 2;
    let mut redis = Redis::start().await?;
    let mut site = crowd::gather(common, &crowd::cliques(people.div_ceil(2), 2)?).await?;
    site.serve(SERVERS, Some(&redis.url())).await?;
    let mut report = Report::new("large rooms, and many", &site.loaded);
    let mut peek = Peek::open(&redis.url(), site.ctx.redis().namespace()).await?;
    eprintln!("{} people come to one post", options.members);
    report.findings = large(&site, &mut peek, options.members).await?.findings();
    let posts = make_posts(&site, options.channels).await?;
    site.serve(1, Some(&redis.url())).await?;
    eprintln!("{sockets} sockets listen to {} posts", posts.len());
    report
        .findings
        .extend(many(&site, &mut redis, peek, &posts).await?);
    site.stop().await?;
    Ok(report)
}

/// What it came to that many have come to one post.
struct Large {
    members: usize,
    /// Until the last had come.
    coming: Duration,
    /// From the first until nothing more was told, in seconds.
    lasted: f64,
    /// What servers told each other about the room.
    between: usize,
    /// How often all members together were told how many they are.
    told: usize,
    /// The most that one was told within a second, on average over the time that it listened.
    most_a_second: f64,
    /// How many members the last word spoke of.
    count: u64,
}

/// What members are told of how many they are.
#[derive(Default)]
struct Counted {
    times: AtomicUsize,
    last: AtomicUsize,
}

async fn large(site: &Site, peek: &mut Peek, members: usize) -> anyhow::Result<Large> {
    let places = site.world.places()?;
    let author = *places.first().context("people")?;
    let target = site.targets.first().context("a server")?;
    let body = json!({ "content": "Look at this.", "audience": "public" });
    let post = crowd::make(target, site.world.token(author), "/v1/posts", &body).await?;
    let channel = format!("post:{post}");
    let (between, overhearing) = peek.overhear(&channel).await?;
    let began = Instant::now();
    let come = places
        .iter()
        .take(members)
        .zip((0..SERVERS).cycle())
        .map(|(place, server)| {
            let channels = vec![channel.clone()];
            async move {
                let target = site.targets.get(server).context("a server")?;
                let socket = crowd::listen(target, &site.world.token(*place), &channels).await?;
                let counted = Arc::new(Counted::default());
                let hearing = tokio::spawn(hear_counts(socket, Arc::clone(&counted)));
                anyhow::Ok((Instant::now(), counted, hearing))
            }
        });
    let members: Vec<(Instant, Arc<Counted>, JoinHandle<u16>)> = stream::iter(come)
        .buffer_unordered(crowd::OPENERS)
        .try_collect()
        .await?;
    let coming = began.elapsed();
    tokio::time::sleep(SETTLED).await;
    overhearing.abort();
    let each = members.iter().map(|(since, counted, _)| {
        let times = counted.times.load(Ordering::Relaxed);
        // Beside one a second, whoever comes is told at once.
        times.saturating_sub(1) as f64 / since.elapsed().as_secs_f64()
    });
    let last = members
        .iter()
        .map(|(_, counted, _)| counted.last.load(Ordering::Relaxed));
    let times = members
        .iter()
        .map(|(_, counted, _)| counted.times.load(Ordering::Relaxed));
    let large = Large {
        members: members.len(),
        coming,
        lasted: began.elapsed().as_secs_f64(),
        between: between.load(Ordering::Relaxed),
        told: times.sum(),
        most_a_second: each.fold(0.0, f64::max),
        count: u64::try_from(last.min().unwrap_or_default())?,
    };
    for (_, _, hearing) in &members {
        hearing.abort();
    }
    Ok(large)
}

/// Hears how many members there are.
async fn hear_counts(socket: crate::ws::Socket, counted: Arc<Counted>) -> u16 {
    let heard = |text: &str| {
        let Some((_, rest)) = text.split_once("\"room.count\"") else {
            return;
        };
        counted.times.fetch_add(1, Ordering::Relaxed);
        let digits = rest.split_once("\"count\":").map(|(_, rest)| rest);
        let digits = digits.and_then(|rest| rest.split(['}', ',']).next());
        if let Some(count) = digits.and_then(|digits| digits.parse().ok()) {
            counted.last.store(count, Ordering::Relaxed);
        }
    };
    crowd::hear(socket, heard).await
}

impl Large {
    fn findings(&self) -> Vec<Finding> {
        let members = self.members as f64;
        let coming = self.coming.as_secs_f64();
        let between = self.between as f64 / self.lasted;
        vec![
            Finding::new("people who came to one post", members, ""),
            Finding::new("of them a second", members / coming, ""),
            Finding::new(
                "what servers told each other about it, a second",
                between,
                "",
            )
            .wanted(Bound::AtMost(SERVERS as f64)),
            Finding::new(
                "the most that a member was told of it, a second",
                self.most_a_second,
                "",
            )
            .wanted(Bound::AtMost(1.0)),
            Finding::new(
                "what all members were told of it, for each that came",
                self.told as f64 / members,
                "",
            ),
            Finding::new(
                "the fewest that a member knows of in the end",
                self.count as f64,
                "",
            )
            .wanted(Bound::AtLeast(members)),
        ]
    }
}

/// Posts of one person, made at once; gives the names of their channels.
async fn make_posts(site: &Site, count: usize) -> anyhow::Result<Vec<String>> {
    let author = *site.world.places()?.first().context("people")?;
    let mut tx = site.ctx.db().begin().await?;
    sqlx::query("set local statement_timeout = 0")
        .execute(&mut *tx)
        .await?;
    sqlx::query("set local kith.bulk = on")
        .execute(&mut *tx)
        .await?;
    let ids: Vec<String> = sqlx::query_scalar(
        "insert into post (post_id, author_id, content, audience, created_at)
         select gen_random_uuid(), $1, 'a post', 'public', now()
         from generate_series(1, $2) returning post_id::text",
    )
    .bind(site.world.id(author))
    .bind(i64::try_from(count)?)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    crowd::analyze(site).await?;
    Ok(ids.iter().map(|id| format!("post:{id}")).collect())
}

/// Has one server hear these channels, restarts Redis, and waits until it hears them again.
async fn many(
    site: &Site,
    redis: &mut Redis,
    mut peek: Peek,
    posts: &[String],
) -> anyhow::Result<Vec<Finding>> {
    let board = Board::default();
    let places = site.world.places()?;
    let listeners = places.iter().zip(posts.chunks(MOST_FOLLOWED));
    let listeners = listeners.map(|(place, some)| (0, *place, some.to_vec()));
    crowd::attend(site, listeners, &board).await?;
    let channels = peek.channels().await?;
    let before = peek.calls("subscribe").await?;
    eprintln!("restarting Redis");
    redis.kill().await?;
    tokio::time::sleep(AWAY).await;
    redis.restart().await?;
    let began = Instant::now();
    let mut peek = Peek::open(&redis.url(), site.ctx.redis().namespace()).await?;
    let mut first = None;
    let back = loop {
        let heard = peek.channels().await?;
        if heard > 0 {
            first.get_or_insert_with(|| began.elapsed());
        }
        if heard >= channels || began.elapsed() > PATIENCE {
            break heard;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let took = began.elapsed().as_secs_f64();
    let first = first.unwrap_or_default().as_secs_f64();
    // A fresh Redis has counted from nothing.
    let calls = peek.calls("subscribe").await?;
    let closes = crowd::on(&board, |all| all.closes.values().sum::<usize>());
    Ok(vec![
        Finding::new(
            "channels that a server heard before Redis was restarted",
            channels as f64,
            "",
        ),
        Finding::new(
            "commands by which it had subscribed to them",
            before as f64,
            "",
        ),
        Finding::none(
            "channels that it does not hear again",
            channels.saturating_sub(back) as f64,
        ),
        Finding::new(
            "commands by which it has subscribed to them again",
            calls as f64,
            "",
        )
        .wanted(Bound::AtMost(COMMANDS)),
        Finding::new("from Redis's return to the first of them", first, "s"),
        Finding::new("from Redis's return to the last of them", took, "s")
            .wanted(Bound::AtMost(SOON)),
        Finding::none("sockets that were closed", closes as f64),
    ])
}
