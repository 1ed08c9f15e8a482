//! The cache as administrators see it: how often it has what is asked for, whether it is right, and
//! how Redis is.

use actix_web::{HttpResponse, get, post};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::stats::STATS;
use crate::infra::cache::{Cache, Described, Figures, Kind, L1Share, Mode, Only, store};
use crate::infra::redis::Usage;
use crate::kernel::{Code, Error, Timestamp};
use crate::platform::http::{HttpResult, PathOf, no_content};
use crate::platform::sessions::Admin;
use crate::platform::{Answer, Ctx, Reads};

/// A hit rate of fewer entries or reads says nothing.
const SAMPLE: u64 = 100;
/// A space is warned of that has fewer hits than this, in so many entries.
const LOW: f64 = 0.8;
const GOOD_SAMPLE: u64 = 1_000;

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(show_cache).service(invalidate_space);
}

/// The cache of the instance that answers, and the Redis that all share.
#[derive(Debug, Serialize, ToSchema)]
struct CacheState {
    /// Which layers are read: `on`, `local` (the process alone) or `off`.
    #[schema(example = "on")]
    mode: &'static str,
    /// The spaces, with figures since this instance was started.
    spaces: Vec<SpaceState>,
    /// What this instance holds.
    process: Held,
    /// What the checker found of a sample of the answers from this instance's memory.
    checker: Checked,
    /// Signed-in devices; null while Postgres is away and nobody has counted them.
    #[schema(required)]
    sessions: Option<Sessions>,
    /// How Redis is; null when there is none or it is away.
    #[schema(required)]
    redis: Option<RedisState>,
    /// What should be looked into.
    warnings: Vec<String>,
}

/// A family of entries.
#[derive(Debug, Serialize, ToSchema)]
struct SpaceState {
    /// Its name.
    #[schema(example = "post")]
    name: &'static str,
    /// What ends its entries: `exact` (rows) or `timed`.
    kind: &'static str,
    /// The part of the entries asked for that needed no query; null below 100 entries.
    #[schema(required, example = 0.97)]
    hit_rate: Option<f64>,
    /// The same of reads, which ask for one entry or many; null below 100 reads.
    #[schema(required, example = 0.95)]
    request_hit_rate: Option<f64>,
    /// What was counted.
    figures: Figures,
    /// What this instance holds of it.
    process: Share,
}

/// What the process holds of a space, roughly.
#[derive(Debug, Serialize, ToSchema)]
struct Share {
    /// Entries.
    entries: u64,
    /// Bytes.
    bytes: u64,
    /// Entries that had to make room since the start.
    evictions: u64,
}

impl From<L1Share> for Share {
    fn from(share: L1Share) -> Self {
        Self {
            entries: share.entries,
            bytes: share.bytes,
            evictions: share.evictions,
        }
    }
}

/// Signed-in devices, which each request asks the cache for.
#[derive(Debug, Serialize, ToSchema)]
struct Sessions {
    /// Those that are alive, as `GET /v1/admin/stats` has them.
    alive: i64,
    /// When they were counted.
    #[schema(value_type = String, format = DateTime)]
    counted_at: Timestamp,
}

impl Sessions {
    async fn counted(ctx: &Ctx) -> Option<Self> {
        let stats = Reads::cached(ctx).load(&STATS, &Only).await.ok()?;
        Some(Self {
            alive: stats.sessions,
            counted_at: stats.counted_at,
        })
    }
}

/// What the process holds, roughly.
#[derive(Debug, Serialize, ToSchema)]
struct Held {
    /// Entries.
    entries: u64,
    /// Bytes.
    bytes: u64,
    /// Bytes that it may hold.
    max_bytes: u64,
}

/// What the checker found.
#[derive(Debug, Serialize, ToSchema)]
struct Checked {
    /// Entries that were compared with Postgres.
    entries: u64,
    /// Those that were wrong for longer than two seconds.
    wrong: u64,
    /// How consistent that is: 3 means 99.9 %. With none wrong it is at least that much. Null
    /// before anything was checked.
    #[schema(required)]
    nines: Option<f64>,
}

/// A Redis.
#[derive(Debug, Serialize, ToSchema)]
struct RedisState {
    /// Its version.
    version: String,
    /// Bytes in use.
    used_memory: u64,
    /// Bytes that it may use; 0 means as many as it gets.
    max_memory: u64,
    /// What it drops when they are used up.
    #[schema(example = "allkeys-lfu")]
    policy: String,
    /// Keys that it has dropped for want of room.
    evicted_keys: u64,
    /// Keys that have ended by their lifetime.
    expired_keys: u64,
    /// Connections.
    clients: u64,
    /// Keys that there are, whoever's.
    keys: u64,
    /// Seconds since it was started.
    uptime_seconds: u64,
}

