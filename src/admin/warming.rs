//! Warming the cache by hand.

use actix_web::{HttpRequest, HttpResponse, post};
use futures_util::future::BoxFuture;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::kernel::{Code, Error, Result};
use crate::platform::Ctx;
use crate::platform::http::{HttpResult, no_store};
use crate::platform::sessions::Admin;
use crate::words;

/// Registers the route.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(warm_cache);
}

/// What warms the cache. Whoever puts the program together knows what is worth it and hands it in.
#[derive(Clone, Copy)]
pub struct Warmer(pub fn(Ctx) -> BoxFuture<'static, WarmReport>);

impl Warmer {
    fn of(request: &HttpRequest) -> Result<Self> {
        let missing = || Error::internal(anyhow::anyhow!("the application warms no cache"));
        request.app_data::<Self>().copied().ok_or_else(missing)
    }
}

/// What a run of warming has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WarmReport {
    /// How it ended.
    pub outcome: WarmOutcome,
    /// What was to be warmed, in this order; empty when another run was under way.
    pub categories: Vec<WarmCategory>,
}

words! {
    /// How a run of warming ended.
    pub enum WarmOutcome {
        /// It came to its end; single entries may have failed.
        Done = "done",
        /// Its time was over, or its lock was lost: what was left counts as skipped.
        CutShort = "cut_short",
        /// Another run was under way, here or elsewhere, and this one did nothing.
        UnderWay = "under_way",
    }
}

/// What became of the entries of a category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WarmCategory {
    /// Its name.
    #[schema(example = "trending_posts")]
    pub name: &'static str,
    /// Entries that were read, or timelines that were built.
    pub warmed: usize,
    /// Entries that could not be read.
    pub failed: usize,
    /// Entries that were there already, that could not have been kept, or that nobody came to.
    pub skipped: usize,
}

/// Warm the cache now
///
/// Reads what most people will ask for, as every half hour, and answers when that is done. 409 while
/// another run is under way. For administrators.
#[utoipa::path(tag = "Operations", responses((status = 200, body = WarmReport)),
    security(("bearer" = [])))]
#[post("/admin/cache/warm")]
async fn warm_cache(ctx: Ctx, _admin: Admin, request: HttpRequest) -> HttpResult<HttpResponse> {
    let Warmer(warm) = Warmer::of(&request)?;
    // In a task of its own: it goes on when nobody waits for the answer any more.
    let running = ctx.tasks().spawn(warm(ctx.clone()));
    let report = running.await.map_err(Error::internal)?;
    if report.outcome == WarmOutcome::UnderWay {
        let detail = "The cache is being warmed just now.";
        return Err(Error::new(Code::Conflict, detail).into());
    }
    Ok(no_store(report))
}
