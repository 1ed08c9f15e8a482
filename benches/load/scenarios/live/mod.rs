//! What is told live: whether all of it comes, how soon, and what it costs.

mod crowd;
mod fan_out;
mod flap;
mod idle;
mod killed;
mod latency;
mod peer;
mod reader;
mod replay;
mod rooms;
mod seats;
mod socketio;
mod stalled;
mod storm;
mod watch;

use clap::Subcommand;

use crate::args::Common;
use crate::report::Report;

/// The scenarios of what is told live.
#[derive(Debug, Subcommand)]
pub enum Live {
    /// Real messages at full speed, everybody listening, through cut lines and a restart of Redis
    #[command(name = "live-replay")]
    Replay(replay::Options),
    /// From a committed message to those who listen, at --rate messages a second
    #[command(name = "live-latency")]
    Latency(latency::Options),
    /// One event to thousands of sockets
    #[command(name = "live-fan-out")]
    FanOut(fan_out::Options),
    /// The memory of idle sockets
    #[command(name = "live-idle")]
    Idle(idle::Options),
    /// Readers that stop reading, and what the others notice of it
    #[command(name = "live-stalled")]
    Stalled(stalled::Options),
    /// Deliveries for each second of CPU beside a Socket.IO server
    #[command(name = "live-peer")]
    Peer(peer::Options),
    /// A server that is stopped, and everybody whom it sends away coming to another
    #[command(name = "live-storm")]
    Storm(storm::Options),
    /// A server that is killed, and how soon its people count as gone
    #[command(name = "live-killed")]
    Killed(killed::Options),
    /// People who come and go quickly, and what those are told who watch them
    #[command(name = "live-flap")]
    Flap(flap::Options),
    /// Thousands who come to one post, and thousands of channels when Redis is restarted
    #[command(name = "live-rooms")]
    Rooms(rooms::Options),
}

impl Live {
    /// Measures it.
    pub async fn run(self, common: &Common) -> anyhow::Result<Report> {
        match self {
            Self::Replay(options) => replay::run(common, &options).await,
            Self::Latency(options) => latency::run(common, &options).await,
            Self::FanOut(options) => fan_out::run(common, &options).await,
            Self::Idle(options) => idle::run(common, &options).await,
            Self::Stalled(options) => stalled::run(common, &options).await,
            Self::Peer(options) => peer::run(common, &options).await,
            Self::Storm(options) => storm::run(common, &options).await,
            Self::Killed(options) => killed::run(common, &options).await,
            Self::Flap(options) => flap::run(common, &options).await,
            Self::Rooms(options) => rooms::run(common, &options).await,
        }
    }
}
