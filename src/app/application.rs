//! The life of a process: build, run until stopped, drain.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, web};
use anyhow::Context as _;
use sqlx::PgPool;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use utoipa_actix_web::AppExt as _;

use super::ops::{self, Ops};
use super::{live, openapi, routes, schema, spaces::spaces, warming, worker};
use crate::admin::{self, Health, JobKinds, ServedDocument, Warmer};
use crate::domains::auth;
use crate::domains::{comments, feed, messaging, posts};
use crate::infra::cache::{self, Cache};
use crate::infra::db::{self, Admission, PoolOptions, connect_lazily};
use crate::infra::mail::Mailer;
use crate::infra::metrics;
use crate::infra::ratelimit::{self, Limiter};
use crate::infra::redis::Redis;
use crate::kernel::clock::SystemClock;
use crate::kernel::cursor::CursorCodec;
use crate::kernel::{Clock, IdFactory};
use crate::platform::Ctx;
use crate::platform::config::{CacheMode, Config, Role};
use crate::platform::context::{AtOnce, Extras, Parts};
use crate::platform::door::{Prefetches, door};
use crate::platform::http::{
    self, BodyLimit, HttpSetup, OpenCosts, PublicUrl, TrustedProxies, catch_panics, cors, envelope,
    not_found, refuse_parameters,
};
use crate::platform::limits;
use crate::platform::realtime::Hub;
use crate::platform::sessions::{Activity, VerifiedTokens};

/// Time and randomness of a process.
pub struct Injected {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids and secrets.
    pub ids: IdFactory,
}

impl Default for Injected {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            ids: IdFactory::from_os(),
        }
    }
}

/// A process that is ready to run.
pub struct Application {
    server: Server,
    addr: SocketAddr,
    ops: Server,
    ops_addr: SocketAddr,
    ctx: Ctx,
    health: web::Data<Health>,
    behind: Behind,
    stop: CancellationToken,
}

/// What is written behind: noted by requests, written by the process.
#[derive(Clone, Default)]
struct Behind {
    activity: Activity,
    views: posts::Views,
}

impl Behind {
    fn start(self, ctx: &Ctx, stop: &CancellationToken) {
        let tasks = ctx.tasks();
        tasks.spawn(self.activity.run(ctx.clone(), stop.clone()));
        tasks.spawn(self.views.run(ctx.clone(), stop.clone()));
    }
}

/// How long a request waits for a connection of the pool.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

impl Application {
    /// Binds the address and puts everything together. The database may still be away.
    pub fn build(config: Config, database_url: &str, injected: Injected) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(config.addr)
            .with_context(|| format!("cannot listen on {} (KITH_ADDR)", config.addr))?;
        let addr = listener.local_addr()?;
        let ops_listener = TcpListener::bind(config.ops_addr)
            .with_context(|| format!("cannot listen on {} (KITH_OPS_ADDR)", config.ops_addr))?;
        let ops_addr = ops_listener.local_addr()?;
        let ctx = context(config, database_url, injected, addr)?;
        let health = web::Data::new(Health::default());
        let behind = Behind::default();
        let server = serve(&ctx, addr, listener, &health, &behind)?;
        let ops = ops::serve(Ops::new(ctx.clone(), health.clone()), ops_listener)?;
        tracing::info!(%ops_addr, "metrics are at /metrics");
        Ok(Self {
            server,
            addr,
            ops,
            ops_addr,
            ctx,
            health,
            behind,
            stop: CancellationToken::new(),
        })
    }

    /// The address that it listens on; the real one where port 0 was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The address that shows metrics; the real one where port 0 was asked for.
    pub fn ops_addr(&self) -> SocketAddr {
        self.ops_addr
    }

    /// The context, for tools and tests.
    pub fn ctx(&self) -> &Ctx {
        &self.ctx
    }

    /// Serves until `stopped` is done, then finishes what was begun.
    pub async fn run_until_stopped(self, stopped: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self {
            server,
            ctx,
            health,
            behind,
            stop,
            ops,
            ..
        } = self;
        behind.start(&ctx, &stop);
        let watching = tokio::spawn(schema::watch(ctx.clone(), health.clone(), stop.clone()));
        super::cache::keep(&ctx, &stop)?;
        live::start(&ctx, &stop)?;
        warming::start(&ctx, &stop);
        if ctx.config().has_role(Role::Worker) {
            worker::start(&ctx, &stop);
        }
        tokio::spawn(ops::fold(stop.clone()));
        let (handle, ops_handle) = (server.handle(), ops.handle());
        let (serving, showing) = (tokio::spawn(server), tokio::spawn(ops));
        stopped.await;
        health.set_draining();
        if let Some(hub) = Hub::of(&ctx) {
            hub.drain(ctx.config().shutdown_grace).await;
        }
        handle.stop(true).await;
        serving.await??;
        // Shown until now, so that a scrape sees the draining.
        ops_handle.stop(false).await;
        showing.await??;
        stop.cancel();
        watching.await?;
        ctx.tasks().close();
        tokio::time::timeout(ctx.config().shutdown_grace, ctx.tasks().wait())
            .await
            .unwrap_or_else(|_late| tracing::warn!("some background work was cut off"));
        // Whoever still holds a connection by then loses it.
        tokio::time::timeout(ctx.config().shutdown_grace, ctx.db().close())
            .await
            .unwrap_or_else(|_late| tracing::warn!("some connections were cut off"));
        Ok(())
    }
}

