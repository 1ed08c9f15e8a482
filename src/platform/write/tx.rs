//! A transaction of the house: retried as a whole, committed where nobody can cancel it.
//!
//! **Write-through** is [`Tx::keep_warm`]: void first, then load. To put the value that the writer has
//! in hand would be wrong. Two writers of one row may reach the cache in another order than they
//! committed in, and the older value would stay. A ticket does not mend that: taken before the commit
//! it is void by the writer's own void, and taken after it, it says nothing about a value that was
//! read before. Only a value that is read after the void is sure to be no older than the void.

use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use sqlx::{Postgres, Transaction};

use super::closing::{Closed, Closing, Line, close};
use crate::infra::cache::{Cache, Key, Space, Value};
use crate::infra::db::{self, Conn, is_retryable};
use crate::infra::jobs::{self, NewJob};
use crate::infra::meter;
use crate::infra::outbox::{Event, Note};
use crate::kernel::ids::Id;
use crate::kernel::{Code, Error, IdFactory, JobId, Result, Timestamp};
use crate::platform::{Ctx, Reads};

/// How often a transaction is run again after a deadlock or a serialization failure.
const RETRIES: u32 = 3;
/// How long an answer waits for what it keeps warm; the loading goes on behind it.
const WARM: Duration = Duration::from_millis(100);

/// How long the statements of a transaction wait for what others hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// As long as a statement may take.
    Usual,
    /// No longer than somebody holds it who works well.
    Brief,
}

impl Patience {
    /// The statements that begin such a transaction. Its triggers gather what they void: see [`close`].
    fn beginning(self) -> &'static str {
        match self {
            Self::Usual => "begin; set local kith.gathers_voids = on",
            Self::Brief => {
                "begin; set local kith.gathers_voids = on; set local lock_timeout = '250ms'"
            }
        }
    }
}

type Warming = Box<dyn FnOnce(Cache) -> BoxFuture<'static, ()> + Send>;
type Placed = Box<dyn FnOnce(&Ctx, &str, i64) + Send>;
type Afterwards = Box<dyn FnOnce(&Ctx) + Send>;

/// An open transaction, with the time and the randomness of its write.
pub struct Tx {
    transaction: Transaction<'static, Postgres>,
    ctx: Ctx,
    now: Timestamp,
    op_id: Option<String>,
    closing: Closing,
    closed: Option<Closed>,
    places: Vec<Placed>,
    queued_jobs: bool,
    at_once: Vec<(&'static str, serde_json::Value)>,
    warm: Vec<Warming>,
    afterwards: Vec<Afterwards>,
}

impl Tx {
    async fn begin(ctx: &Ctx, patience: Patience) -> Result<Self> {
        Ok(Self {
            transaction: db::begin(ctx.db(), patience.beginning()).await?,
            ctx: ctx.clone(),
            now: ctx.now(),
            op_id: None,
            closing: Closing::default(),
            closed: None,
            places: Vec::new(),
            queued_jobs: false,
            at_once: Vec::new(),
            warm: Vec::new(),
            afterwards: Vec::new(),
        })
    }

    /// The connection that store functions take.
    pub fn conn(&mut self) -> &mut Conn {
        &mut self.transaction
    }

    /// The instant of this write: the same for every row it makes.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A new id at the instant of this write.
    pub fn new_id<I: Id>(&self) -> I {
        self.ctx.ids().new_id(self.now)
    }

    /// Makes secrets.
    pub fn ids(&self) -> &IdFactory {
        self.ctx.ids()
    }

    /// What this transaction reads, for views.
    pub fn reads(&mut self) -> Reads<'_> {
        Reads::Within(&mut self.transaction)
    }

    /// The context: for configuration and keys, never for a second connection.
    pub fn ctx(&self) -> &Ctx {
        &self.ctx
    }

    /// The idempotency key of the request, which comes back in what it creates.
    pub fn op_id(&self) -> Option<&str> {
        self.op_id.as_deref()
    }

    /// What follows is done for the request with this idempotency key, or for one without.
    pub fn set_op_id(&mut self, op_id: Option<&str>) {
        self.op_id = op_id.map(str::to_owned);
    }

    /// Queues a job that exists if and only if this transaction commits.
    pub async fn enqueue(&mut self, job: &NewJob) -> Result<()> {
        let id: JobId = self.new_id();
        jobs::enqueue(&mut self.transaction, id, job, self.now).await?;
        self.queued_jobs = true;
        Ok(())
    }

    /// Wakes the job runner after the commit: something became due.
    pub fn wake_jobs(&mut self) {
        self.queued_jobs = true;
    }

    /// Tells whoever listens that something happened, if and only if this transaction commits.
    pub fn emit<E: Event>(&mut self, event: &E) -> Result<()> {
        self.closing.events.push(Note::of(event)?);
        self.at_once.extend(self.ctx.at_once().note(event));
        Ok(())
    }

    /// Appends `line` to its stream with the transaction's last statement. `placed` gets its place
    /// after the commit, with the epoch of this database's streams.
    pub(in crate::platform) fn append(
        &mut self,
        line: Line,
        placed: impl FnOnce(&Ctx, &str, i64) + Send + 'static,
    ) {
        self.closing.lines.push(line);
        self.places.push(Box::new(placed));
    }

    /// Tells only those who listen at once, and leaves nothing in the outbox: for news that may be
    /// lost without harm.
    pub fn emit_at_once<E: Event>(&mut self, event: &E) {
        self.at_once.extend(self.ctx.at_once().note(event));
    }

