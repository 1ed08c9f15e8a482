//! What a test lies on: a database, a Redis under a prefix of its own, engines as processes.

use std::sync::Arc;
use std::time::Duration;

use kith::infra::cache::{
    Cache, Described, Figures, Mode, Options, SCRIPTS, Space, follow_voids, store,
};
use kith::infra::redis::{Redis, Server, Supervisor};
use redis::aio::MultiplexedConnection;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::database::TestDatabase;
use crate::redis_server::OwnRedis;
use crate::things::{GATE, SCHEMA, THINGS, Thing, Things};

pub struct Bed {
    pub db: PgPool,
    pub redis_url: String,
    prefix: String,
    _database: TestDatabase,
    _redis: Option<OwnRedis>,
}

/// An engine with what runs beside it.
pub struct Process {
    pub cache: Cache,
    _stop: DropGuard,
}

/// How a process is set up.
pub struct Setup {
    pub spaces: Vec<Described>,
    pub mode: Mode,
    pub concurrent_loads: usize,
    pub l1_bytes: u64,
    /// Whether it relays voids and follows their stream.
    pub relays: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            spaces: vec![THINGS.described()],
            mode: Mode::On,
            concurrent_loads: 8,
            l1_bytes: 1 << 22,
            relays: false,
        }
    }
}

impl Setup {
    pub fn of<const N: usize>(spaces: [&'static Things; N]) -> Self {
        let spaces = spaces.map(Space::described);
        Self {
            spaces: spaces.into(),
            ..Self::default()
        }
    }
}

impl Bed {
    /// Over the Redis that tests share, or one of its own where there is none.
    pub async fn new() -> Self {
        match std::env::var("REDIS_URL") {
            Ok(url) if !url.is_empty() => Self::over(url, None).await,
            _ => {
                let own = OwnRedis::start().await;
                Self::over(own.url(), Some(own)).await
            }
        }
    }

    pub async fn at(redis: &OwnRedis) -> Self {
        Self::over(redis.url(), None).await
    }

    async fn over(redis_url: String, redis: Option<OwnRedis>) -> Self {
        let database = TestDatabase::create().await;
        let db = PgPoolOptions::new().max_connections(20);
        let db = db.connect(&database.url()).await.expect("connected");
        sqlx::raw_sql(SCHEMA).execute(&db).await.expect("tables");
        Self {
            db,
            redis_url,
            prefix: format!("cache-test:{}", database.name()),
            _database: database,
            _redis: redis,
        }
    }

    /// A process that has found Redis.
    pub async fn process(&self) -> Process {
        self.process_with(Setup::default()).await
    }

    pub async fn process_with(&self, setup: Setup) -> Process {
        let process = self.lonely_process(setup);
        process.is_up().await;
        process
    }

    /// The cache of a process that nobody leads to Redis.
    pub fn cache(&self, setup: Setup) -> Cache {
        let redis = Redis::new(self.prefix.clone());
        let options = Options {
            mode: setup.mode,
            l1_bytes: setup.l1_bytes,
            concurrent_loads: setup.concurrent_loads,
            spaces: setup.spaces,
        };
        Cache::new(redis, self.db.clone(), options)
    }

    /// A process that may not have found Redis yet.
    pub fn lonely_process(&self, setup: Setup) -> Process {
        let server = Server::parse(&self.redis_url).expect("a URL");
        let relays = setup.relays;
        let cache = self.cache(setup);
        let stop = CancellationToken::new();
        let supervisor = Supervisor {
            redis: cache.redis().clone(),
            server: server.clone(),
            scripts: SCRIPTS.to_vec(),
            attached: Arc::new(cache.clone()),
        };
        tokio::spawn(supervisor.run(stop.clone()));
        if relays {
            let relay = cache.relay().expect("the first");
            tokio::spawn(relay.run(true, stop.clone()));
            tokio::spawn(follow_voids(cache.clone(), server, stop.clone()));
        }
        Process {
            cache,
            _stop: stop.drop_guard(),
        }
    }

    pub async fn redis(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.redis_url.as_str()).expect("a URL");
        let conn = client.get_multiplexed_async_connection().await;
        conn.expect("Redis answers")
    }

    /// A key as the engine writes it under the epoch of `process`.
    pub fn key(&self, process: &Process, rest: &str) -> String {
        let epoch = process.cache.epoch().expect("Redis is there");
        format!("{}:{epoch}:{rest}", self.prefix)
    }

    pub async fn delete(&self, key: &str) {
        let deleted: i64 = redis::cmd("DEL")
            .arg(key)
            .query_async(&mut self.redis().await)
            .await
            .expect("deleted");
        assert_eq!(deleted, 1, "{key} was there");
    }

    pub fn bookkeeping(&self, rest: &str) -> String {
        format!("{}:cache:{rest}", self.prefix)
    }

    pub async fn run(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::raw_sql(sql).execute(&self.db).await.expect("run");
    }

