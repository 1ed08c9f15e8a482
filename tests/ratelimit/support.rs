//! A Redis for tests: the one of `REDIS_URL`, else a private one; and servers that are not there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use kith::infra::ratelimit::{Check, Connection, Figures, Keyed, Limiter, Local, Policy, Server};
use kith::infra::servers::{PrivateRedis, RedisOptions};
use kith::kernel::IdFactory;
use kith::kernel::clock::SystemClock;
use redis::aio::MultiplexedConnection;
use redis::{Pipeline, Value};

/// Two calls a second.
pub const FIGURES: Figures = Figures {
    quota: 2,
    window: Duration::from_secs(1),
};

/// May be forgotten to make room.
pub const LOOSE: Policy = Policy {
    name: "loose",
    figures: FIGURES,
    keyed: Keyed::Caller,
    strict: false,
};

/// May not.
pub const STRICT: Policy = Policy {
    name: "strict",
    strict: true,
    ..LOOSE
};

/// A server with a namespace of its own.
pub struct TestRedis {
    pub url: String,
    pub namespace: String,
    _private: Option<(PrivateRedis, tempfile::TempDir)>,
}

impl TestRedis {
    pub async fn start() -> Self {
        let own = IdFactory::from_os().bytes::<8>();
        let namespace = format!("kith-test:{}", u64::from_le_bytes(own));
        if let Some(url) = std::env::var("REDIS_URL")
            .ok()
            .filter(|url| !url.is_empty())
        {
            return Self {
                url,
                namespace,
                _private: None,
            };
        }
        let dir = tempfile::tempdir().expect("a folder");
        let redis = PrivateRedis::start(RedisOptions::new(dir.path().join("redis")))
            .await
            .expect("a Redis");
        Self {
            url: redis.url(),
            namespace,
            _private: Some((redis, dir)),
        }
    }

    pub async fn conn(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.url.as_str()).expect("a URL");
        let conn = client.get_multiplexed_async_connection().await;
        conn.expect("Redis answers")
    }

    /// Like an instance of kith that uses this Redis.
    pub async fn limiter(&self) -> (Limiter, Arc<Switch>) {
        let connection = Connection::open(&self.url, &self.namespace).await;
        let switch = Arc::new(Switch {
            connection: connection.expect("Redis answers"),
            away: AtomicBool::new(false),
        });
        let policies = [&LOOSE, &STRICT].map(|policy| (policy, policy.figures));
        let server: Arc<dyn Server> = switch.clone();
        let limiter = Limiter::new(true, policies, Arc::new(SystemClock), Some(server));
        (limiter, switch)
    }
}

/// A server that can be taken away.
#[derive(Debug)]
pub struct Switch {
    connection: Connection,
    away: AtomicBool,
}

impl Switch {
    pub fn take_away(&self) {
        self.away.store(true, Ordering::SeqCst);
    }
}

impl Server for Switch {
    fn key(&self, rest: &str) -> String {
        self.connection.key(rest)
    }

    fn send(&self, commands: Pipeline) -> BoxFuture<'_, Option<Value>> {
        if self.away.load(Ordering::SeqCst) {
            return Box::pin(async { None });
        }
        self.connection.send(commands)
    }
}

pub fn check(policy: &'static Policy, key: &str) -> Check {
    Check {
        policy,
        key: key.to_owned(),
    }
}

/// A limiter of one process, for times that a test chooses.
pub fn local() -> Local {
    Local::default()
}