    /// Has the next reader of `key` find it in the cache: after the commit, and after the voids that
    /// it left, the value is loaded before the answer is given. A load that fails or takes long costs
    /// that reader a load and the writer nothing.
    pub fn keep_warm<K: Key, V: Value>(&mut self, space: &'static Space<K, V>, key: K) {
        self.warm.push(Box::new(move |cache| {
            Box::pin(async move {
                if let Err(error) = cache.warm(space, std::slice::from_ref(&key)).await {
                    tracing::debug!(
                        ?error,
                        space = space.name,
                        "an entry could not be kept warm"
                    );
                }
            })
        }));
    }

    /// Has `work` done after the commit, and after the voids that it left are delivered. It must not
    /// wait for anything, and a process that dies does not do it.
    pub fn after_commit(&mut self, work: impl FnOnce(&Ctx) + Send + 'static) {
        self.afterwards.push(Box::new(work));
    }

    /// Undoes everything. A connection that cannot even do that is lost, and its transaction with it.
    async fn rollback(self) {
        if let Err(error) = self.transaction.rollback().await {
            tracing::warn!(%error, "a transaction could not be rolled back");
        }
    }

    /// Writes what this transaction leaves for others, as its last statement before the commit. Whatever
    /// it is to leave has to be said before.
    pub(super) async fn close(&mut self) -> Result<()> {
        if self.closed.is_none() {
            self.closed = Some(close(&mut self.transaction, &self.closing, self.now).await?);
        }
        Ok(())
    }

    /// Commits, and does what follows, in a task of its own.
    async fn commit(self) -> Result<()> {
        let Self {
            transaction,
            ctx,
            now: _,
            op_id: _,
            closing,
            closed,
            places,
            queued_jobs,
            at_once,
            warm,
            afterwards,
        } = self;
        let closed = closed.unwrap_or_default();
        let emitted = !closing.events.is_empty();
        let (wake_jobs, wake_outbox) = (ctx.wake_jobs().clone(), ctx.wake_outbox().clone());
        let cache = ctx.cache().clone();
        let tasks = ctx.tasks().clone();
        let done = tasks.spawn(meter::inherit(async move {
            transaction.commit().await?;
            let voiding = async {
                if let Some(void) = closed.void {
                    cache.deliver(void).await;
                }
            };
            tokio::join!(voiding, ctx.at_once().tell(&ctx, at_once));
            for (placed, place) in places.into_iter().zip(closed.places) {
                placed(&ctx, &closed.epoch, place);
            }
            for work in afterwards {
                work(&ctx);
            }
            let warming = join_all(warm.into_iter().map(|load| load(cache.clone())));
            tokio::time::timeout(WARM, warming)
                .await
                .map_or_else(|_late| tracing::debug!("what is kept warm is late"), drop);
            if queued_jobs {
                wake_jobs.notify_one();
            }
            if emitted {
                wake_outbox.notify_one();
            }
            Ok::<(), Error>(())
        }));
        done.await.map_err(Error::internal)??;
        Ok(())
    }
}

/// Runs `action` in a transaction and commits what it did. An error rolls everything back. After a
/// deadlock or a serialization failure the whole is run again, a few times, with a growing pause.
pub async fn transaction<T>(ctx: &Ctx, action: impl AsyncFn(&mut Tx) -> Result<T>) -> Result<T> {
    let mut attempt = 0;
    loop {
        let mut tx = Tx::begin(ctx, Patience::Usual).await?;
        let outcome = action(&mut tx).await;
        let outcome = end(tx, outcome).await;
        attempt += 1;
        match outcome {
            Err(error) if attempt <= RETRIES && may_retry(&error) => pause(ctx, attempt).await,
            outcome => return outcome,
        }
    }
}

/// The same for jobs and other tasks, which may go on in another thread than they began in: what an
/// asynchronous closure returns cannot be known to bear that, and a boxed future can.
pub async fn job_transaction<T: Send>(
    ctx: &Ctx,
    action: impl for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T>> + Send + Sync,
) -> Result<T> {
    boxed_transaction(ctx, Patience::Usual, action).await
}

/// The same with a patience of one's own.
pub(super) async fn boxed_transaction<T: Send>(
    ctx: &Ctx,
    patience: Patience,
    action: impl for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T>> + Send + Sync,
) -> Result<T> {
    let mut attempt = 0;
    loop {
        let mut tx = Tx::begin(ctx, patience).await?;
        let outcome = action(&mut tx).await;
        let outcome = end(tx, outcome).await;
        attempt += 1;
        match outcome {
            Err(error) if attempt <= RETRIES && may_retry(&error) => pause(ctx, attempt).await,
            outcome => return outcome,
        }
    }
}

async fn pause(ctx: &Ctx, attempt: u32) {
    let [jitter] = ctx.ids().bytes::<1>();
    let pause = u64::from(jitter % 16) + (1 << (2 * attempt));
    tokio::time::sleep(Duration::from_millis(pause)).await;
}

/// Commits what went well, and undoes the rest.
async fn end<T>(mut tx: Tx, outcome: Result<T>) -> Result<T> {
    let outcome = match outcome {
        Ok(value) => tx.close().await.map(|()| value),
        refused => refused,
    };
    match outcome {
        Ok(value) => {
            tx.commit().await?;
            Ok(value)
        }
        Err(error) => {
            // Rolled back before the answer, and not some time after it: a client that repeats at
            // once must find its idempotency key free.
            tx.rollback().await;
            Err(error)
        }
    }
}

fn may_retry(error: &Error) -> bool {
    error.code() == Code::Unavailable && is_retryable(error)
}