/// The context of a process that is reached at `addr`: the application's own, and that of commands
/// that work on the same database without serving. The database may still be away.
pub fn context(
    config: Config,
    database_url: &str,
    injected: Injected,
    addr: SocketAddr,
) -> anyhow::Result<Ctx> {
    // Before anything takes a handle to count with.
    metrics::install()?;
    let options = PoolOptions {
        size: config.db_pool,
        statement_timeout: config.statement_timeout,
        acquire_timeout: ACQUIRE_TIMEOUT,
    };
    let figures = limits::figures(config.limits_file.as_deref())?;
    let mailer = match &config.smtp_url {
        Some(url) => Mailer::smtp(url.expose(), &config.mail_from)?,
        None => Mailer::files(&config.mail_dir, &config.mail_from)?,
    };
    let db = connect_lazily(database_url, &options)?;
    let admission = Admission::new(options.size, options.acquire_timeout);
    let cache = cache(&config, db.clone());
    let shared = config.redis_url.is_some();
    let server: Arc<dyn ratelimit::Server> = Arc::new(cache.redis().clone());
    let shared = shared.then_some(server);
    let clock = Arc::clone(&injected.clock);
    let limiter = Limiter::new(config.limits, figures, clock, shared);
    Ok(Ctx::new(Parts {
        cache,
        db,
        admission,
        web_url: config.web_url(addr),
        public_url: config.public_url(addr),
        clock: injected.clock,
        ids: injected.ids,
        mailer,
        wake_jobs: Arc::new(Notify::new()),
        wake_outbox: Arc::new(Notify::new()),
        at_once: warming::at_once(feed::at_once(AtOnce::default())),
        tasks: TaskTracker::new(),
        limiter,
        hashing: Arc::new(Semaphore::new(hashers())),
        extras: messaging::parts(Extras::default(), Handle::current())
            .with(live::hub(&config))
            .with(VerifiedTokens::default()),
        config: Arc::new(config),
    }))
}

fn cache(config: &Config, db: PgPool) -> Cache {
    let redis = Redis::new(config.redis_namespace());
    let options = cache::Options {
        mode: match config.cache {
            CacheMode::On => cache::Mode::On,
            CacheMode::Local => cache::Mode::Local,
            CacheMode::Off => cache::Mode::Off,
        },
        l1_bytes: config.l1_bytes,
        // As many as requests that may work with the database: with fewer, those who read would wait in one
        // line after the other, and those who write in one.
        concurrent_loads: usize::try_from(config.db_pool.saturating_mul(db::PLACES_PER_CONNECTION))
            .unwrap_or(1)
            .max(1),
        spaces: spaces(),
    };
    Cache::new(redis, db, options)
}

/// One password hash a core at a time: more would only wait for each other, with 19 MiB each.
fn hashers() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

fn serve(
    ctx: &Ctx,
    addr: SocketAddr,
    listener: TcpListener,
    health: &web::Data<Health>,
    behind: &Behind,
) -> anyhow::Result<Server> {
    let document = openapi::document();
    let setup = http_setup(
        ctx,
        openapi::route_table(&document, !ctx.config().is_production()),
    );
    let plain = openapi::plain_operations(&document);
    let document = ServedDocument(serde_json::to_vec(&document)?.into());
    let (ctx, health) = (web::Data::new(ctx.clone()), health.clone());
    let limits = routes::limits();
    let prefetches = Prefetches::new(feed::PREFETCH.iter().copied());
    let kinds = JobKinds(worker::registry().kinds().into());
    let (activity, views) = (
        web::Data::new(behind.activity.clone()),
        web::Data::new(behind.views.clone()),
    );
    tracing::debug!(%addr, "building the server");
    let grace = ctx.config().shutdown_grace;
    let application = move || {
        let (app, _document) = App::new()
            .into_utoipa_app()
            .configure(routes::configure)
            .split_for_parts();
        let setup = setup.clone();
        let document = document.clone();
        app.app_data(ctx.clone())
            .app_data(health.clone())
            .app_data(limits.clone())
            .app_data(prefetches.clone())
            .app_data(activity.clone())
            .app_data(views.clone())
            .app_data(plain.clone())
            .app_data(kinds.clone())
            .app_data(Warmer(warming::boxed))
            .app_data(posts::TopComments(comments::top_comments))
            .configure(move |cfg| setup.install(cfg))
            .configure(move |cfg| admin::configure_docs(cfg, &document))
            .configure(auth::configure_pages)
            .default_service(web::to(not_found))
            .wrap(from_fn(refuse_parameters))
            .wrap(from_fn(door))
            .wrap(from_fn(catch_panics))
            .wrap(Compress::default())
            .wrap(cors(&ctx.config().allowed_origins))
            .wrap(from_fn(envelope))
    };
    Ok(http::serve(application, listener, grace)?)
}

fn http_setup(ctx: &Ctx, routes: crate::platform::http::RouteTable) -> HttpSetup {
    let proxies = ctx.config().trusted_proxies.clone();
    HttpSetup {
        public_url: PublicUrl(ctx.public_url().to_owned()),
        body_limit: BodyLimit::default(),
        cursors: CursorCodec::new(ctx.config().secret_key.derive("cursor")),
        ids: ctx.ids().clone(),
        proxies: TrustedProxies(Arc::new(move |address| {
            proxies.iter().any(|network| network.contains(address))
        })),
        routes,
        costs: OpenCosts(!ctx.config().is_production()),
    }
}
