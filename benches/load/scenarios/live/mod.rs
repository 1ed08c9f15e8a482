//! What is told live: whether all of it comes, how soon, and what it costs.

mod crowd;
mod fan_out;
mod idle;
mod latency;
mod peer;
mod reader;
mod replay;
mod seats;
mod socketio;
mod stalled;

use clap::Subcommand;

use crate::args::Common;
use crate::report::Report;

/// The scenarios of what is told live.
#[derive(Debug, Subcommand)]
pub enum Live {
    /// Real messages at full speed, everybody listening, through cut lines and a restart of Redis
    LiveReplay(replay::Options),
    /// From a committed message to those who listen, at --rate messages a second
    LiveLatency(latency::Options),
    /// One event to thousands of sockets
    LiveFanOut(fan_out::Options),
    /// The memory of idle sockets
    LiveIdle(idle::Options),
    /// Readers that stop reading, and what the others notice of it
    LiveStalled(stalled::Options),
    /// Deliveries for each second of CPU beside a Socket.IO server
    LivePeer(peer::Options),
}

impl Live {
    /// Measures it.
    pub async fn run(self, common: &Common) -> anyhow::Result<Report> {
        match self {
            Self::LiveReplay(options) => replay::run(common, &options).await,
            Self::LiveLatency(options) => latency::run(common, &options).await,
            Self::LiveFanOut(options) => fan_out::run(common, &options).await,
            Self::LiveIdle(options) => idle::run(common, &options).await,
            Self::LiveStalled(options) => stalled::run(common, &options).await,
            Self::LivePeer(options) => peer::run(common, &options).await,
        }
    }
}
