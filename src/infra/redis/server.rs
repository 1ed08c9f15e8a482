//! Where the server is, and how a connection to it is opened.

use std::time::Duration;

use redis::aio::{MultiplexedConnection, PubSub};
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo};
use socket2::TcpKeepalive;

use super::info::field;
use super::sentinel::Sentinels;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(1);
/// A connection that was silent for so long is asked by the kernel whether the other end is there.
const IDLE: Duration = Duration::from_secs(15);
/// What was sent and is not even acknowledged after this time was sent into nothing.
const UNANSWERED: Duration = Duration::from_secs(5);

/// A server by its URL: `redis://`, `rediss://`, `redis+unix://`, or `redis+sentinel://` for the
/// primary that Sentinels name at the time.
#[derive(Clone)]
pub struct Server(Place);

#[derive(Clone)]
enum Place {
    Fixed(ConnectionInfo),
    Named(Sentinels),
}

impl Server {
    /// Reads the URL. The address is not asked yet.
    pub fn parse(url: &str) -> anyhow::Result<Self> {
        if let Some(named) = Sentinels::parse(url)? {
            return Ok(Self(Place::Named(named)));
        }
        let info = url.into_connection_info()?.set_tcp_settings(tcp());
        Ok(Self(Place::Fixed(info)))
    }

    /// Opens a connection for commands. Deadlines are the caller's.
    pub async fn connect(&self) -> redis::RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(None);
        let client = self.client().await?;
        client
            .get_multiplexed_async_connection_with_config(&config)
            .await
    }

    /// Opens a connection that hears what is published. The caller sees to its deadline.
    pub async fn connect_to_hear(&self) -> redis::RedisResult<PubSub> {
        self.client().await?.get_async_pubsub().await
    }

    async fn client(&self) -> redis::RedisResult<Client> {
        match &self.0 {
            Place::Fixed(info) => Client::open(info.clone()),
            Place::Named(sentinels) => sentinels.find().await,
        }
    }
}

/// Small commands one after another wait for nothing.
pub(super) fn tcp() -> TcpSettings {
    // A connection that is cut without a word is found out by the kernel, idle or not.
    let keepalive = TcpKeepalive::new()
        .with_time(IDLE)
        .with_interval(IDLE / 3)
        .with_retries(3);
    let tcp = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(keepalive);
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(UNANSWERED);
    tcp
}

/// Names the run of the server at the other end: another start has another name.
pub(super) async fn run_id(conn: &mut MultiplexedConnection) -> redis::RedisResult<String> {
    let info: String = redis::cmd("INFO").arg("server").query_async(conn).await?;
    Ok(field(&info, "run_id").to_owned())
}
