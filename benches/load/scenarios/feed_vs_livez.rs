//! A hot home feed against `GET /livez`, which takes neither sessions nor limits, in turns within one run.

use anyhow::Context as _;

use crate::args::Common;
use crate::draw::get;
use crate::drive::Outcome;
use crate::measure;
use crate::mix::Mix;
use crate::report::{Bound, Finding, Report, cpu_each};
use crate::site::Site;
use crate::wire::Connection;

/// How often the two take turns.
const TURNS: usize = 2;

/// People whose first page is counted.
const COUNTED: usize = 100;

/// Measures both, and feeds at half of their saturation.
pub async fn run(common: &Common) -> anyhow::Result<Report> {
    let feed = Mix::named("feed").context("a mix of feeds")?;
    let livez = Mix::named("livez").context("a mix of livez")?;
    let mut site = Site::open(common).await?;
    site.serve(common.instances, common.redis().as_deref())
        .await?;
    measure::warm(&site, common, feed).await?;
    let mut report = Report::new("feed against livez", &site.loaded);
    let (mut feeds, mut lives) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        lives.push(measure::closed(&site, common, livez, "livez").await?);
        feeds.push(measure::closed(&site, common, feed, "feed").await?);
    }
    let rate = |runs: &[Outcome]| runs.iter().map(Outcome::rate).sum::<f64>() / TURNS as f64;
    let share = rate(&feeds) / rate(&lives);
    let half = measure::open(&site, common, feed, "half", rate(&feeds) / 2.0).await?;
    let filled = posts_on_a_page(&site).await?;
    let all = &half.tally.all;
    let most = |spread: &crate::tally::Spread| spread.keys().next_back().copied().map(f64::from);
    report.findings = vec![
        Finding::new("posts on a page, on average", filled, ""),
        Finding::new("rate of feeds over rate of livez", share, "").wanted(Bound::AtLeast(0.15)),
        Finding::new("p99 of feeds at half of saturation", all.millis(0.99), "ms")
            .wanted(Bound::AtMost(5.0)),
        Finding::none("most SQL statements of a hot feed", most(&all.sql)),
        Finding::new("most Redis round trips of a hot feed", most(&all.redis), "")
            .wanted(Bound::AtMost(2.0)),
        Finding::new(
            "server CPU of a feed at half of saturation",
            cpu_each(&half).0,
            "µs",
        ),
    ];
    report.runs.extend(lives.into_iter().chain(feeds));
    report.runs.push(half);
    report.cache = site.cache_figures().await;
    site.stop().await?;
    Ok(report)
}

/// How full the pages are that were measured.
async fn posts_on_a_page(site: &Site) -> anyhow::Result<f64> {
    let mut connection = Connection::new(site.targets.first().context("a server")?);
    let people = site.world.people.len();
    let step = (people / COUNTED).max(1);
    let (mut pages, mut posts) = (0.0, 0.0);
    for place in (0..people).step_by(step) {
        let feed = get(
            "/v1/feed?limit=20".to_owned(),
            Some(site.world.token(place)),
        );
        connection.ask(&feed).await?;
        let page = connection.json().context("a page of JSON")?;
        let data = page.get("data").and_then(serde_json::Value::as_array);
        posts += data.context("a page has data")?.len() as f64;
        pages += 1.0;
    }
    Ok(posts / pages)
}
