//! A running kith.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use chrono::TimeDelta;
use kith::app::{Application, Injected};
use kith::infra::meter::Statements;
use kith::kernel::clock::SystemClock;
use kith::kernel::{Clock, Timestamp};
use kith::platform::Ctx;
use kith::platform::config::{Config, Sources};
use serde_json::json;
use sqlx::PgPool;
use tokio::sync::oneshot;
use tracing_subscriber::layer::SubscriberExt as _;

use super::client::{Anyone, Session};
use super::database::TestDatabase;
use super::mode::{self, Mode};
use super::proxy::Proxy;

/// The password of everybody in tests.
pub const PASSWORD: &str = "correct horse battery staple";

/// A running kith with a database of its own. Several may share one database.
pub struct TestApp {
    /// Where it listens: `http://127.0.0.1:port`.
    pub url: String,
    /// Where it shows its metrics.
    pub ops_addr: SocketAddr,
    /// A pool of its database, for looking behind the scenes.
    pub db: PgPool,
    /// Its context.
    pub ctx: Ctx,
    /// Where its mail is written.
    pub mail_dir: std::path::PathBuf,
    database: Arc<TestDatabase>,
    people: AtomicU32,
    stop: Option<oneshot::Sender<()>>,
    server: Option<std::thread::JoinHandle<()>>,
    _dir: tempfile::TempDir,
}

