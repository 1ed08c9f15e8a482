//! Posts by somebody with many friends and by somebody with few: how long the answer takes, and when the
//! friends' feeds show the post.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::future::try_join_all;
use hdrhistogram::Histogram;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use uuid::Uuid;

use crate::args::Common;
use crate::draw::{get, write};
use crate::measure;
use crate::report::{Bound, Finding, Report};
use crate::site::Site;
use crate::wire::Connection;

/// Posts of each of the two in a block; they take turns by blocks, so that nobody's fan-out falls into the
/// time of the other.
const BLOCK: usize = 100;
const BLOCKS: usize = 3;
/// For the fan-out of a block to end.
const PAUSE: Duration = Duration::from_secs(2);
/// Posts whose way into feeds is followed.
const FOLLOWED: usize = 100;
/// Friends of its author who look for each of them.
const LOOKERS: usize = 20;
/// When a look gives up.
const LONGEST: Duration = Duration::from_secs(10);

/// Measures both.
pub async fn run(common: &Common) -> anyhow::Result<Report> {
    let mut site = Site::open(common).await?;
    site.serve(common.instances, common.redis().as_deref())
        .await?;
    eprintln!("warming");
    measure::read_first_pages(&site, true).await?;
    let person = |friends| {
        let found = site.world.nearest_by_friends(friends, 1);
        found.first().copied().context("a person")
    };
    let (many, few) = (person(1_000)?, person(10)?);
    let (mut of_many, mut of_few) = (times()?, times()?);
    for _ in 0..BLOCKS {
        for (author, times) in [(many, &mut of_many), (few, &mut of_few)] {
            for _ in 0..BLOCK {
                let (_, took) = post(&site, author).await?;
                record(times, took);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    let shown = follow(&site, many, common.seed).await?;
    let millis = |times: &Histogram<u64>, quantile| times.value_at_quantile(quantile) as f64 / 1e3;
    let friends = |place: usize| site.world.people.get(place).map_or(0, |who| who.friends);
    let mut report = Report::new("fan-out", &site.loaded);
    report.findings = vec![
        Finding::new(
            format!("p50 of a post to {} friends", friends(many)),
            millis(&of_many, 0.5),
            "ms",
        ),
        Finding::new(
            format!("p99 of a post to {} friends", friends(many)),
            millis(&of_many, 0.99),
            "ms",
        ),
        Finding::new(
            format!("p50 of a post to {} friends", friends(few)),
            millis(&of_few, 0.5),
            "ms",
        ),
        Finding::new(
            format!("p99 of a post to {} friends", friends(few)),
            millis(&of_few, 0.99),
            "ms",
        ),
        Finding::new(
            "p99 with many over p99 with few",
            millis(&of_many, 0.99) / millis(&of_few, 0.99),
            "",
        )
        .wanted(Bound::AtMost(2.0)),
        Finding::new(
            "p50 until a friend's feed shows it",
            millis(&shown, 0.5),
            "ms",
        ),
        Finding::new(
            "p99 until a friend's feed shows it",
            millis(&shown, 0.99),
            "ms",
        )
        .wanted(Bound::AtMost(1_000.0)),
        Finding::new(
            "longest until a friend's feed shows it",
            shown.max() as f64 / 1e3,
            "ms",
        ),
    ];
    report.cache = site.cache_figures().await;
    site.stop().await?;
    Ok(report)
}

fn times() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 600_000_000, 3)?)
}

fn record(times: &mut Histogram<u64>, took: Duration) {
    times.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
}

async fn post(site: &Site, author: usize) -> anyhow::Result<(Uuid, Duration)> {
    let target = site.targets.first().context("a server")?;
    let mut connection = Connection::new(target);
    connection.ask(&get("/livez".to_owned(), None)).await?;
    let body = json!({ "content": "What the river brought this morning", "audience": "friends" });
    let request = write(
        "POST",
        "/v1/posts".to_owned(),
        site.world.token(author),
        &body,
    );
    let began = Instant::now();
    let answer = connection.ask(&request).await?;
    let took = began.elapsed();
    anyhow::ensure!(
        answer.status == 201,
        "a post was answered {}",
        answer.status
    );
    let id = connection.json().context("a post")?;
    let id = id
        .get("id")
        .and_then(serde_json::Value::as_str)
        .context("an id")?;
    Ok((id.parse()?, took))
}

/// From the acknowledgement to the end of the first read that shows the post, for some friends of each.
async fn follow(site: &Site, author: usize, seed: u64) -> anyhow::Result<Histogram<u64>> {
    let friends: Vec<Uuid> =
        sqlx::query_scalar("select friend_id from friendship where user_id = $1")
            .bind(site.world.id(author))
            .fetch_all(site.ctx.db())
            .await?;
    let places: Vec<usize> = friends
        .iter()
        .filter_map(|id| site.world.place_of(*id))
        .collect();
    anyhow::ensure!(!places.is_empty(), "the author has no friends");
    let mut shown = times()?;
    let mut rng = StdRng::seed_from_u64(seed);
    for _ in 0..FOLLOWED {
        let (id, _) = post(site, author).await?;
        let acknowledged = Instant::now();
        let lookers = (0..LOOKERS)
            .zip(site.targets.iter().cycle())
            .map(|(_, target)| {
                let place = places.get(rng.random_range(0..places.len())).copied();
                let token = site.world.token(place.unwrap_or_default());
                look(Connection::new(target), token, id, acknowledged)
            });
        for took in try_join_all(lookers).await? {
            record(&mut shown, took);
        }
    }
    Ok(shown)
}

async fn look(
    mut connection: Connection,
    token: String,
    post: Uuid,
    acknowledged: Instant,
) -> anyhow::Result<Duration> {
    let feed = get("/v1/feed?limit=20".to_owned(), Some(token));
    let post = post.to_string();
    while acknowledged.elapsed() < LONGEST {
        connection.ask(&feed).await?;
        if std::str::from_utf8(connection.body())?.contains(&post) {
            return Ok(acknowledged.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(LONGEST)
}
