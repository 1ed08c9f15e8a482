//! What a running kith shows to Prometheus.

use std::collections::BTreeMap;
use std::time::Duration;

use kith::infra::metrics::{Kind, Metric, declared};
use kith::infra::servers::{PrivateRedis, RedisOptions};
use reqwest::Method;
use serde_json::json;

use crate::support::{TestApp, mode};

/// A line of the text format that is a figure.
#[derive(Debug)]
struct Series {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Series {
    fn read(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let labels = labels.strip_suffix('}').expect("a closing brace");
        // Quotes end a value, and no value of ours has one inside.
        let pairs = labels.split("\",").filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| {
            let (name, value) = pair.split_once("=\"").expect("a label");
            (name.to_owned(), value.trim_end_matches('"').to_owned())
        });
        Self {
            name: name.to_owned(),
            labels: pairs.collect(),
            value: value.parse().expect("a number"),
        }
    }

    /// The metric that it is of.
    fn metric(&self) -> Option<&'static Metric> {
        let histogram = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|part| self.name.strip_suffix(part));
        declared::all().find(|metric| match metric.kind {
            Kind::Histogram => histogram == Some(metric.name),
            _ => self.name == metric.name,
        })
    }

    fn has(&self, labels: &[(&str, &str)]) -> bool {
        let is_so = |(name, value): &(&str, &str)| {
            self.labels.get(*name).is_some_and(|found| found == value)
        };
        labels.iter().all(is_so)
    }
}

async fn scrape(app: &TestApp) -> Vec<Series> {
    let url = format!("http://{}/metrics", app.ops_addr);
    let response = reqwest::get(url).await.expect("an answer");
    assert_eq!(response.status(), 200);
    assert!(
        response.headers()["content-type"]
            .to_str()
            .expect("ASCII")
            .starts_with("text/plain")
    );
    let text = response.text().await.expect("a body");
    let lines = text.lines().filter(|line| !line.is_empty());
    lines
        .filter(|line| !line.starts_with('#'))
        .map(Series::read)
        .collect()
}

/// The sum of the series of `metric` that have these labels. Other tests of this process count too.
fn sum(scraped: &[Series], metric: &Metric, labels: &[(&str, &str)]) -> f64 {
    let ours = scraped
        .iter()
        .filter(|series| series.name == metric.name && series.has(labels));
    ours.map(|series| series.value).sum()
}

/// Ids are long, and have digits; routes, spaces and jobs have names.
/// How many requests a limit judged without Redis, in all of this process.
pub async fn judged_alone(app: &TestApp, policy: &str) -> f64 {
    let scraped = scrape(app).await;
    sum(&scraped, &declared::LIMIT_ALONE, &[("policy", policy)])
}

fn looks_like_an_id(value: &str) -> bool {
    value.split(['/', '.', ':', '@']).any(|part| {
        let digits = part.chars().filter(char::is_ascii_digit).count();
        digits > 3 || part.len() > 40
    }) || value.contains('@')
}

#[tokio::test]
async fn every_series_is_declared_and_no_label_holds_an_id() {
    let app = TestApp::start().await;
    let person = app.person("person").await;
    let post = person.post_to(&"public".into(), "hello").await;
    person
        .get(&format!("/v1/posts/{post}"))
        .await
        .expect_status(200);
    person
        .get(&format!("/v1/users/@{}", person.username))
        .await
        .expect_status(200);
    person
        .get(&format!("/v1/nothing/{post}"))
        .await
        .expect_status(404);
    let odd = Method::from_bytes(b"X1234567890").expect("a method");
    let odd = person.request(odd, &format!("/v1/posts/{post}"));
    person.send(odd).await;
    let scraped = scrape(&app).await;
    for series in &scraped {
        let metric = series.metric();
        let metric = metric.unwrap_or_else(|| panic!("{series:?} is not declared"));
        let mut labels: Vec<&str> = series.labels.keys().map(String::as_str).collect();
        labels.retain(|label| *label != "le");
        let mut wanted = metric.labels.to_vec();
        wanted.sort_unstable();
        assert_eq!(labels, wanted, "{series:?}");
        let values = series.labels.iter().filter(|(name, _)| *name != "le");
        for (_, value) in values {
            assert!(!looks_like_an_id(value), "{series:?}");
        }
    }
    let route = [
        ("method", "GET"),
        ("route", "/v1/posts/{id}"),
        ("status", "200"),
    ];
    assert!(sum(&scraped, &declared::HTTP_REQUESTS, &route) >= 1.0);
    let other = [("method", "other")];
    assert!(sum(&scraped, &declared::HTTP_REQUESTS, &other) >= 1.0);
    let nowhere = [("route", "none"), ("status", "404")];
    assert!(sum(&scraped, &declared::HTTP_REQUESTS, &nowhere) >= 1.0);
}

