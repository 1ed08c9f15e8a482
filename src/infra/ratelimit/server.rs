//! Redis, as far as the limiter needs it.

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, Pipeline, Value, cmd};

use super::script::{LUA_GIVE_BACK, LUA_LIMIT, LUA_TAKE};
use super::window::Slots;
use super::{Check, Figures, State};
use crate::infra::redis::{self as servers, Redis};

/// Where several processes count together.
pub trait Server: fmt::Debug + Send + Sync {
    /// The key of this name among those of kith.
    fn key(&self, rest: &str) -> String;

    /// Sends commands and gives their replies; nothing if there is no answer in time.
    fn send(&self, commands: Pipeline) -> BoxFuture<'_, Option<Value>>;
}

impl Server for Redis {
    fn key(&self, rest: &str) -> String {
        Redis::key(self, rest)
    }

    fn send(&self, commands: Pipeline) -> BoxFuture<'_, Option<Value>> {
        // The handle itself has logged why there is no answer.
        Box::pin(async move { self.query(&commands).await.ok() })
    }
}

/// One connection, without anybody who would open it again: for commands and tests.
#[derive(Clone)]
pub struct Connection {
    namespace: String,
    conn: MultiplexedConnection,
}

/// How long a command waits for a server.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long connecting may take, with the question to Sentinels where the primary is.
const CONNECT: Duration = Duration::from_secs(5);

impl Connection {
    /// Connects to the server at `url`, or to the primary that its Sentinels name. Every key begins with
    /// `namespace` and a colon.
    pub async fn open(url: &str, namespace: impl Into<String>) -> anyhow::Result<Self> {
        let server = servers::Server::parse(url)?;
        Ok(Self {
            namespace: namespace.into(),
            conn: tokio::time::timeout(CONNECT, server.connect()).await??,
        })
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

impl Server for Connection {
    fn key(&self, rest: &str) -> String {
        format!("{}:{rest}", self.namespace)
    }

    fn send(&self, commands: Pipeline) -> BoxFuture<'_, Option<Value>> {
        let mut conn = self.conn.clone();
        Box::pin(async move {
            let answer = commands.query_async(&mut conn);
            tokio::time::timeout(PATIENCE, answer).await.ok()?.ok()
        })
    }
}

/// Where a check is counted.
pub(super) fn key(server: &dyn Server, check: &Check) -> String {
    server.key(&format!("limit:{}", check.place()))
}

/// The arguments of [`LUA_LIMIT`] for these keys.
pub(super) fn arguments(asked: &[(Check, Figures)]) -> Vec<u64> {
    let pair = |(_, figures): &(Check, Figures)| [u64::from(figures.quota), figures.window_ms()];
    asked.iter().flat_map(pair).collect()
}

/// What [`LUA_LIMIT`] answered, a state a key.
pub(super) fn states(reply: Vec<(i64, i64, i64, i64)>) -> Vec<State> {
    let state = |(allowed, remaining, reset_ms, slot)| State {
        allowed: allowed == 1,
        remaining: u32::try_from(remaining).unwrap_or_default(),
        reset_ms: u64::try_from(reset_ms).unwrap_or_default(),
        slot: u64::try_from(slot).unwrap_or_default(),
    };
    reply.into_iter().map(state).collect()
}

/// Charges all or none.
pub(super) async fn take(server: &dyn Server, asked: &[(Check, Figures)]) -> Option<Vec<State>> {
    let mut eval = cmd("EVAL");
    eval.arg(format!("{LUA_LIMIT}{LUA_TAKE}")).arg(asked.len());
    for (check, _) in asked {
        eval.arg(key(server, check));
    }
    eval.arg(arguments(asked));
    let (reply,) = read(server, eval).await?;
    Some(states(reply)).filter(|states| states.len() == asked.len())
}

/// Takes back one call of each.
pub(super) async fn give_back(server: &dyn Server, charged: &[(&Check, u64)]) -> Option<()> {
    let mut eval = cmd("EVAL");
    eval.arg(LUA_GIVE_BACK).arg(charged.len());
    for (check, _) in charged {
        eval.arg(key(server, check));
    }
    for (_, slot) in charged {
        eval.arg(slot);
    }
    let (_,): (i64,) = read(server, eval).await?;
    Some(())
}

/// Forgets all calls.
pub(super) async fn forget(server: &dyn Server, check: &Check) -> Option<()> {
    let mut del = cmd("DEL");
    del.arg(key(server, check));
    let (_,): (i64,) = read(server, del).await?;
    Some(())
}

/// The calls, and the server's time in microseconds.
pub(super) async fn look(server: &dyn Server, check: &Check) -> Option<(Slots, u64)> {
    let mut commands = redis::pipe();
    commands.cmd("TIME").cmd("HGETALL").arg(key(server, check));
    let reply = server.send(commands).await?;
    let ((seconds, micros), slots): ((u64, u64), Vec<(u64, u32)>) =
        FromRedisValue::from_redis_value(reply).ok()?;
    Some((Slots::of(slots), seconds * 1_000_000 + micros))
}

async fn read<T: FromRedisValue>(server: &dyn Server, command: redis::Cmd) -> Option<T> {
    let mut commands = redis::pipe();
    commands.add_command(command);
    let reply = server.send(commands).await?;
    T::from_redis_value(reply).ok()
}
