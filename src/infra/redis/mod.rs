//! Redis: one multiplexed connection under a supervisor of our own.
//!
//! A command that finds no connection fails at once, and one that gets no answer in time fails then:
//! whoever asks has a way without Redis. The [`Supervisor`] makes the connection ready (scripts
//! loaded, whoever depends on it told) before anybody gets it, and takes it away when the server
//! closes it or answers nothing in time for a while; that is the circuit breaker. While it is away
//! nobody waits. A thread that serves requests has a connection of its own beside that one (`own`),
//! and loses it with that one.

mod condition;
mod info;
mod lateness;
mod own;
mod sentinel;
mod server;
mod supervisor;
mod usage;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, Pipeline};
use tokio::sync::Notify;

use crate::infra::metrics::Breaker;
use crate::infra::{meter, metrics};

use self::lateness::Lateness;

pub use condition::Condition;
pub use server::Server;
pub use supervisor::{Attached, Supervisor};
pub use usage::Usage;

/// A Lua script, known to the server by its hash.
pub type Script = std::sync::LazyLock<redis::Script>;

/// How long a command of a request may take.
pub const DEADLINE: Duration = Duration::from_millis(50);
/// How long a command may take that no request waits for.
pub const PATIENT: Duration = Duration::from_millis(500);
/// How often an answer is looked for that is late: what is in the socket is read in the first turn.
const LOOKS: usize = 3;

/// Why a command has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Away {
    /// There is no connection, or the breaker is open.
    #[error("Redis is not connected")]
    Down,
    /// No answer in time.
    #[error("Redis did not answer in time")]
    Late,
    /// The server refused the command, or said what nobody understands.
    #[error("Redis refused a command: {0}")]
    Refused(String),
}

/// A handle to Redis, cheap to clone. It knows whether the server is there.
#[derive(Clone)]
pub struct Redis(Arc<Shared>);

struct Shared {
    namespace: String,
    link: ArcSwapOption<Link>,
    late: Lateness,
    lost: Notify,
    links: AtomicU64,
    /// Whether a server is set up at all.
    supervised: AtomicBool,
    /// Whether the server answers and something else keeps it from being used.
    pending: AtomicBool,
}

struct Link {
    conn: MultiplexedConnection,
    number: u64,
    server: Server,
    /// Names the run of the server that the connection was made ready for.
    run_id: String,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("namespace", &self.0.namespace)
            .field("up", &self.is_up())
            .finish()
    }
}

impl Redis {
    /// A handle without a server yet. Every key begins with `namespace` and a colon.
    pub fn new(namespace: impl Into<String>) -> Self {
        Self(Arc::new(Shared {
            namespace: namespace.into(),
            link: ArcSwapOption::empty(),
            late: Lateness::default(),
            lost: Notify::new(),
            links: AtomicU64::new(0),
            supervised: AtomicBool::new(false),
            pending: AtomicBool::new(false),
        }))
    }

    /// What every key begins with.
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// A key under the namespace.
    pub fn key(&self, rest: impl fmt::Display) -> String {
        format!("{}:{rest}", self.0.namespace)
    }

    /// Whether there is a connection that answers.
    pub fn is_up(&self) -> bool {
        self.0.link.load().is_some()
    }

    /// Names the run of the server that there is a connection to: another one may have forgotten anything.
    pub fn run_id(&self) -> Option<String> {
        let link = self.0.link.load();
        link.as_ref().map(|link| link.run_id.clone())
    }

    /// Whether the server answers and is not used yet: what makes it ready waits for Postgres.
    pub fn is_pending(&self) -> bool {
        !self.is_up() && self.0.pending.load(Ordering::Relaxed)
    }

    /// Sends a pipeline and reads its replies; a request waits for it, [`DEADLINE`] at most.
    pub async fn query<T: FromRedisValue>(&self, pipe: &Pipeline) -> Result<T, Away> {
        self.query_within(pipe, DEADLINE).await
    }

    /// The same with another deadline.
    pub async fn query_within<T: FromRedisValue>(
        &self,
        pipe: &Pipeline,
        deadline: Duration,
    ) -> Result<T, Away> {
        let Some(link) = self.0.link.load_full() else {
            self.note_refusal();
            return Err(Away::Down);
        };
        let started = Instant::now();
        let (mut conn, is_own) = own::connection(&link);
        let mut asked = std::pin::pin!(pipe.query_async(&mut conn));
        let answer = match tokio::time::timeout(deadline, asked.as_mut()).await {
            Ok(answer) => Some(answer),
            Err(_late) => in_hand(asked).await,
        };
        let took = started.elapsed();
        meter::redis(took);
        metrics::redis().round_trips.record(took);
        match answer {
            Some(Ok(value)) => {
                self.0.late.end();
                Ok(value)
            }
            Some(Err(error)) if is_own && is_lost(&error) => {
                tracing::info!(%error, "a connection of a thread's own to Redis is lost");
                own::leave(&link);
                Err(Away::Down)
            }
            Some(Err(error)) => Err(self.judge(&error, link.number)),
            None => {
                metrics::redis().late.increment(1);
                if self.0.late.note(started, Instant::now()) {
                    tracing::warn!("Redis answers too late: going on without it");
                    self.drop_link(link.number);
                }
                Err(Away::Late)
            }
        }
    }

