//! The operators' address: `GET /metrics`, on a listener of its own that the public never reaches.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{App, HttpResponse, HttpServer, web};
use tokio_util::sync::CancellationToken;

use super::worker;
use crate::admin::Health;
use crate::infra::cache::store::oldest_waiting_seconds;
use crate::infra::metrics::declared as m;
use crate::infra::{db, jobs, meter, metrics, outbox};
use crate::kernel::Result;
use crate::platform::Ctx;

/// Between two foldings of the histograms, for when nobody scrapes.
const FOLD: Duration = Duration::from_secs(10);
/// How long a scrape waits for Postgres. Without an answer, the figures of before stand.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a scrape looks at.
pub(super) struct Ops {
    ctx: Ctx,
    health: web::Data<Health>,
    jobs: Vec<&'static str>,
}

impl Ops {
    /// Looks at the application of this context.
    pub(super) fn new(ctx: Ctx, health: web::Data<Health>) -> Self {
        let jobs = worker::registry()
            .kinds()
            .iter()
            .map(|kind| kind.name)
            .collect();
        Self { ctx, health, jobs }
    }

    /// Takes the figures that nobody counts as they change.
    async fn sample(&self) {
        let flag = |is_so| if is_so { 1.0 } else { 0.0 };
        m::READY.gauge(&[]).set(flag(self.health.is_ready()));
        let ran = meter::statements();
        m::SQL_STATEMENTS.counter(&[]).absolute(ran.count);
        m::SQL_MICROSECONDS.counter(&[]).absolute(ran.micros);
        let pool = db::Use::of(self.ctx.db());
        m::DB_CONNECTIONS.gauge(&["in_use"]).set(pool.in_use);
        m::DB_CONNECTIONS.gauge(&["idle"]).set(pool.idle);
        m::DB_LIMIT.gauge(&[]).set(pool.limit);
        m::DB_WAITING.gauge(&[]).set(pool.waiting);
        let refused = self.ctx.admission().refused();
        m::DB_REFUSALS.counter(&[]).absolute(refused);
        self.show_cache();
        for tally in self.ctx.limiter().tallies() {
            let policy = [tally.policy];
            m::LIMIT_REFUSALS.counter(&policy).absolute(tally.refused);
            m::LIMIT_ALONE.counter(&policy).absolute(tally.alone);
        }
        match tokio::time::timeout(PATIENCE, self.show_queues()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(?error, "what waits in Postgres cannot be read"),
            Err(_late) => tracing::debug!("what waits in Postgres was not read in time"),
        }
    }

    fn show_cache(&self) {
        for (space, figures) in self.ctx.cache().figures() {
            let name = space.name;
            let hits = |layer, entries| m::CACHE_HITS.counter(&[name, layer]).absolute(entries);
            // The ones past their freshness are among those of the process.
            let fresh = figures.l1_hits.saturating_sub(figures.stale_answers);
            hits("l1", fresh);
            hits("l2", figures.l2_hits);
            hits("stale", figures.stale_answers);
            let loads = |outcome, loads| m::CACHE_LOADS.counter(&[name, outcome]).absolute(loads);
            loads("ok", figures.loads.saturating_sub(figures.failed_loads));
            loads("failed", figures.failed_loads);
            m::CACHE_MISSES.counter(&[name]).absolute(figures.misses);
            m::CACHE_VOID.counter(&[name]).absolute(figures.void_met);
            let unreadable = figures.unreadable;
            m::CACHE_UNREADABLE.counter(&[name]).absolute(unreadable);
            let share = self.ctx.cache().l1_share(&space);
            m::CACHE_BYTES.gauge(&[name]).set(as_gauge(share.bytes));
            m::CACHE_EVICTIONS
                .counter(&[name])
                .absolute(share.evictions);
        }
    }

    /// What waits in Postgres for somebody to take it.
    async fn show_queues(&self) -> Result<()> {
        let now = self.ctx.now();
        self.show_jobs(&jobs::backlog(self.ctx.db(), now).await?);
        let mut conn = self.ctx.conn().await?;
        let event = outbox::oldest_undelivered(&mut conn).await?;
        let age = event.and_then(|at| (now.utc() - at.utc()).to_std().ok());
        m::OUTBOX_AGE
            .gauge(&[])
            .set(age.unwrap_or_default().as_secs_f64());
        let lag = if self.ctx.config().redis_url.is_some() {
            oldest_waiting_seconds(&mut conn).await?
        } else {
            None
        };
        m::RELAY_LAG.gauge(&[]).set(lag.unwrap_or_default());
        Ok(())
    }

    /// Every job has its figures, zero too: a gauge that was left out would stay as it was.
    fn show_jobs(&self, backlog: &[jobs::Backlog]) {
        let is_known = |name: &str| self.jobs.contains(&name);
        for job in self.jobs.iter().copied().chain(["other"]) {
            let ours = backlog
                .iter()
                .filter(|row| row.name == job || (job == "other" && !is_known(&row.name)));
            let (mut due, mut age, mut dead) = (0.0, 0.0_f64, 0.0);
            for row in ours {
                due += f64::from(row.due);
                dead += f64::from(row.dead);
                age = age.max(row.oldest_due_seconds);
            }
            m::JOBS_DUE.gauge(&[job]).set(due);
            m::JOBS_AGE.gauge(&[job]).set(age);
            m::JOBS_DEAD.gauge(&[job]).set(dead);
        }
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a gauge has no use for the digits that are lost"
)]
fn as_gauge(value: u64) -> f64 {
    value as f64
}

/// Serves `/metrics` and nothing else.
pub(super) fn serve(ops: Ops, listener: TcpListener) -> anyhow::Result<Server> {
    let ops = web::Data::new(ops);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(ops.clone())
            .route("/metrics", web::get().to(show))
    });
    Ok(server
        .workers(1)
        .shutdown_timeout(1)
        .disable_signals()
        .listen(listener)?
        .run())
}

/// Folds the histograms until `stop`: between scrapes they keep every value that was recorded.
pub(super) async fn fold(stop: CancellationToken) {
    while stop
        .run_until_cancelled(tokio::time::sleep(FOLD))
        .await
        .is_some()
    {
        metrics::upkeep();
    }
}

async fn show(ops: web::Data<Ops>) -> HttpResponse {
    ops.sample().await;
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body(metrics::render())
}
