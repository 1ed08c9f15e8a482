//! Keeps the connection: opens it, makes it ready, hands it out, takes it away, begins again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use redis::aio::MultiplexedConnection;
use tokio_util::sync::CancellationToken;

use super::server::run_id;
use super::{Away, PATIENT, Redis, Script, Server};

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(100);
/// Between two looks at an idle connection.
const LOOK: Duration = Duration::from_secs(1);
/// How long making ready may take.
const READY: Duration = Duration::from_secs(10);

/// Whoever must act when a connection comes or goes.
pub trait Attached: Send + Sync {
    /// A connection is open and nobody has it yet. `run_id` names this run of the server: another
    /// one means that what it held may be gone, or old. An error closes the connection again.
    fn attach<'a>(
        &'a self,
        conn: &'a mut MultiplexedConnection,
        run_id: &'a str,
    ) -> BoxFuture<'a, anyhow::Result<()>>;

    /// Others have the connection from now on.
    fn handed_out(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// The connection is gone.
    fn detach(&self);
}

/// Runs beside the server until it is stopped.
pub struct Supervisor {
    /// Who gets the connection.
    pub redis: Redis,
    /// Where the server is.
    pub server: Server,
    /// What is loaded into it.
    pub scripts: Vec<&'static Script>,
    /// Who acts when it comes or goes.
    pub attached: Arc<dyn Attached>,
}

impl Supervisor {
    /// Keeps the connection until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut said = false;
        self.redis.hang_up();
        loop {
            let attempt = tokio::select! {
                () = stop.cancelled() => break,
                attempt = self.connect() => attempt,
            };
            match attempt {
                Ok((conn, run_id)) => {
                    tracing::info!("connected to Redis");
                    said = false;
                    self.redis.hand_out(conn, &self.server, run_id);
                    self.attached.handed_out().await;
                    let stopped = self.watch(&stop).await;
                    self.redis.hang_up();
                    self.attached.detach();
                    if stopped {
                        break;
                    }
                }
                Err(error) => {
                    let is_pending = is_of_another(&error);
                    if !said || self.redis.is_pending() != is_pending {
                        tell(&error, is_pending);
                    }
                    said = true;
                    self.redis.set_pending(is_pending);
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        self.redis.hang_up();
    }

    /// Connects once and hands the connection out, for a tool that ends soon: nobody watches it.
    pub async fn connect_once(&self) -> anyhow::Result<()> {
        let (conn, run_id) = self.connect().await?;
        self.redis.hand_out(conn, &self.server, run_id);
        self.attached.handed_out().await;
        Ok(())
    }

    /// A connection that is ready, and the run of the server that it leads to.
    async fn connect(&self) -> anyhow::Result<(MultiplexedConnection, String)> {
        let mut conn = self.server.connect().await?;
        let run_id = tokio::time::timeout(READY, self.make_ready(&mut conn)).await??;
        Ok((conn, run_id))
    }

    async fn make_ready(&self, conn: &mut MultiplexedConnection) -> anyhow::Result<String> {
        let run_id = run_id(conn).await?;
        for script in &self.scripts {
            script.load_async(conn).await?;
        }
        self.attached.attach(conn, &run_id).await?;
        Ok(run_id)
    }

    /// Waits until the connection is lost, asking it from time to time; says whether it was told to
    /// stop.
    async fn watch(&self, stop: &CancellationToken) -> bool {
        let mut ping = redis::pipe();
        ping.cmd("PING");
        loop {
            tokio::select! {
                () = stop.cancelled() => return true,
                () = self.redis.lost() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
            if !self.redis.is_up() {
                return false;
            }
            let answer: Result<(String,), Away> = self.redis.query_within(&ping, PATIENT).await;
            if answer.is_err() {
                return false;
            }
        }
    }
}

/// Whether the server did all that was asked of it, and another kept the connection from being made ready.
pub(super) fn is_of_another(error: &anyhow::Error) -> bool {
    !error.is::<redis::RedisError>() && !error.is::<tokio::time::error::Elapsed>()
}

fn tell(error: &anyhow::Error, is_pending: bool) {
    if is_pending {
        tracing::warn!(%error, "Redis answers, and is used as soon as Postgres does");
    } else {
        tracing::warn!(%error, "going on without Redis");
    }
}