    /// A closed connection and a server that is not ours to write to are as good as none; after
    /// that the supervisor makes everything ready again.
    fn judge(&self, error: &redis::RedisError, number: u64) -> Away {
        use redis::{ErrorKind, ServerErrorKind};
        let unusable = is_lost(error)
            || matches!(
                error.kind(),
                ErrorKind::Server(
                    ServerErrorKind::NoScript
                        | ServerErrorKind::ReadOnly
                        | ServerErrorKind::BusyLoading
                        | ServerErrorKind::MasterDown
                )
            );
        if unusable {
            tracing::warn!(%error, "the connection to Redis is lost");
            metrics::redis().away.increment(1);
            self.drop_link(number);
            return Away::Down;
        }
        metrics::redis().errors.increment(1);
        tracing::warn!(%error, "Redis refused a command");
        Away::Refused(error.to_string())
    }

    fn hand_out(&self, conn: MultiplexedConnection, server: &Server, run_id: String) {
        let number = self.0.links.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.late.end();
        self.0.link.store(Some(Arc::new(Link {
            conn,
            number,
            server: server.clone(),
            run_id,
        })));
        self.0.pending.store(false, Ordering::Relaxed);
        metrics::redis().set_breaker(Breaker::Closed);
    }

    /// Takes the connection away, unless it was replaced meanwhile.
    fn drop_link(&self, number: u64) {
        let current = self.0.link.load();
        let is_current = current.as_ref().is_some_and(|link| link.number == number);
        if is_current {
            self.0.link.compare_and_swap(&current, None);
            metrics::redis().set_breaker(Breaker::Open);
            self.0.lost.notify_one();
        }
    }

    /// Gives the connection up; the supervisor opens another and makes everything ready anew.
    pub fn reconnect(&self) {
        if let Some(link) = self.0.link.load_full() {
            self.drop_link(link.number);
        }
    }

    /// Nobody gets a connection until another is handed out.
    fn hang_up(&self) {
        self.0.supervised.store(true, Ordering::Relaxed);
        self.0.link.store(None);
        self.set_pending(false);
    }

    /// Tells whether it is the server that keeps a connection from being handed out, or something else.
    fn set_pending(&self, is_pending: bool) {
        self.0.pending.store(is_pending, Ordering::Relaxed);
        metrics::redis().set_breaker(if is_pending {
            Breaker::Pending
        } else {
            Breaker::Open
        });
    }

    fn note_refusal(&self) {
        if self.0.supervised.load(Ordering::Relaxed) {
            metrics::redis().refused.increment(1);
        }
    }

    async fn lost(&self) {
        self.0.lost.notified().await;
    }
}

/// Why a connection cannot be had, in words: a server that refuses who asks was reached.
pub fn away(error: anyhow::Error) -> anyhow::Error {
    if supervisor::is_of_another(&error) {
        return error;
    }
    let refusal = error.downcast_ref::<redis::RedisError>();
    let is_answer = refusal.is_some_and(|error| {
        error.code().is_some() || error.kind() == redis::ErrorKind::AuthenticationFailed
    });
    error.context(if is_answer {
        "Redis answers and lets nobody in by these settings (REDIS_URL)"
    } else {
        "Redis can't be reached (REDIS_URL)"
    })
}

/// Whether the connection is.
fn is_lost(error: &redis::RedisError) -> bool {
    error.is_io_error() || error.is_connection_dropped()
}

/// The answer, if it has come by now. A process that had to wait for a core finds its patience at an
/// end and the answer in its socket at once; if that counted as late, a busy machine would lose its
/// cache, and be busier. So whoever reads the socket has a turn before.
async fn in_hand<F: Future>(mut asked: Pin<&mut F>) -> Option<F::Output> {
    for _ in 0..LOOKS {
        tokio::task::yield_now().await;
        if let Poll::Ready(answer) = futures_util::poll!(asked.as_mut()) {
            return Some(answer);
        }
    }
    None
}
