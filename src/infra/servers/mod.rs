//! Private servers: the Postgres and the Redis that kith starts for itself, so that `kith serve`
//! needs nothing but their programs on the machine. They listen on the loopback device alone,
//! run under an account without rights when kith is root, and never touch a system's cluster.

mod account;
mod output;
mod place;
mod postgres;
mod process;
mod programs;
mod redis;
mod run_with;
mod running;
mod store;
mod sweep;
mod tenancy;

use std::path::Path;

pub use postgres::{PostgresOptions, PrivatePostgres};
pub use programs::{PostgresClient, find_postgres_client};
pub use redis::{PrivateRedis, RedisOptions};
pub use run_with::run_with;

/// Both private servers, side by side in one folder.
pub struct PrivateServers {
    /// The database.
    pub postgres: PrivatePostgres,
    /// The cache and wake-up bell.
    pub redis: PrivateRedis,
}

impl PrivateServers {
    /// Starts both, each in a folder of its own under `dir` (`.kith`, say). With `throwaway`
    /// they trade durability for speed, and their folders go when they stop.
    pub async fn start(dir: &Path, throwaway: bool) -> anyhow::Result<Self> {
        let postgres = PostgresOptions {
            throwaway,
            ..PostgresOptions::new(dir.join("postgres"))
        };
        let redis = RedisOptions {
            throwaway,
            ..RedisOptions::new(dir.join("redis"))
        };
        let (postgres, redis) =
            tokio::try_join!(PrivatePostgres::start(postgres), PrivateRedis::start(redis))?;
        Ok(Self { postgres, redis })
    }

    /// Stops both and waits until they have ended.
    pub async fn stop(self) -> anyhow::Result<()> {
        let (postgres, redis) = tokio::join!(self.postgres.stop(), self.redis.stop());
        postgres.and(redis)
    }
}
