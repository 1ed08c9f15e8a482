//! The metrics of what is told live.

use super::{Kind, Metric};

/// `kith_live_connections`
pub const LIVE_CONNECTIONS: Metric = Metric {
    name: "kith_live_connections",
    kind: Kind::Gauge,
    labels: &["transport"],
    unit: "connections",
    meaning: "Open connections by how they are made: `websocket`, `sse`, `poll`.",
};

/// `kith_live_people`
pub const LIVE_PEOPLE: Metric = Metric {
    name: "kith_live_people",
    kind: Kind::Gauge,
    labels: &[],
    unit: "people",
    meaning: "People who are connected to this process.",
};

/// `kith_live_channels`
pub const LIVE_CHANNELS: Metric = Metric {
    name: "kith_live_channels",
    kind: Kind::Gauge,
    labels: &[],
    unit: "channels",
    meaning: "Channels that somebody here listens to.",
};

/// `kith_live_waiting_bytes`
pub const LIVE_WAITING: Metric = Metric {
    name: "kith_live_waiting_bytes",
    kind: Kind::Gauge,
    labels: &[],
    unit: "bytes",
    meaning: "What waits for readers, bytes shared by several counted for each.",
};

/// `kith_live_told_total`
pub const LIVE_TOLD: Metric = Metric {
    name: "kith_live_told_total",
    kind: Kind::Counter,
    labels: &[],
    unit: "events",
    meaning: "Events and signals that this process has told.",
};

/// `kith_live_tell_seconds`
pub const LIVE_TELL_SECONDS: Metric = Metric {
    name: "kith_live_tell_seconds",
    kind: Kind::Histogram,
    labels: &[],
    unit: "seconds",
    meaning: "Rendering and telling what came together.",
};

/// `kith_live_sent_total`
pub const LIVE_SENT: Metric = Metric {
    name: "kith_live_sent_total",
    kind: Kind::Counter,
    labels: &[],
    unit: "frames",
    meaning: "Frames that were sent to sockets.",
};

/// `kith_live_dropped_total`
pub const LIVE_DROPPED: Metric = Metric {
    name: "kith_live_dropped_total",
    kind: Kind::Counter,
    labels: &["class"],
    unit: "frames",
    meaning: "Frames that slow readers went without: `ephemeral` or `state`. Nothing durable \
              is ever dropped.",
};

/// `kith_live_closes_total`
pub const LIVE_CLOSES: Metric = Metric {
    name: "kith_live_closes_total",
    kind: Kind::Counter,
    labels: &["reason"],
    unit: "connections",
    meaning: "Connections that ended, by the name of the close code, as `too_slow`.",
};

/// `kith_live_gaps_total`
pub const LIVE_GAPS: Metric = Metric {
    name: "kith_live_gaps_total",
    kind: Kind::Counter,
    labels: &[],
    unit: "fetches",
    meaning: "Times that something missing between two events was fetched from Postgres.",
};

/// `kith_live_replayed_total`
pub const LIVE_REPLAYED: Metric = Metric {
    name: "kith_live_replayed_total",
    kind: Kind::Counter,
    labels: &["source"],
    unit: "events",
    meaning: "Events that were replayed, from `hot` (Redis) or `postgres`, and requests that \
              could not be (`expired`).",
};

/// `kith_live_subscribed_total`
pub const LIVE_SUBSCRIBED: Metric = Metric {
    name: "kith_live_subscribed_total",
    kind: Kind::Counter,
    labels: &[],
    unit: "times",
    meaning: "Times that the subscriber subscribed to everything anew.",
};

/// `kith_live_probe_seconds`
pub const LIVE_PROBE_SECONDS: Metric = Metric {
    name: "kith_live_probe_seconds",
    kind: Kind::Histogram,
    labels: &[],
    unit: "seconds",
    meaning: "From sending a probe to Redis until hearing it.",
};
