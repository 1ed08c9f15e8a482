//! Background work as administrators see it: what there is to do, what is late, what has failed.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::infra::db::Conn;
use crate::infra::jobs::{self, JobKind, Summary};
use crate::infra::outbox;
use crate::kernel::{Code, Error, Result, Timestamp};
use crate::platform::http::{HttpResult, PathOf};
use crate::platform::sessions::Admin;
use crate::platform::{Answer, Ctx, Writer};

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(list_jobs).service(run_job);
}

/// Every job that this program can do. Whoever puts the program together knows them and hands them
/// in.
#[derive(Clone)]
pub struct JobKinds(pub Arc<[JobKind]>);

impl JobKinds {
    fn of(request: &HttpRequest) -> Result<Self> {
        let missing = || Error::internal(anyhow::anyhow!("the application has no list of jobs"));
        request.app_data::<Self>().cloned().ok_or_else(missing)
    }
}

/// Background work.
#[derive(Debug, Serialize, ToSchema)]
struct Jobs {
    /// The jobs, by name.
    data: Vec<Job>,
    /// Since when the oldest event has waited to be made into jobs; null when none waits.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    oldest_event_at: Option<Timestamp>,
}

/// A kind of background work.
#[derive(Debug, Serialize, ToSchema)]
struct Job {
    /// Its name.
    #[schema(example = "posts.purge")]
    name: String,
    /// Seconds from one run of a periodic job to the next; null for jobs that are queued.
    #[schema(required)]
    every_seconds: Option<u64>,
    /// Whether this version of the program can do it.
    known: bool,
    /// How many wait, due or not.
    waiting: i64,
    /// How many are being done.
    running: i64,
    /// How many have failed for good.
    failed: i64,
    /// Since when the oldest has been due; null when none is.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    oldest_due_at: Option<Timestamp>,
    /// When the next is due; null when none waits.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    next_run_at: Option<Timestamp>,
    /// What went wrong last.
    #[schema(required)]
    last_error: Option<String>,
}

impl Job {
    fn new(name: String, kind: Option<&JobKind>, row: Option<Summary>) -> Self {
        let (waiting, running, failed) = row
            .as_ref()
            .map_or((0, 0, 0), |row| (row.waiting, row.running, row.failed));
        Self {
            name,
            every_seconds: kind
                .and_then(|kind| kind.every)
                .map(|every| every.as_secs()),
            known: kind.is_some(),
            waiting,
            running,
            failed,
            oldest_due_at: row.as_ref().and_then(|row| row.oldest_due_at),
            next_run_at: row.as_ref().and_then(|row| row.next_run_at),
            last_error: row.and_then(|row| row.last_error),
        }
    }
}

/// All jobs that are known here or have rows, by name.
async fn list(conn: &mut Conn, kinds: &JobKinds, now: Timestamp) -> Result<Vec<Job>> {
    let rows = jobs::summaries(conn, now).await?;
    let mut rows: BTreeMap<String, Option<Summary>> = rows
        .into_iter()
        .map(|row| (row.name.clone(), Some(row)))
        .collect();
    let kinds: BTreeMap<&str, &JobKind> = kinds.0.iter().map(|kind| (kind.name, kind)).collect();
    for name in kinds.keys() {
        rows.entry((*name).to_owned()).or_default();
    }
    Ok(rows
        .into_iter()
        .map(|(name, row)| {
            let kind = kinds.get(name.as_str()).copied();
            Job::new(name, kind, row)
        })
        .collect())
}

/// Background jobs
///
/// What there is to do, what is late, and what has failed for good. For administrators.
#[utoipa::path(tag = "Operations", responses((status = 200, body = Jobs)), security(("bearer" = [])))]
#[get("/admin/jobs")]
async fn list_jobs(ctx: Ctx, _admin: Admin, request: HttpRequest) -> HttpResult<HttpResponse> {
    let kinds = JobKinds::of(&request)?;
    let mut conn = ctx.conn().await?;
    let jobs = Jobs {
        data: list(&mut conn, &kinds, ctx.now()).await?,
        oldest_event_at: outbox::oldest_undelivered(&mut conn).await?,
    };
    Ok(Answer::ok(&jobs)?.into())
}

/// Run a periodic job now
///
/// It is due at once, and the next worker that is free does it. For administrators.
#[utoipa::path(tag = "Operations", params(("name" = String, Path, description = "The job's name")),
    responses((status = 200, body = Job)),
    security(("bearer" = [])))]
#[post("/admin/jobs/{name}/run")]
async fn run_job(
    writer: Writer,
    admin: Admin,
    name: PathOf<String>,
    request: HttpRequest,
) -> HttpResult<HttpResponse> {
    let kinds = JobKinds::of(&request)?;
    let periodic = kinds
        .0
        .iter()
        .any(|kind| kind.name == *name && kind.every.is_some());
    if !periodic {
        let detail = "There is no periodic job of this name. `GET /v1/admin/jobs` lists them.";
        return Err(Error::new(Code::NotFound, detail).into());
    }
    writer
        .run(admin.0.id, async |tx| {
            let now = tx.now();
            if !jobs::run_soon(tx.conn(), &name, now).await? {
                let detail = "This job is being done just now.";
                return Err(Error::new(Code::Conflict, detail));
            }
            tx.wake_jobs();
            let all = list(tx.conn(), &kinds, now).await?;
            let job = all.into_iter().find(|job| job.name == *name);
            Answer::ok(&job.ok_or_else(Error::not_found)?)
        })
        .await
}
