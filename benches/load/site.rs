//! What is measured: a database with people in it, and the servers over it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use kith::app::{Injected, context};
use kith::platform::Ctx;
use kith::platform::config::{Config, DatabaseSource, Sources};
use kith::seeds::{Plan, Source, seed};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use super::args::Common;
use super::draw::get;
use super::server::Server;
use super::wire::{Connection, Target};
use super::world::World;

/// What is added to the name of the database that `DATABASE_URL` names, for the one that is made anew for
/// each run.
const SUFFIX: &str = "_load_bench";

/// A database, its people, and the servers that are measured.
pub struct Site {
    /// For SQL and tokens.
    pub ctx: Ctx,
    /// Who and what there is.
    pub world: Arc<World>,
    /// The addresses that are asked.
    pub targets: Vec<Target>,
    /// What was loaded, for the report.
    pub loaded: String,
    servers: Vec<Server>,
    settings: Vec<(String, String)>,
    given_pids: Vec<u32>,
    dir: TempDir,
}

impl Site {
    /// The running servers that `--url` names, or a fresh database with the graph in it and no server
    /// yet: [`Self::serve`] starts those.
    pub async fn open(common: &Common) -> anyhow::Result<Self> {
        if common.url.is_empty() {
            let graph = common
                .graph
                .clone()
                .context("name a file of friendships with --graph, or a running kith with --url")?;
            return Self::make(common, graph, common.posts_per_user).await;
        }
        Self::join(common).await
    }

    /// A fresh database of this graph.
    pub async fn make(
        common: &Common,
        graph: PathBuf,
        posts_per_user: u32,
    ) -> anyhow::Result<Self> {
        let server = std::env::var("DATABASE_URL")
            .context("there is no DATABASE_URL: run this by `kith dev -- cargo bench ...`")?;
        let url = make_database(&server).await?;
        let dir = TempDir::new()?;
        let settings = settings(&url, dir.path(), common);
        let config = Config::load(&Sources::of(settings.clone()))?;
        let addr = config.addr;
        let ctx = context(config, &url, Injected::default(), addr)?;
        eprintln!("loading {}", graph.display());
        let plan = Plan::of(Source::Graph {
            file: graph,
            posts_per_user,
        });
        let report = seed(&plan, ctx.db(), ctx.now(), &|_step| {}).await?;
        promote(&ctx).await?;
        vacuum(&ctx).await?;
        Ok(Self {
            world: World::load(&ctx, common.seed).await?,
            ctx,
            targets: Vec::new(),
            loaded: report.to_string(),
            servers: Vec::new(),
            settings,
            given_pids: Vec::new(),
            dir,
        })
    }

    async fn join(common: &Common) -> anyhow::Result<Self> {
        let config = Config::load(&Sources::from_process())?;
        let DatabaseSource::Url(url) = &config.database else {
            anyhow::bail!("--url needs the DATABASE_URL, and the keys, of the kith that it names");
        };
        let (url, addr) = (url.expose().to_owned(), config.addr);
        let ctx = context(config, &url, Injected::default(), addr)?;
        let mut targets = Vec::new();
        for url in &common.url {
            targets.push(Target::parse(url).await?);
        }
        let site = Self {
            world: World::load(&ctx, common.seed).await?,
            ctx,
            targets,
            loaded: "a database as it was found".to_owned(),
            servers: Vec::new(),
            settings: Vec::new(),
            given_pids: common.pid.clone(),
            dir: TempDir::new()?,
        };
        site.check_tokens().await?;
        Ok(site)
    }

    /// A wrong key would measure nothing but refusals.
    async fn check_tokens(&self) -> anyhow::Result<()> {
        for target in &self.targets {
            let request = get("/v1/me".to_owned(), Some(self.world.token(0)));
            let answer = Connection::new(target)
                .ask(&request)
                .await
                .with_context(|| format!("{} does not answer", target.host))?;
            anyhow::ensure!(
                answer.status == 200,
                "{} answers {} to a token that was signed here: this program needs its \
                 KITH_JWT_KEYS (or KITH_DIR) and DATABASE_URL",
                target.host,
                answer.status
            );
        }
        Ok(())
    }

    /// Stops the servers that run and starts `count` others, unless `--url` named some.
    pub async fn serve(&mut self, count: usize, redis: Option<&str>) -> anyhow::Result<()> {
        if self.is_given() {
            return Ok(());
        }
        self.stop().await?;
        let settings = self.settings_with(redis);
        for _ in 0..count {
            let server = Server::start(self.dir.path(), &settings).await?;
            self.targets.push(server.target.clone());
            self.servers.push(server);
        }
        self.check_tokens().await
    }

    fn settings_with(&self, redis: Option<&str>) -> Vec<(String, String)> {
        let mut settings = self.settings.clone();
        settings.extend(redis.map(|url| ("REDIS_URL".to_owned(), url.to_owned())));
        settings
    }

