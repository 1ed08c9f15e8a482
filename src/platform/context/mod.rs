//! The context: handles to everything that a domain may need, cheap to clone.

mod at_once;
mod extras;

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};

use sqlx::PgPool;
use sqlx::pool::PoolConnection;
use tokio::sync::{Notify, Semaphore};
use tokio_util::task::TaskTracker;

use super::config::Config;
use super::http::Problem;
use crate::infra::cache::Cache;
use crate::infra::db::{self, Admission};
use crate::infra::mail::Mailer;
use crate::infra::ratelimit::Limiter;
use crate::infra::redis::Redis;
use crate::kernel::{Clock, Error, IdFactory, Result, Timestamp};

pub use at_once::AtOnce;
pub use extras::Extras;

/// Handles to database, clock, randomness, mail and configuration.
#[derive(Clone)]
pub struct Ctx(Arc<Parts>);

/// What a context is made of.
pub struct Parts {
    /// Settings in effect.
    pub config: Arc<Config>,
    /// The address of this API, without a slash at its end.
    pub public_url: String,
    /// The address of the frontend, without a slash at its end.
    pub web_url: String,
    /// The primary database.
    pub db: PgPool,
    /// Which requests may work with it at once.
    pub admission: Admission,
    /// The cache over it, and Redis.
    pub cache: Cache,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids and secrets.
    pub ids: IdFactory,
    /// Sends mail.
    pub mailer: Mailer,
    /// Wakes the job runner after a commit that queued something.
    pub wake_jobs: Arc<Notify>,
    /// Wakes the dispatcher of events after a commit that emitted one.
    pub wake_outbox: Arc<Notify>,
    /// What follows a commit at once.
    pub at_once: AtOnce,
    /// Work that must end before the process does, such as what follows a commit.
    pub tasks: TaskTracker,
    /// Judges how often something may be done.
    pub limiter: Limiter,
    /// Bounds how many passwords are hashed at once: each takes 19 MiB.
    pub hashing: Arc<Semaphore>,
    /// What stands above the context and is reached through it.
    pub extras: Extras,
}

impl Ctx {
    /// A context of these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Settings in effect.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The address of this API, without a slash at its end.
    pub fn public_url(&self) -> &str {
        &self.0.public_url
    }

    /// The address of the frontend, without a slash at its end.
    pub fn web_url(&self) -> &str {
        &self.0.web_url
    }

    /// The database pool.
    pub fn db(&self) -> &PgPool {
        &self.0.db
    }

    /// Which requests may work with the database at once.
    pub fn admission(&self) -> &Admission {
        &self.0.admission
    }

    /// A connection, for statements that stand alone. What belongs together is a [transaction].
    ///
    /// [transaction]: crate::platform::write::transaction
    pub async fn conn(&self) -> Result<PoolConnection<sqlx::Postgres>> {
        db::acquire(&self.0.db).await
    }

    /// The cache.
    pub fn cache(&self) -> &Cache {
        &self.0.cache
    }

    /// Redis, which may be away.
    pub fn redis(&self) -> &Redis {
        self.0.cache.redis()
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The clock itself, for what runs by itself.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.0.clock)
    }

    /// Makes ids and secrets.
    pub fn ids(&self) -> &IdFactory {
        &self.0.ids
    }

    /// Sends mail. Only jobs do: a request queues one.
    pub fn mailer(&self) -> &Mailer {
        &self.0.mailer
    }

    /// Wakes the job runner.
    pub fn wake_jobs(&self) -> &Arc<Notify> {
        &self.0.wake_jobs
    }

    /// Wakes the dispatcher of events.
    pub fn wake_outbox(&self) -> &Arc<Notify> {
        &self.0.wake_outbox
    }

    /// What follows a commit at once.
    pub fn at_once(&self) -> &AtOnce {
        &self.0.at_once
    }

    /// Work that must end before the process does.
    pub fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    /// Judges how often something may be done.
    pub fn limiter(&self) -> &Limiter {
        &self.0.limiter
    }

    /// What stands above the context and is reached through it, by its type.
    pub fn part<T: std::any::Any + Send + Sync>(&self) -> Option<&T> {
        self.0.extras.get()
    }

    /// Bounds concurrent password hashing.
    pub fn hashing(&self) -> &Arc<Semaphore> {
        &self.0.hashing
    }
}

impl Ctx {
    /// The context of the application that serves `request`.
    pub fn of(request: &HttpRequest) -> Result<Self> {
        request
            .app_data::<web::Data<Self>>()
            .map(|ctx| ctx.get_ref().clone())
            .ok_or_else(|| Error::internal(anyhow::anyhow!("the application has no context")))
    }
}

impl FromRequest for Ctx {
    type Error = Problem;
    type Future = Ready<std::result::Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Self::of(request).map_err(Problem::from))
    }
}
