//! Where the server is, and how a connection to it is opened.

use std::time::Duration;

use redis::aio::{MultiplexedConnection, PubSub};
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo};

use super::info::field;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(1);

/// A server by its URL: `redis://`, `rediss://` or `redis+unix://`.
#[derive(Clone)]
pub struct Server {
    info: ConnectionInfo,
}

impl Server {
    /// Reads the URL. The address is not asked yet.
    pub fn parse(url: &str) -> anyhow::Result<Self> {
        let info = url.into_connection_info()?;
        // Small commands one after another wait for nothing.
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        Ok(Self { info })
    }

    /// Opens a connection for commands. Deadlines are the caller's.
    pub async fn connect(&self) -> redis::RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(None);
        let client = Client::open(self.info.clone())?;
        client
            .get_multiplexed_async_connection_with_config(&config)
            .await
    }

    /// Opens a connection that hears what is published. The caller sees to its deadline.
    pub async fn connect_to_hear(&self) -> redis::RedisResult<PubSub> {
        Client::open(self.info.clone())?.get_async_pubsub().await
    }
}

/// Names the run of the server at the other end: another start has another name.
pub(super) async fn run_id(conn: &mut MultiplexedConnection) -> redis::RedisResult<String> {
    let info: String = redis::cmd("INFO").arg("server").query_async(conn).await?;
    Ok(field(&info, "run_id").to_owned())
}