#[tokio::test]
async fn figures_are_taken_when_they_are_asked_for() {
    let app = TestApp::start().await;
    let before = scrape(&app).await;
    let person = app.person("person").await;
    for _ in 0..3 {
        person.get("/v1/me").await.expect_status(200);
    }
    sqlx::query(
        "insert into job (job_id, name, payload, run_at, created_at, failed_at)
         values (gen_random_uuid(), 'a job of tomorrow', '{}', now(), now(), now())",
    )
    .execute(&app.db)
    .await
    .expect("a dead job");
    let after = scrape(&app).await;
    let grown = |metric: &Metric, labels: &[(&str, &str)]| {
        sum(&after, metric, labels) - sum(&before, metric, labels)
    };
    let me = [("route", "/v1/me"), ("status", "200")];
    assert!(grown(&declared::HTTP_REQUESTS, &me) >= 3.0);
    assert!(grown(&declared::SQL_STATEMENTS, &[]) >= 6.0);
    assert!(grown(&declared::SQL_MICROSECONDS, &[]) > 0.0);
    let now = |metric: &Metric, labels: &[(&str, &str)]| sum(&after, metric, labels).to_string();
    assert_eq!(now(&declared::DB_LIMIT, &[]), "12");
    assert!(sum(&after, &declared::DB_CONNECTIONS, &[]) >= 1.0);
    assert_eq!(now(&declared::READY, &[]), "1");
    assert_eq!(now(&declared::JOBS_DEAD, &[("job_name", "other")]), "1");
    assert_eq!(
        now(
            &declared::BUILD_INFO,
            &[("version", env!("CARGO_PKG_VERSION"))]
        ),
        "1"
    );
}

/// What some process has that is not this one, or that nothing has done in it.
fn is_elsewhere(metric: &Metric) -> bool {
    let has_redis = mode::has_shared_cache();
    let of_redis = ["kith_redis_", "kith_feed_"];
    let of_checks = [&declared::CACHE_CHECKED, &declared::CACHE_NINES];
    of_checks.contains(&metric)
        || !has_redis && of_redis.iter().any(|part| metric.name.starts_with(part))
}

/// Metrics without a series.
fn silent(scraped: &[Series]) -> Vec<&'static str> {
    let is_silent = |metric: &&Metric| {
        let found = scraped.iter().filter_map(Series::metric);
        !found
            .map(|metric| metric.name)
            .any(|name| name == metric.name)
    };
    let metrics = declared::all().filter(|metric| !is_elsewhere(metric));
    metrics
        .filter(is_silent)
        .map(|metric| metric.name)
        .collect()
}

#[tokio::test]
async fn everything_that_is_declared_shows_after_some_use() {
    if !mode::needs("a shared cache", mode::has_shared_cache()) {
        return;
    }
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "[circle]\nquota = 1").expect("writes");
    let path = file.path().to_str().expect("UTF-8");
    let app = TestApp::start_with(&[("KITH_LIMITS", "on"), ("KITH_LIMITS_FILE", path)]).await;
    let person = app.person("person").await;
    let post = person.post_to(&"public".into(), "hello").await;
    for _ in 0..3 {
        let path = format!("/v1/posts/{post}");
        person.get(&path).await.expect_status(200);
    }
    for status in [201, 429] {
        let circle = person.post("/v1/circles", &json!({"name": "close"})).await;
        assert_eq!(circle.status, status);
    }
    // The post is pushed to timelines by a job.
    let mut scraped = scrape(&app).await;
    for _ in 0..75 {
        if silent(&scraped).is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        scraped = scrape(&app).await;
    }
    assert_eq!(silent(&scraped), Vec::<&str>::new());
    let total = |metric: &Metric, labels: &[(&str, &str)]| sum(&scraped, metric, labels);
    let part = |metric: &Metric, part: &str, labels: &[(&str, &str)]| {
        let name = format!("{}_{part}", metric.name);
        let ours = scraped
            .iter()
            .filter(|series| series.name == name && series.has(labels));
        ours.map(|series| series.value).sum::<f64>()
    };
    assert!(total(&declared::CACHE_HITS, &[("layer", "l1")]) >= 1.0);
    assert!(total(&declared::CACHE_MISSES, &[]) >= 1.0);
    let loads = total(&declared::CACHE_LOADS, &[("outcome", "ok")]);
    assert!(loads >= 1.0);
    assert!(total(&declared::CACHE_LOADS, &[("outcome", "failed")]) < 0.5);
    assert!(part(&declared::CACHE_LOAD_SECONDS, "count", &[]) >= loads);
    let bytes = total(&declared::CACHE_BYTES, &[]);
    assert!((100.0..10_000_000.0).contains(&bytes), "{bytes}");
    let refused = |policy| total(&declared::LIMIT_REFUSALS, &[("policy", policy)]);
    assert_eq!(
        (whole(refused("circle")), whole(refused("general"))),
        (1, 0)
    );
    assert!(total(&declared::RELAY_LAG, &[]) < 5.0);
    assert!(total(&declared::OUTBOX_AGE, &[]) < 5.0);
    if is_elsewhere(&declared::REDIS_SECONDS) {
        return;
    }
    assert_eq!(whole(total(&declared::REDIS_BREAKER, &[])), 0);
    let (trips, time) = (
        part(&declared::REDIS_SECONDS, "count", &[]),
        part(&declared::REDIS_SECONDS, "sum", &[]),
    );
    assert!(
        trips >= 5.0 && time > 0.0 && time / trips < 1.0,
        "{trips} {time}"
    );
    assert_eq!(whole(part(&declared::FANOUT_LAG, "count", &[])), 1);
    assert!(part(&declared::FANOUT_LAG, "sum", &[]) < 5.0);
}

