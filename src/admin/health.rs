//! Liveness and readiness.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::infra::redis::PATIENT;
use crate::platform::Ctx;
use crate::platform::realtime::Hub;
use crate::words;

/// What readiness depends on beyond the servers themselves.
#[derive(Debug, Default)]
pub struct Health {
    schema_ready: AtomicBool,
    draining: AtomicBool,
}

impl Health {
    /// The database was reached and its schema is the one this program needs.
    pub fn set_schema_ready(&self) {
        self.schema_ready.store(true, Ordering::Relaxed);
    }

    /// Whether requests should come here.
    pub fn is_ready(&self) -> bool {
        self.schema_ready.load(Ordering::Relaxed) && !self.draining.load(Ordering::Relaxed)
    }

    /// The process is about to end: balancers should send nothing more.
    pub fn set_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }
}

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(livez).service(readyz).service(redis_health);
}

/// The process runs.
#[derive(Debug, Serialize, ToSchema)]
struct Alive {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether requests should come here.
#[derive(Debug, Serialize, ToSchema)]
struct Readiness {
    /// `ok`, `degraded` (serving with a part missing) or `unavailable`.
    #[schema(example = "ok")]
    status: &'static str,
    /// The state of each part.
    parts: Parts,
}

words! {
    /// How a part of an instance is.
    enum PartState {
        /// It does its work.
        Ok = "ok",
        /// It does not answer.
        Down = "down",
        /// Of Postgres, its schema is not known to be right yet; of Redis, it waits for Postgres.
        Pending = "pending",
        /// There is none.
        None = "none",
        /// Redis answers, and what it is told does not arrive here.
        Deaf = "deaf",
    }
}

/// The state of each part.
#[derive(Debug, Serialize, ToSchema)]
struct Parts {
    /// `ok`, `down`, or `pending` before the schema is known to be right.
    #[schema(value_type = String, example = "ok")]
    postgres: PartState,
    /// `ok`, `down`, `pending` while it answers and Postgres does not yet, or `none` where this process was
    /// started without Redis.
    #[schema(value_type = String, example = "ok")]
    redis: PartState,
    /// `ok`, or `deaf`: Redis answers, and what it is told does not arrive here.
    #[schema(value_type = String, example = "ok")]
    live: PartState,
}

impl Parts {
    fn is_one_missing(&self) -> bool {
        let redis_missing = matches!(self.redis, PartState::Down | PartState::Pending);
        self.postgres == PartState::Down || redis_missing
    }
}

/// Redis, as this instance meets it.
#[derive(Debug, Serialize, ToSchema)]
struct RedisHealth {
    /// `ok`; `degraded`: this instance goes on without it, more slowly; or `pending`: it answers, and is used as
    /// soon as Postgres answers too.
    #[schema(example = "ok")]
    status: &'static str,
    /// Whether one is set up.
    configured: bool,
    /// How long it took to answer, in milliseconds; null when it did not.
    #[schema(required, example = 0.21)]
    latency_ms: Option<f64>,
}

/// Whether the process runs
#[utoipa::path(tag = "Operations", responses((status = 200, body = Alive)))]
#[get("/livez")]
async fn livez() -> HttpResponse {
    answer(200, &Alive { status: "ok" })
}

/// Whether requests should come here
///
/// 503 before the first contact with Postgres, with migrations pending, while draining, and while this
/// instance does not hear the others although Redis answers. Postgres
/// lost after the start, or Redis away, leaves it at 200 with `degraded`, so that one lost server does
/// not take every instance out at once.
#[utoipa::path(
    tag = "Operations",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness))
)]
#[get("/readyz")]
async fn readyz(ctx: Ctx, health: web::Data<Health>) -> HttpResponse {
    let parts = Parts {
        postgres: if !health.schema_ready.load(Ordering::Relaxed) {
            PartState::Pending
        } else if answers(&ctx).await {
            PartState::Ok
        } else {
            PartState::Down
        },
        redis: match &ctx.config().redis_url {
            None => PartState::None,
            Some(_) if ctx.redis().is_up() => PartState::Ok,
            Some(_) if ctx.redis().is_pending() => PartState::Pending,
            Some(_) => PartState::Down,
        },
        live: match Hub::of(&ctx) {
            Some(hub) if hub.is_deaf(&ctx) => PartState::Deaf,
            _ => PartState::Ok,
        },
    };
    let is_draining = health.draining.load(Ordering::Relaxed);
    let is_deaf = parts.live == PartState::Deaf;
    let (code, status) = if is_draining || is_deaf || parts.postgres == PartState::Pending {
        (503, "unavailable")
    } else if parts.is_one_missing() {
        (200, "degraded")
    } else {
        (200, "ok")
    };
    answer(code, &Readiness { status, parts })
}

/// Redis
///
/// 200 either way: without Redis everything goes on, only more slowly.
#[utoipa::path(tag = "Operations", responses((status = 200, body = RedisHealth)))]
#[get("/health/redis")]
async fn redis_health(ctx: Ctx) -> HttpResponse {
    let mut ping = redis::pipe();
    ping.cmd("PING");
    let began = Instant::now();
    let answered = ctx.redis().query_within::<(String,)>(&ping, PATIENT).await;
    let millis = began.elapsed().as_secs_f64() * 1_000.0;
    let is_up = answered.is_ok();
    answer(
        200,
        &RedisHealth {
            status: if is_up {
                "ok"
            } else if ctx.redis().is_pending() {
                "pending"
            } else {
                "degraded"
            },
            configured: ctx.config().redis_url.is_some(),
            latency_ms: is_up.then_some((millis * 100.0).round() / 100.0),
        },
    )
}

async fn answers(ctx: &Ctx) -> bool {
    let ping = sqlx::query_scalar!("select 1 as one").fetch_one(ctx.db());
    matches!(
        tokio::time::timeout(Duration::from_secs(1), ping).await,
        Ok(Ok(_))
    )
}

fn answer<T: Serialize>(status: u16, body: &T) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
    HttpResponse::build(status)
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(body)
}
