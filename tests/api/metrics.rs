//! What a running kith shows to Prometheus.

use std::collections::BTreeMap;

use kith::infra::metrics::{Kind, Metric, declared};
use reqwest::Method;

use crate::support::TestApp;

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
    assert_eq!(now(&declared::JOBS_DEAD, &[("job", "other")]), "1");
    assert_eq!(
        now(
            &declared::BUILD_INFO,
            &[("version", env!("CARGO_PKG_VERSION"))]
        ),
        "1"
    );
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