impl TestApp {
    /// Starts kith with test settings.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts kith with some settings changed.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::on(Arc::new(TestDatabase::create().await), settings).await
    }

    /// Starts kith with a proxy between it and Postgres. While the proxy is shut, kith does not get
    /// ready, so whoever shuts it first says `wait: false`.
    pub async fn start_behind(proxy: &Proxy, wait: bool, settings: &[(&str, &str)]) -> Self {
        let database = Arc::new(TestDatabase::create().await);
        let url = proxy.url_of(&database.url());
        let app = Self::launch(database, url, settings).await;
        if wait {
            app.wait_until_ready().await;
        }
        app
    }

    /// Starts kith with a cache that instances share, unless this run's mode has none: then the
    /// test is to end, and is counted.
    pub async fn with_cache(settings: &[(&str, &str)]) -> Option<Self> {
        if mode::needs("a shared cache", mode::has_shared_cache()) {
            Some(Self::start_with(settings).await)
        } else {
            None
        }
    }

    /// Starts a second instance on the same database, with the same keys.
    pub async fn start_beside(&self, settings: &[(&str, &str)]) -> Self {
        Self::on(Arc::clone(&self.database), settings).await
    }

    /// The same, with a proxy between it and Postgres.
    pub async fn start_beside_behind(&self, proxy: &Proxy) -> Self {
        let database = Arc::clone(&self.database);
        let url = proxy.url_of(&database.url());
        let app = Self::launch(database, url, &[]).await;
        app.wait_until_ready().await;
        if mode::has_redis() {
            app.wait_for_redis().await;
        }
        app
    }

    /// Ends it well. Its database stays, for [`Self::start_beside`].
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The server may have ended by itself; joining it tells.
            stop.send(()).unwrap_or_default();
        }
        if let Some(server) = self.server.take()
            && server.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the server panicked");
        }
    }

    async fn on(database: Arc<TestDatabase>, settings: &[(&str, &str)]) -> Self {
        let url = database.url();
        let app = Self::launch(database, url, settings).await;
        app.wait_until_ready().await;
        let is_shared = app.redis_url() == Mode::of_run().redis_url();
        if is_shared && app.redis_url().is_some() {
            app.wait_for_redis().await;
        }
        app
    }

    /// Starts a second instance on the same database, whose clock is ahead by so much.
    pub async fn start_beside_ahead(&self, by: TimeDelta, settings: &[(&str, &str)]) -> Self {
        let clock = Arc::new(Ahead(by));
        let injected = Injected {
            clock,
            ..Injected::default()
        };
        let (database, url) = (Arc::clone(&self.database), self.database.url());
        let app = Self::launch_with(database, url, settings, injected).await;
        app.wait_until_ready().await;
        app
    }

    /// Starts kith, which reaches its database at `url`.
    async fn launch(database: Arc<TestDatabase>, url: String, settings: &[(&str, &str)]) -> Self {
        Self::launch_with(database, url, settings, Injected::default()).await
    }

    async fn launch_with(
        database: Arc<TestDatabase>,
        url: String,
        settings: &[(&str, &str)],
        injected: Injected,
    ) -> Self {
        count_statements();
        let mode = Mode::of_run();
        let dir = tempfile::tempdir().expect("a folder");
        let mail_dir = dir.path().join("mail");
        let defaults = [
            ("KITH_ADDR", "127.0.0.1:0"),
            ("KITH_OPS_ADDR", "127.0.0.1:0"),
            ("KITH_LIMITS", "off"),
            ("KITH_WARMING", "off"),
            ("KITH_JWT_KEYS", "test:0123456789abcdef0123456789abcdef"),
            ("KITH_SECRET_KEY", "fedcba9876543210fedcba9876543210"),
            ("KITH_DB_POOL", "12"),
            ("KITH_SHUTDOWN_GRACE", "2s"),
            ("KITH_DIR", dir.path().to_str().expect("UTF-8")),
            ("KITH_MAIL_DIR", mail_dir.to_str().expect("UTF-8")),
        ];
        let db = PgPool::connect_lazy(&database.url()).expect("a pool");
        let own = [("DATABASE_URL", url.as_str())];
        // One Redis serves all tests; each database has keys of its own in it.
        let redis = mode.redis_url();
        let prefix = database.name();
        let shared = redis
            .iter()
            .flat_map(|redis| [("REDIS_URL", redis.as_str()), ("KITH_REDIS_PREFIX", prefix)]);
        let shared: Vec<(&str, &str)> = shared.collect();
        let all = defaults.iter().chain(&own).chain(&shared);
        let all = all.chain(mode.settings()).chain(settings);
        let config = Config::load(&Sources::of(all.map(|(name, value)| (*name, *value))))
            .expect("the settings are valid");
        let (tell, told) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let server = std::thread::spawn(move || serve(config, &url, injected, tell, stopped));
        let (addr, ops_addr, ctx) = told.await.expect("kith starts");
        Self {
            url: format!("http://{addr}"),
            ops_addr,
            // A pool of its own: a connection that the test opened could not close while the test
            // waits for the server to end.
            db,
            ctx,
            mail_dir,
            database,
            people: AtomicU32::new(0),
            stop: Some(stop),
            server: Some(server),
            _dir: dir,
        }
    }

    /// The Redis that it was started with.
    pub fn redis_url(&self) -> Option<String> {
        let url = self.ctx.config().redis_url.as_ref();
        url.map(|url| url.expose().to_owned())
            .filter(|url| !url.is_empty())
    }

    /// What the keys of its database begin with in Redis.
    pub fn redis_prefix(&self) -> &str {
        self.database.name()
    }

    /// Waits until it has its connection to Redis.
    pub async fn wait_for_redis(&self) {
        for _ in 0..400 {
            if self.ctx.redis().is_up() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("kith did not find Redis");
    }

    /// The URL of its database, without a proxy.
    pub fn database_url(&self) -> String {
        self.database.url()
    }

    /// Fails the test unless every counter that is stored equals what it counts.
    pub async fn expect_no_drift(&self) {
        let mut conn = self.db.acquire().await.expect("a connection");
        let drift = [
            kith::domains::users::recount(&mut conn).await,
            kith::domains::posts::recount(&mut conn).await,
            kith::domains::comments::recount(&mut conn).await,
            kith::domains::reactions::recount(&mut conn).await,
        ];
        let drift = drift.map(|counters| counters.expect("counts"));
        assert_eq!(
            drift, [0; 4],
            "people, posts, comments, reactions: counters say what there is"
        );
    }

    /// Waits until what was changed by hand is known to the cache. Without Redis an instance tells
    /// nobody, and nobody waits.
    pub async fn wait_until_voids_are_delivered(&self) {
        if self.redis_url().is_none() {
            // An instance on its own learns of nothing; it believes itself for a second.
            tokio::time::sleep(Duration::from_millis(1_100)).await;
            return;
        }
        for _ in 0..100 {
            let left: i64 = sqlx::query_scalar("select count(*) from cache_void")
                .fetch_one(&self.db)
                .await
                .expect("a count");
            if left == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("voids were left lying");
    }

    /// Waits until somebody waits for a lock in its database.
    pub async fn wait_until_somebody_waits_for_a_lock(&self) {
        for _ in 0..90 {
            let waiting: i64 = sqlx::query_scalar(
                "select count(*) from pg_stat_activity
                 where datname = current_database() and wait_event_type = 'Lock'",
            )
            .fetch_one(&self.db)
            .await
            .expect("a number");
            if waiting > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("nobody waits for a lock");
    }

    /// Waits until it is ready for requests.
    pub async fn wait_until_ready(&self) {
        for _ in 0..400 {
            if self.anyone().get("/readyz").await.status == 200 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("kith did not get ready");
    }

    /// Somebody who is signed out.
    pub fn anyone(&self) -> Anyone {
        Anyone::new(&self.url)
    }

    /// A new person, signed in, with a name made from `name`.
    pub async fn person(&self, name: &str) -> Session {
        let number = self.people.fetch_add(1, Ordering::Relaxed);
        self.register(&format!("{name}{number}")).await
    }

    /// Starts kith with its limits on, and these figures in `KITH_LIMITS_FILE`.
    pub async fn start_limited(figures: &str, more: &[(&str, &str)]) -> Self {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), figures).expect("writes");
        let path = file.path().to_str().expect("UTF-8");
        let own = [("KITH_LIMITS", "on"), ("KITH_LIMITS_FILE", path)];
        Self::start_with(&[own.as_slice(), more].concat()).await
    }

    /// A new administrator, signed in.
    pub async fn admin(&self) -> Session {
        let admin = self.person("admin").await;
        sqlx::query("update account set role = 'admin' where username = $1")
            .bind(&admin.username)
            .execute(&self.db)
            .await
            .expect("promoted");
        self.wait_until_voids_are_delivered().await;
        admin
    }

    /// A new person with exactly this username, signed in.
    pub async fn register(&self, username: &str) -> Session {
        let body = json!({
            "username": username,
            "email": format!("{username}@example.org"),
            "password": PASSWORD,
            "display_name": username,
        });
        let reply = self
            .anyone()
            .post("/v1/auth/register", &body)
            .await
            .expect_status(201);
        Session::new(&self.url, &reply.json)
    }

    /// Two people who are friends.
    pub async fn friends(&self, one: &str, other: &str) -> (Session, Session) {
        let (one, other) = (self.person(one).await, self.person(other).await);
        one.befriend(&other).await;
        (one, other)
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A clock that is ahead of the machine's.
struct Ahead(TimeDelta);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.0
    }
}

/// Has SQL statements counted, as the log of the program does: `Reply::sql` tells how many a
/// request took.
fn count_statements() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let counting = tracing_subscriber::registry().with(Statements::layer());
        tracing::subscriber::set_global_default(counting).expect("the only subscriber");
    });
}

fn serve(
    config: Config,
    url: &str,
    injected: Injected,
    tell: oneshot::Sender<(SocketAddr, SocketAddr, Ctx)>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let app = Application::build(config, url, injected).expect("kith builds");
        assert!(
            tell.send((app.addr(), app.ops_addr(), app.ctx().clone()))
                .is_ok(),
            "the test waits"
        );
        app.run_until_stopped(async {
            // An error means that the test is gone: stop as well.
            stopped.await.unwrap_or_default();
        })
        .await
        .expect("kith runs");
    });
}
