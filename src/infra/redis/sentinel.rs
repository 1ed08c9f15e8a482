//! A primary that Sentinels watch: after a failover another server is the primary.
//!
//! Nothing follows the Sentinels' messages. A failover ends the connections to the old primary, and
//! the next connection asks anew where the primary is.

use std::time::Duration;

use anyhow::Context as _;
use redis::sentinel::{Sentinel, SentinelNodeConnectionInfo};
use redis::{Client, ConnectionInfo, ErrorKind, IntoConnectionInfo};

use super::server::tcp;

/// What a URL of Sentinels begins with.
const SCHEME: &str = "redis+sentinel://";
/// Where Sentinels listen unless the URL says otherwise.
const PORT: u16 = 26_379;
/// How long all of them may take to name a primary that says that it is one.
const PATIENCE: Duration = Duration::from_secs(3);

/// `redis+sentinel://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]...]/NAME[/DATABASE]`. User and password
/// are those of the primary.
#[derive(Clone)]
pub(super) struct Sentinels {
    nodes: Vec<ConnectionInfo>,
    name: String,
    primary: SentinelNodeConnectionInfo,
}

impl Sentinels {
    /// Reads the URL; one of another scheme is none.
    pub(super) fn parse(url: &str) -> anyhow::Result<Option<Self>> {
        let Some(rest) = url.strip_prefix(SCHEME) else {
            return Ok(None);
        };
        let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = place.rsplit_once('@').unwrap_or(("", place));
        let (name, database) = path.split_once('/').unwrap_or((path, ""));
        anyhow::ensure!(
            !name.is_empty(),
            "it names no primary: write {SCHEME}HOST:{PORT}/NAME"
        );
        let mut nodes = Vec::new();
        for host in hosts.split(',') {
            let node = if host.contains(':') {
                format!("redis://{host}")
            } else {
                format!("redis://{host}:{PORT}")
            };
            let node = node.into_connection_info();
            nodes.push(node.with_context(|| format!("{host:?} is not a host"))?);
        }
        // The crate reads user, password and database, percent-encoding and all.
        let settings = format!("redis://{user}@primary/{database}")
            .into_connection_info()
            .context("user, password or database can't be read")?;
        let primary = SentinelNodeConnectionInfo::default()
            .set_redis_connection_info(settings.redis_settings().clone())
            .set_tcp_settings(tcp());
        Ok(Some(Self {
            nodes,
            name: name.to_owned(),
            primary,
        }))
    }

    /// Asks one after the other where the primary is, and that one whether it is.
    pub(super) async fn find(&self) -> redis::RedisResult<Client> {
        let mut sentinels = Sentinel::build(self.nodes.clone())?;
        let finding = sentinels.async_master_for(&self.name, Some(&self.primary));
        let late = (ErrorKind::Io, "the Sentinels name no primary in time");
        tokio::time::timeout(PATIENCE, finding)
            .await
            .unwrap_or_else(|_late| Err(late.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_sentinels_and_a_primary() {
        let url = "redis+sentinel://me:a%40b@one,two:5000/main/3";
        let named = Sentinels::parse(url).unwrap().unwrap();
        let addresses: Vec<String> = named
            .nodes
            .iter()
            .map(|node| node.addr().to_string())
            .collect();
        assert_eq!(addresses, ["one:26379", "two:5000"]);
        assert_eq!(named.name, "main");
        let plain = Sentinels::parse("redis+sentinel://one/main").unwrap();
        assert_eq!(plain.unwrap().nodes.len(), 1);
        assert!(Sentinels::parse("redis://one").unwrap().is_none());
        for wrong in ["one:26379", "one/", "/main", "one/main/x", "one:x/main"] {
            let read = Sentinels::parse(&format!("{SCHEME}{wrong}"));
            assert!(read.is_err(), "{wrong}");
        }
    }
}
