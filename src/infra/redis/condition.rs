//! Whether a server is fit to be worked with, by its settings and its distance: what `kith doctor` asks it
//! beforehand.

use std::time::{Duration, Instant};

use redis::RedisResult;
use redis::aio::MultiplexedConnection;

use super::info::field;

/// Questions of which the middle one is the usual round trip.
const QUESTIONS: usize = 15;

/// A server's settings and manners, as far as they matter here.
#[derive(Debug, Clone)]
pub struct Condition {
    /// Its version.
    pub version: String,
    /// The most memory that it takes, in bytes; 0 is without end.
    pub maxmemory: u64,
    /// What it does when that is full.
    pub policy: String,
    /// Whether it writes to the disk; `None` if it does not say.
    pub persists: Option<bool>,
    /// Whether it takes writes: a replica does not.
    pub is_primary: bool,
    /// A round trip as it usually is.
    pub round_trip: Duration,
}

impl Condition {
    /// The first number of the version.
    pub fn major(&self) -> Option<u32> {
        self.version.split('.').next()?.parse().ok()
    }

    /// Asks the server.
    pub async fn ask(conn: &mut MultiplexedConnection) -> RedisResult<Self> {
        let info: String = redis::cmd("INFO").query_async(conn).await?;
        let of = |name: &str| field(&info, name).to_owned();
        // Hosted servers keep their settings to themselves.
        let snapshots: RedisResult<(String, String)> = redis::cmd("CONFIG")
            .arg("GET")
            .arg("save")
            .query_async(conn)
            .await;
        let logs = of("aof_enabled") == "1";
        let snapshots = snapshots.ok().map(|(_, save)| !save.is_empty());
        Ok(Self {
            version: of("redis_version"),
            maxmemory: of("maxmemory").parse().unwrap_or_default(),
            policy: of("maxmemory_policy"),
            persists: if logs { Some(true) } else { snapshots },
            is_primary: of("role") == "master",
            round_trip: round_trip(conn).await?,
        })
    }
}

async fn round_trip(conn: &mut MultiplexedConnection) -> RedisResult<Duration> {
    let mut took = Vec::with_capacity(QUESTIONS);
    for _ in 0..QUESTIONS {
        let began = Instant::now();
        let _pong: String = redis::cmd("PING").query_async(conn).await?;
        took.push(began.elapsed());
    }
    took.sort_unstable();
    Ok(took.get(QUESTIONS / 2).copied().unwrap_or_default())
}