#[tokio::test]
async fn a_redis_that_goes_away_shows() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut options = RedisOptions::new(dir.path().join("redis"));
    options.throwaway = true;
    let redis = PrivateRedis::start(options).await.expect("Redis starts");
    let app = TestApp::start_with(&[("REDIS_URL", &redis.url()), ("KITH_LIMITS", "on")]).await;
    let person = app.person("person").await;
    let mut scraped = Vec::new();
    let mut wait_for = async |state: i64| {
        for _ in 0..100 {
            scraped = scrape(&app).await;
            if whole(sum(&scraped, &declared::REDIS_BREAKER, &[])) == state {
                break;
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
        assert_eq!(whole(sum(&scraped, &declared::REDIS_BREAKER, &[])), state);
    };
    wait_for(0).await;
    redis.stop().await.expect("Redis stops");
    // Whoever asks next finds out.
    person.get("/v1/me").await.expect_status(200);
    wait_for(1).await;
    person.get("/v1/me").await.expect_status(200);
    let scraped = scrape(&app).await;
    let errors = |kind| sum(&scraped, &declared::REDIS_ERRORS, &[("kind", kind)]);
    assert!(errors("away") >= 1.0, "{}", errors("away"));
    assert!(errors("refused") >= 1.0, "{}", errors("refused"));
    assert!(sum(&scraped, &declared::LIMIT_ALONE, &[("policy", "general")]) >= 1.0);
}

#[tokio::test]
async fn what_waits_shows_its_age() {
    let app = TestApp::start().await;
    sqlx::query(
        "insert into outbox (event, payload, created_at)
         values ('of.tomorrow', '{}', now() - interval '90 seconds')",
    )
    .execute(&app.db)
    .await
    .expect("an event");
    let scraped = scrape(&app).await;
    let age = sum(&scraped, &declared::OUTBOX_AGE, &[]);
    assert!((89.0..120.0).contains(&age), "{age}");
}

#[tokio::test]
async fn a_void_that_nobody_delivers_shows_its_age() {
    let settings = [("REDIS_URL", "redis://127.0.0.1:1"), ("KITH_ROLES", "web")];
    let app = TestApp::start_with(&settings).await;
    sqlx::query(
        "insert into cache_void (tags, created_at)
         values ('{of:nobody}', now() - interval '90 seconds')",
    )
    .execute(&app.db)
    .await
    .expect("a void");
    let lag = sum(&scrape(&app).await, &declared::RELAY_LAG, &[]);
    assert!((89.0..120.0).contains(&lag), "{lag}");
}

#[tokio::test]
async fn metrics_are_on_the_operators_address_alone() {
    let app = TestApp::start().await;
    app.anyone()
        .get("/metrics")
        .await
        .expect_problem(404, "not_found");
    for path in ["livez", "v1/meta", "docs/"] {
        let url = format!("http://{}/{path}", app.ops_addr);
        assert_eq!(reqwest::get(url).await.expect("an answer").status(), 404);
    }
}

/// A count, which is a whole number.
fn whole(value: f64) -> i64 {
    format!("{value:.0}").parse().expect("a whole number")
}