    /// Changes or makes a row as another program would: only the table of voids knows.
    pub async fn set(&self, name: &str, size: i64) {
        let mut conn = self.db.acquire().await.expect("a connection");
        upsert(&mut conn, name, size).await;
    }

    /// Changes or makes a row as a request of `process` would.
    pub async fn write(&self, process: &Process, name: &str, size: i64) {
        let mut transaction = self.gathering().await;
        upsert(&mut transaction, name, size).await;
        let void = store::leave_gathered(&mut transaction).await.expect("left");
        transaction.commit().await.expect("committed");
        process
            .cache
            .deliver(void.expect("the trigger noted it"))
            .await;
    }

    /// A transaction as kith begins them.
    pub async fn gathering(&self) -> Transaction<'static, Postgres> {
        let begin = "begin; set local kith.gathers_voids = on";
        self.db.begin_with(begin).await.expect("begun")
    }

    /// How often the loader ran.
    pub async fn loads(&self) -> i64 {
        self.count("select count(*) from load").await
    }

    pub async fn text(&self, sql: &str) -> String {
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::query_scalar(sql)
            .fetch_one(&self.db)
            .await
            .expect("a text")
    }

    pub async fn count(&self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::query_scalar(sql)
            .fetch_one(&self.db)
            .await
            .expect("counted")
    }

    /// Holds loaders after they have read, until [`Gate::open`].
    pub async fn gate(&self) -> Gate {
        let mut holder = self.db.acquire().await.expect("a connection").detach();
        sqlx::query("select pg_advisory_lock($1)")
            .bind(GATE)
            .execute(&mut holder)
            .await
            .expect("held");
        Gate { holder }
    }

    /// Waits until so many loaders are held.
    pub async fn held(&self, loaders: i64) {
        let waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted
            and database = (select oid from pg_database where datname = current_database())";
        while self.count(waiting).await < loaders {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Every key that was left has a lifetime; then they go.
    pub async fn end(self) {
        let mut conn = self.redis().await;
        let mut at = "0".to_owned();
        loop {
            let (next, keys): (String, Vec<String>) = redis::cmd("SCAN")
                .arg(&at)
                .arg("MATCH")
                .arg(format!("{}:*", self.prefix))
                .arg("COUNT")
                .arg(1_000)
                .query_async(&mut conn)
                .await
                .expect("scanned");
            for key in keys {
                let left: i64 = redis::cmd("PTTL")
                    .arg(&key)
                    .query_async(&mut conn)
                    .await
                    .expect("asked");
                assert_ne!(left, -1, "{key} stays for good");
                let gone = redis::cmd("DEL").arg(&key).exec_async(&mut conn).await;
                gone.expect("deleted");
            }
            if next == "0" {
                return;
            }
            at = next;
        }
    }
}

async fn upsert(conn: &mut PgConnection, name: &str, size: i64) {
    let done = sqlx::query(
        "insert into thing values ($1, $2) on conflict (name) do update set size = excluded.size",
    )
    .bind(name)
    .bind(size)
    .execute(conn)
    .await;
    done.expect("written");
}

/// Holds loaders back.
pub struct Gate {
    holder: PgConnection,
}

impl Gate {
    pub async fn open(mut self) {
        sqlx::query("select pg_advisory_unlock($1)")
            .bind(GATE)
            .execute(&mut self.holder)
            .await
            .expect("opened");
    }
}

impl Process {
    pub async fn is_up(&self) {
        while !self.cache.redis().is_up() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn is_down(&self) {
        while self.cache.redis().is_up() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The size of a thing as a request reads it: a step, then the value.
    pub async fn size(&self, name: &str) -> Option<i64> {
        self.size_in(&THINGS, name).await
    }

    pub async fn size_in(&self, space: &'static Things, name: &str) -> Option<i64> {
        self.cache.step().await;
        let found = self.cache.get(space, &name.to_owned()).await;
        found.expect("read").map(|thing| thing.size)
    }

    /// A read that runs beside the test.
    pub fn start_reading(&self, name: &str) -> tokio::task::JoinHandle<Option<i64>> {
        let (cache, name) = (self.cache.clone(), name.to_owned());
        tokio::spawn(async move {
            cache.step().await;
            let found = cache.get(&THINGS, &name).await;
            found.expect("read").map(|thing: Arc<Thing>| thing.size)
        })
    }

    /// Figures of the space that was named first.
    pub fn figures(&self) -> Figures {
        self.cache.figures()[0].1
    }
}

/// Tags as the engine takes them.
pub fn tags<const N: usize>(tags: [&str; N]) -> Vec<String> {
    tags.map(str::to_owned).into()
}

/// Asks until it is so, a second at most.
pub async fn within_a_second<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let waited = tokio::time::timeout(Duration::from_secs(1), async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    waited
        .await
        .unwrap_or_else(|_late| panic!("not within a second: {what}"));
}