impl From<Usage> for RedisState {
    fn from(usage: Usage) -> Self {
        Self {
            version: usage.version,
            used_memory: usage.used_memory,
            max_memory: usage.max_memory,
            policy: usage.policy,
            evicted_keys: usage.evicted_keys,
            expired_keys: usage.expired_keys,
            clients: usage.clients,
            keys: usage.keys,
            uptime_seconds: usage.uptime_seconds,
        }
    }
}

impl SpaceState {
    fn new(cache: &Cache, (space, figures): &(Described, Figures)) -> Self {
        Self {
            name: space.name,
            kind: match space.kind {
                Kind::Exact => "exact",
                Kind::Timed => "timed",
            },
            hit_rate: figures.hit_rate(SAMPLE),
            request_hit_rate: figures.request_hit_rate(SAMPLE),
            figures: *figures,
            process: cache.l1_share(space).into(),
        }
    }
}

impl Checked {
    fn so_far(cache: &Cache) -> Self {
        let tally = cache.served_so_far();
        Self {
            entries: tally.checked,
            wrong: tally.wrong,
            nines: tally.nines().map(|nines| nines.nines),
        }
    }
}

fn warnings(cache: &Cache, figures: &[(Described, Figures)], checker: &Checked) -> Vec<String> {
    let low = figures.iter().filter_map(|(space, figures)| {
        let rate = figures.hit_rate(GOOD_SAMPLE).filter(|rate| *rate < LOW)?;
        let percent = rate * 100.0;
        let name = space.name;
        Some(format!(
            "{name}: only {percent:.0} % of its entries were hits."
        ))
    });
    let mut warnings: Vec<String> = low.filter(|_| cache.mode() != Mode::Off).collect();
    if checker.wrong > 0 {
        let wrong = checker.wrong;
        warnings.push(format!(
            "{wrong} cached entries were wrong: see `kith cache verify`."
        ));
    }
    warnings
}

/// The cache
///
/// Figures of the instance that answers, each since it was started, and the state of the Redis that
/// all share. For administrators.
#[utoipa::path(tag = "Operations", responses((status = 200, body = CacheState)), security(("bearer" = [])))]
#[get("/admin/cache")]
async fn show_cache(ctx: Ctx, _admin: Admin) -> HttpResult<HttpResponse> {
    let cache = ctx.cache();
    let figures = cache.figures();
    let (entries, bytes) = cache.l1_size();
    let checker = Checked::so_far(cache);
    let mut warnings = warnings(cache, &figures, &checker);
    let usage = ctx.redis().usage().await.ok();
    match &usage {
        Some(usage) => warnings.extend(usage.warnings()),
        None if ctx.config().redis_url.is_some() => {
            warnings.push("Redis is away: this instance goes on without it.".to_owned());
        }
        None => {}
    }
    let state = CacheState {
        mode: match cache.mode() {
            Mode::On => "on",
            Mode::Local => "local",
            Mode::Off => "off",
        },
        spaces: figures
            .iter()
            .map(|one| SpaceState::new(cache, one))
            .collect(),
        process: Held {
            entries,
            bytes,
            max_bytes: ctx.config().l1_bytes,
        },
        checker,
        sessions: Sessions::counted(&ctx).await,
        redis: usage.map(RedisState::from),
        warnings,
    };
    Ok(Answer::ok(&state)?.into())
}

/// Forget what is cached of a space
///
/// Every entry of it is void from now on, on every instance. For administrators.
#[utoipa::path(tag = "Operations",
    params(("space" = String, Path, description = "The space", example = "post")),
    responses((status = 204)), security(("bearer" = [])))]
#[post("/admin/cache/spaces/{space}/invalidate")]
async fn invalidate_space(
    ctx: Ctx,
    _admin: Admin,
    name: PathOf<String>,
) -> HttpResult<HttpResponse> {
    let known = ctx.cache().figures().into_iter();
    let space = known
        .map(|(space, _)| space)
        .find(|space| space.name == *name);
    let unknown = || {
        let detail = "There is no such space. `GET /v1/admin/cache` lists them.";
        Error::new(Code::NotFound, detail)
    };
    let tags = [space.ok_or_else(unknown)?.tag()];
    if !ctx.cache().void(&tags).await {
        // Who has Redis again, or never lost it, learns of it from there.
        store::leave_void(&mut *ctx.conn().await?, &tags).await?;
    }
    Ok(no_content())
}
