//! What Redis knows, asked beside the servers that use it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use futures_util::StreamExt as _;
use redis::aio::MultiplexedConnection;
use redis::{Client, Pipeline, cmd};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// People who are asked about together.
const AT_ONCE: usize = 500;

/// A connection of this program's own.
pub struct Peek {
    client: Client,
    conn: MultiplexedConnection,
    /// What the names of the servers begin with.
    namespace: String,
}

impl Peek {
    /// Connects.
    pub async fn open(url: &str, namespace: &str) -> anyhow::Result<Self> {
        let client = Client::open(url)?;
        Ok(Self {
            conn: client.get_multiplexed_async_connection().await?,
            client,
            namespace: namespace.to_owned(),
        })
    }

    /// How often a command was run since Redis began.
    pub async fn calls(&mut self, command: &str) -> anyhow::Result<usize> {
        let begin = format!("cmdstat_{command}:calls=");
        self.info("commandstats", &begin).await
    }

    /// Channels that anybody is subscribed to.
    pub async fn channels(&mut self) -> anyhow::Result<usize> {
        self.info("stats", "pubsub_channels:").await
    }

    async fn info(&mut self, section: &str, begin: &str) -> anyhow::Result<usize> {
        let mut asked = cmd("INFO");
        asked.arg(section);
        let told: String = asked.query_async(&mut self.conn).await?;
        let figure = told.lines().find_map(|line| line.strip_prefix(begin));
        let figure = figure.unwrap_or("0");
        let digits = figure.split(|other: char| !other.is_ascii_digit()).next();
        Ok(digits.unwrap_or_default().parse()?)
    }

    /// How many leases of each of these people count.
    pub async fn leases(&mut self, people: &[Uuid]) -> anyhow::Result<Vec<usize>> {
        let ((seconds, micros),): ((u64, u64),) = {
            let mut time = Pipeline::new();
            time.cmd("TIME");
            time.query_async(&mut self.conn).await?
        };
        let now = format!("({}", seconds * 1_000 + micros / 1_000);
        let mut counts = Vec::with_capacity(people.len());
        for some in people.chunks(AT_ONCE) {
            let mut asked = Pipeline::new();
            for person in some {
                let key = format!("{}:live:leases:{person}", self.namespace);
                asked.cmd("ZCOUNT").arg(key).arg(&now).arg("+inf");
            }
            let told: Vec<usize> = asked.query_async(&mut self.conn).await?;
            counts.extend(told);
        }
        Ok(counts)
    }

    /// Counts what servers tell each other about a channel, until the task is aborted.
    pub async fn overhear(
        &self,
        channel: &str,
    ) -> anyhow::Result<(Arc<AtomicUsize>, JoinHandle<()>)> {
        let mut hearing = self.client.get_async_pubsub().await?;
        let name = format!("{}:live:{channel}", self.namespace);
        hearing.subscribe(name).await.context("a channel")?;
        let count = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&count);
        let task = tokio::spawn(async move {
            let mut heard = hearing.into_on_message();
            while heard.next().await.is_some() {
                counting.fetch_add(1, Ordering::Relaxed);
            }
        });
        Ok((count, task))
    }
}
