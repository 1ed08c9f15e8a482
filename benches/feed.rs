//! How long a page of the home feed takes, at its beginning, in its middle and at its end, on a real
//! graph of friendships.
//!
//! `kith dev -- cargo bench --bench feed -- GRAPH` with a file of friendships (`a b` a line). It loads
//! the graph with ten posts a person into a database of its own, serves it from this process and asks
//! over HTTP, one request after the other. Times are those of the client, in milliseconds.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops where it cannot go on"
)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use kith::app::{Application, Injected};
use kith::kernel::UserId;
use kith::kernel::ids::Id as _;
use kith::platform::config::{Config, Sources};
use kith::platform::sessions::Device;
use kith::platform::{Ctx, write};
use kith::seeds::{Plan, Source, seed};
use sqlx::{Connection as _, PgConnection};
use tokio::sync::oneshot;

/// Requests for each figure.
const REQUESTS: usize = 100;
/// Pages that are walked to find the middle.
const MOST_PAGES: usize = 1_000;

#[tokio::main]
async fn main() {
    let graph = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let Some(graph) = graph else {
        println!("name a file of friendships: cargo bench --bench feed -- GRAPH");
        return;
    };
    let server = std::env::var("DATABASE_URL").expect("DATABASE_URL: run it by `kith dev -- ...`");
    let url = make_database(&server).await;
    let settings = [
        ("DATABASE_URL", url.as_str()),
        ("KITH_ADDR", "127.0.0.1:0"),
        ("KITH_OPS_ADDR", "127.0.0.1:0"),
        // Pages as Postgres gives them; `benches/load` measures what the cache makes of them.
        ("KITH_CACHE", "off"),
        // One person walks through thousands of pages.
        ("KITH_LIMITS", "off"),
        ("KITH_LOG", "warn"),
        ("KITH_ROLES", "web"),
    ];
    let config = Config::load(&Sources::of(settings)).expect("the settings are valid");
    let app = Application::build(config, &url, Injected::default()).expect("kith builds");
    let (ctx, base) = (app.ctx().clone(), format!("http://{}", app.addr()));
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(app.run_until_stopped(async { stopped.await.unwrap_or_default() }));
    let loaded = load(&ctx, PathBuf::from(graph)).await;
    println!("{loaded}");
    println!(
        "{:<28} {:>6} {:<7} {:>8} {:>8}",
        "person", "pages", "page", "p50", "p95"
    );
    for (who, place) in [("most friends", 0), ("median number of friends", 2)] {
        measure(&ctx, &base, who, place).await;
    }
    stop.send(()).unwrap_or_default();
    serving
        .await
        .expect("the server ends")
        .expect("the server ends well");
}

async fn make_database(server: &str) -> String {
    let mut conn = PgConnection::connect(server)
        .await
        .expect("the server answers");
    sqlx::raw_sql("drop database if exists kith_bench_feed with (force)")
        .execute(&mut conn)
        .await
        .expect("the name is free");
    sqlx::raw_sql("create database kith_bench_feed")
        .execute(&mut conn)
        .await
        .expect("a database");
    let mut url = reqwest::Url::parse(server).expect("DATABASE_URL is a URL");
    url.set_path("kith_bench_feed");
    kith::infra::db::migrate(url.as_str())
        .await
        .expect("migrations run");
    url.to_string()
}

async fn load(ctx: &Ctx, graph: PathBuf) -> kith::seeds::Report {
    let plan = Plan::of(Source::Graph {
        file: graph,
        posts_per_user: 10,
    });
    let report = seed(&plan, ctx.db(), ctx.now(), &|_step| {})
        .await
        .expect("the graph loads");
    sqlx::query("vacuum analyze")
        .execute(ctx.db())
        .await
        .expect("statistics");
    report
}

/// The person at `place` of the halved list: 0 has the most friends, 2 stands in the middle.
async fn measure(ctx: &Ctx, base: &str, who: &str, place: i64) {
    let user: uuid::Uuid = sqlx::query_scalar(
        "select user_id from user_counter order by friends desc, user_id
         offset (select count(*) * $1 / 4 from user_counter) limit 1",
    )
    .bind(place)
    .fetch_one(ctx.db())
    .await
    .expect("a person");
    let reader = Reader {
        client: reqwest::Client::new(),
        base,
        token: sign_in(ctx, user).await,
    };
    let mut cursors = vec![None];
    while let Some(next) = reader
        .page(cursors.last().expect("a cursor").as_deref())
        .await
    {
        if cursors.len() == MOST_PAGES {
            break;
        }
        cursors.push(Some(next));
    }
    let places = [
        ("first", 0),
        ("middle", cursors.len() / 2),
        ("last", cursors.len() - 1),
    ];
    for (name, at) in places {
        let cursor = cursors.get(at).cloned().flatten();
        let mut times = Vec::new();
        for _ in 0..REQUESTS {
            let began = Instant::now();
            reader.page(cursor.as_deref()).await;
            times.push(began.elapsed());
        }
        times.sort_unstable();
        let millis = |share: usize| {
            let time = times
                .get(REQUESTS * share / 100)
                .copied()
                .unwrap_or(Duration::ZERO);
            time.as_secs_f64() * 1_000.0
        };
        let (pages, p50, p95) = (cursors.len(), millis(50), millis(95));
        println!("{who:<28} {pages:>6} {name:<7} {p50:>8.2} {p95:>8.2}");
    }
}

async fn sign_in(ctx: &Ctx, user: uuid::Uuid) -> String {
    let device = Device {
        id: None,
        name: None,
        address: "127.0.0.1".to_owned(),
        agent: "bench".to_owned(),
    };
    let user_id = UserId::from_uuid(user);
    let tokens = write::transaction(ctx, async |tx| {
        kith::domains::auth::issue_session(tx, user_id, &device).await
    });
    tokens.await.expect("a session").access_token
}

struct Reader<'a> {
    client: reqwest::Client,
    base: &'a str,
    token: String,
}

impl Reader<'_> {
    /// Reads a page to its end, and gives the cursor of the next one.
    async fn page(&self, cursor: Option<&str>) -> Option<String> {
        let cursor = cursor
            .map(|cursor| format!("&cursor={cursor}"))
            .unwrap_or_default();
        let request = self
            .client
            .get(format!("{}/v1/feed?limit=20{cursor}", self.base));
        let response = request
            .bearer_auth(&self.token)
            .send()
            .await
            .expect("an answer");
        let page: serde_json::Value = response
            .error_for_status()
            .expect("200")
            .json()
            .await
            .expect("JSON");
        Some(page.get("page")?.get("next")?.as_str()?.to_owned())
    }
}
