//! Steps that scenarios are made of: warming, saturation, a rate.

use std::sync::Arc;
use std::time::Duration;

use super::args::Common;
use super::draw::get;
use super::drive::{Outcome, Pace, Run, drive};
use super::mix::Mix;
use super::site::Site;
use super::wire::Connection;

/// Connections that warm.
const WARMERS: usize = 16;
/// How often first pages are read until none of them takes SQL any more: timelines are built behind.
const PASSES: usize = 10;

/// Reads everybody's feed once, and what they wrote if `posts` says so. Says how many SQL statements the
/// feeds took.
pub async fn read_first_pages(site: &Site, posts: bool) -> anyhow::Result<u32> {
    read_pages_of(site, (0..site.world.people.len()).collect(), posts).await
}

/// The same for the people at these places.
pub async fn read_pages_of(site: &Site, places: Vec<usize>, posts: bool) -> anyhow::Result<u32> {
    let places = Arc::new(places);
    let mut workers = tokio::task::JoinSet::new();
    for (number, target) in (0..WARMERS).zip(site.targets.iter().cycle()) {
        let (mut connection, world) = (Connection::new(target), Arc::clone(&site.world));
        let places = Arc::clone(&places);
        workers.spawn(async move {
            let mut statements = 0;
            for place in places.iter().copied().skip(number).step_by(WARMERS) {
                let feed = get("/v1/feed?limit=20".to_owned(), Some(world.token(place)));
                statements += connection.ask(&feed).await?.sql.unwrap_or_default();
                if posts {
                    let path = format!("/v1/users/{}/posts", world.id(place));
                    connection.ask(&get(path, feed.token)).await?;
                }
            }
            anyhow::Ok(statements)
        });
    }
    let mut statements = 0;
    while let Some(done) = workers.join_next().await {
        statements += done??;
    }
    Ok(statements)
}

/// Everybody's first pages, then the mix for a while.
pub async fn warm(site: &Site, common: &Common, mix: &'static Mix) -> anyhow::Result<()> {
    eprintln!("warming");
    read_first_pages(site, true).await?;
    if common.warm > 0 {
        let time = Duration::from_secs(common.warm);
        let seed = common.seed.wrapping_add(1);
        run(site, mix, "warming", closed_pace(common), time, seed).await?;
    }
    let mut before = u32::MAX;
    for _pass in 0..PASSES {
        // Without Redis every pass takes as much.
        let statements = read_first_pages(site, false).await?;
        if statements == 0 || f64::from(statements) > 0.9 * f64::from(before) {
            break;
        }
        before = statements;
    }
    Ok(())
}

/// As fast as it goes.
pub async fn closed(
    site: &Site,
    common: &Common,
    mix: &'static Mix,
    label: &str,
) -> anyhow::Result<Outcome> {
    let time = Duration::from_secs(common.seconds);
    let seed = common.seed.wrapping_add(2);
    run(site, mix, label, closed_pace(common), time, seed).await
}

/// At a rate.
pub async fn open(
    site: &Site,
    common: &Common,
    mix: &'static Mix,
    label: &str,
    rate: f64,
) -> anyhow::Result<Outcome> {
    let pace = Pace::Open {
        rate: rate.max(1.0),
        connections: common.connections,
    };
    let time = Duration::from_secs(common.seconds);
    let seed = common.seed.wrapping_add(3);
    run(site, mix, label, pace, time, seed).await
}

fn closed_pace(common: &Common) -> Pace {
    Pace::Closed {
        connections: common.closed.unwrap_or(common.connections),
    }
}

async fn run(
    site: &Site,
    mix: &'static Mix,
    label: &str,
    pace: Pace,
    time: Duration,
    seed: u64,
) -> anyhow::Result<Outcome> {
    let run = Run {
        label,
        mix,
        pace,
        time,
        seed,
    };
    drive(run, &site.world, &site.targets, &site.pids()).await
}