    /// How many of the entries in Redis are checked by `kith cache verify`, and how many of them are wrong;
    /// nothing where the servers are somebody else's or have no Redis.
    pub async fn verify(&self, redis: Option<&str>) -> anyhow::Result<Option<(f64, f64)>> {
        if self.is_given() || redis.is_none() {
            return Ok(None);
        }
        let args = ["cache", "verify", "--json"];
        let found = Server::ask(self.dir.path(), &self.settings_with(redis), &args).await?;
        let figure = |name: &str| found.get(name).and_then(serde_json::Value::as_f64);
        Ok(figure("checked").zip(figure("wrong")))
    }

    /// A server that this program has started, by its place among the targets.
    pub fn server(&self, place: usize) -> anyhow::Result<&Server> {
        self.servers.get(place).context("a server")
    }

    /// Takes a server out of those that are asked, and that are stopped in the end.
    pub fn take(&mut self, place: usize) -> anyhow::Result<Server> {
        anyhow::ensure!(place < self.servers.len(), "there is no such server");
        self.targets.remove(place);
        Ok(self.servers.remove(place))
    }

    /// Whether the servers are somebody else's.
    pub fn is_given(&self) -> bool {
        self.settings.is_empty()
    }

    /// The processes of the servers, where they are known.
    pub fn pids(&self) -> Vec<u32> {
        let own = self.servers.iter().map(|server| server.pid);
        own.chain(self.given_pids.iter().copied()).collect()
    }

    /// What `GET /v1/admin/cache` answers to a member of the staff; nothing where there is no such route.
    pub async fn cache_figures(&self) -> Option<serde_json::Value> {
        let admin: Option<uuid::Uuid> =
            sqlx::query_scalar("select user_id from account where role = 'admin' limit 1")
                .fetch_optional(self.ctx.db())
                .await
                .ok()?;
        let token = self.world.token(self.world.place_of(admin?)?);
        let mut connection = Connection::new(self.targets.first()?);
        let request = get("/v1/admin/cache".to_owned(), Some(token));
        let answer = connection.ask(&request).await.ok()?;
        (answer.status == 200).then(|| connection.json()).flatten()
    }

    /// Stops the servers that this program has started.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        if self.is_given() {
            return Ok(());
        }
        self.targets.clear();
        for server in self.servers.drain(..) {
            server.stop().await?;
        }
        Ok(())
    }
}

fn settings(url: &str, dir: &Path, common: &Common) -> Vec<(String, String)> {
    let key = || {
        let bytes: [u8; 16] = rand::random();
        bytes.map(|byte| format!("{byte:02x}")).concat() + "0123456789abcdef0123456789abcdef"
    };
    let dir = dir.display().to_string();
    let prefix = format!("load{:x}", rand::random::<u32>());
    let mut settings: Vec<(String, String)> = [
        ("DATABASE_URL", url),
        ("KITH_ADDR", "127.0.0.1:0"),
        ("KITH_DIR", &dir),
        ("KITH_JWT_KEYS", &format!("load:{}", key())),
        ("KITH_SECRET_KEY", &key()),
        ("KITH_REDIS_PREFIX", &prefix),
        ("KITH_LIMITS", "off"),
        ("KITH_LOG", "warn"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    for (name, value) in &common.set {
        settings.retain(|(known, _)| known != name);
        settings.push((name.clone(), value.clone()));
    }
    settings
}

/// Has the planner know what was loaded, which takes longer than a request may.
async fn vacuum(ctx: &Ctx) -> anyhow::Result<()> {
    let mut conn = ctx.db().acquire().await?;
    for step in [
        "set statement_timeout = 0",
        "vacuum analyze",
        "reset statement_timeout",
    ] {
        sqlx::query(step).execute(&mut *conn).await?;
    }
    Ok(())
}

async fn make_database(server: &str) -> anyhow::Result<String> {
    let mut conn = PgConnection::connect(server)
        .await
        .context("the server of DATABASE_URL does not answer")?;
    let mut url = reqwest::Url::parse(server).context("DATABASE_URL is no URL")?;
    let name = url.path().trim_start_matches('/').replace('"', "") + SUFFIX;
    for statement in [
        format!("drop database if exists \"{name}\" with (force)"),
        format!("create database \"{name}\""),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&mut conn)
            .await?;
    }
    url.set_path(&name);
    kith::infra::db::migrate(url.as_str()).await?;
    Ok(url.to_string())
}

/// Somebody has to be allowed to read the cache's figures.
async fn promote(ctx: &Ctx) -> anyhow::Result<()> {
    sqlx::query(
        "update account set role = 'admin'
         where user_id = (select user_id from account order by user_id limit 1)",
    )
    .execute(ctx.db())
    .await?;
    Ok(())
}
