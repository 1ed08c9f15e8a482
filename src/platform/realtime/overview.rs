//! What a hub looks like from outside.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::conn::{Conn, Transport};
use super::hub::Hub;
use crate::platform::Ctx;

/// What is connected to an instance.
#[derive(Debug, Serialize, ToSchema)]
pub struct Overview {
    /// Seconds since it began.
    uptime: u64,
    /// Connections by how they are made.
    connections: Connections,
    /// People who are connected.
    people: usize,
    /// Channels that somebody listens to.
    channels: usize,
    /// Subscriptions of all connections.
    subscriptions: usize,
    /// What waits for readers.
    waiting: Waiting,
    /// How it hears the other instances.
    bus: Heard,
}

/// Connections.
#[derive(Debug, Serialize, ToSchema)]
struct Connections {
    /// Sockets.
    websocket: usize,
    /// Streams of events.
    sse: usize,
    /// Long polls.
    poll: usize,
    /// The most there may be (`KITH_MAX_SOCKETS`).
    limit: u32,
}

/// What waits for readers.
#[derive(Debug, Serialize, ToSchema)]
struct Waiting {
    /// Frames.
    frames: usize,
    /// Their bytes, those that several share counted for each.
    bytes: usize,
}

/// How an instance hears the others.
#[derive(Debug, Serialize, ToSchema)]
struct Heard {
    /// `redis`, or `none`: without Redis, what others tell is found in Postgres.
    by: &'static str,
    /// Whether its probes have not come back for long although Redis answers.
    deaf: bool,
}

impl Hub {
    /// What is connected to this instance.
    pub fn overview(&self, ctx: &Ctx) -> Overview {
        let conns = self.all_conns();
        let count = |transport| {
            let is_it = |conn: &&Arc<Conn>| conn.transport == transport;
            conns.iter().filter(is_it).count()
        };
        let depths = conns.iter().map(|conn| conn.queue.depth());
        let (frames, bytes) = depths.fold((0, 0), |sum, depth| (sum.0 + depth.0, sum.1 + depth.1));
        Overview {
            uptime: self.uptime().as_secs(),
            connections: Connections {
                websocket: count(Transport::Socket),
                sse: count(Transport::Sse),
                poll: count(Transport::Poll),
                limit: self.0.options.max_sockets,
            },
            people: self.count_people(),
            channels: self.rooms().len(),
            subscriptions: conns.iter().map(|conn| conn.rooms().len()).sum(),
            waiting: Waiting { frames, bytes },
            bus: Heard {
                by: if self.is_listening() { "redis" } else { "none" },
                deaf: self.is_deaf(ctx),
            },
        }
    }
}
