//! What the gateway counts.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};

use super::Class;
use super::close::Close;
use super::conn::{Conn, Transport};
use super::hub::{Hub, lock};
use crate::infra::metrics::declared as m;

struct Figures {
    sockets: Gauge,
    streams: Gauge,
    polls: Gauge,
    people: Gauge,
    channels: Gauge,
    waiting: Gauge,
    told: Counter,
    tell: Histogram,
    sent: Counter,
    ephemeral: Counter,
    state: Counter,
    gaps: Counter,
    subscribed: Counter,
    probe: Histogram,
    closes: Mutex<HashMap<&'static str, Counter>>,
    hot: Counter,
    postgres: Counter,
    expired: Counter,
}

static FIGURES: LazyLock<Figures> = LazyLock::new(|| Figures {
    sockets: m::LIVE_CONNECTIONS.gauge(&[Transport::Socket.as_str()]),
    streams: m::LIVE_CONNECTIONS.gauge(&[Transport::Sse.as_str()]),
    polls: m::LIVE_CONNECTIONS.gauge(&[Transport::Poll.as_str()]),
    people: m::LIVE_PEOPLE.gauge(&[]),
    channels: m::LIVE_CHANNELS.gauge(&[]),
    waiting: m::LIVE_WAITING.gauge(&[]),
    told: m::LIVE_TOLD.counter(&[]),
    tell: m::LIVE_TELL_SECONDS.histogram(&[]),
    sent: m::LIVE_SENT.counter(&[]),
    ephemeral: m::LIVE_DROPPED.counter(&["ephemeral"]),
    state: m::LIVE_DROPPED.counter(&["state"]),
    gaps: m::LIVE_GAPS.counter(&[]),
    subscribed: m::LIVE_SUBSCRIBED.counter(&[]),
    probe: m::LIVE_PROBE_SECONDS.histogram(&[]),
    closes: Mutex::new(closes()),
    hot: m::LIVE_REPLAYED.counter(&["hot"]),
    postgres: m::LIVE_REPLAYED.counter(&["postgres"]),
    expired: m::LIVE_REPLAYED.counter(&["expired"]),
});

/// A counter for every way to end, so that each is there from the beginning.
fn closes() -> HashMap<&'static str, Counter> {
    let names = Close::ALL.iter().map(|close| close.name);
    names.map(|name| (name, counter_of(name))).collect()
}

fn counter_of(name: &str) -> Counter {
    m::LIVE_CLOSES.counter(&[&name.to_lowercase()])
}

/// Something was dropped that may be.
pub(super) fn dropped(class: Class) {
    match class {
        Class::Ephemeral => FIGURES.ephemeral.increment(1),
        Class::State | Class::Durable => FIGURES.state.increment(1),
    }
}

/// A connection ended so.
pub(super) fn closed(name: &'static str) {
    let mut closes = lock(&FIGURES.closes);
    let counter = closes.entry(name).or_insert_with(|| counter_of(name));
    counter.increment(1);
}

/// So many things were told together.
pub(super) fn told(took: Duration, count: usize) {
    FIGURES.tell.record(took);
    FIGURES
        .told
        .increment(u64::try_from(count).unwrap_or_default());
}

/// Something was sent to a client.
pub(super) fn sent() {
    FIGURES.sent.increment(1);
}

/// Something that was missing was fetched.
pub(super) fn gap_filled() {
    FIGURES.gaps.increment(1);
}

/// So many events were replayed from there.
pub(super) fn replayed(source: &'static str, count: usize) {
    let count = u64::try_from(count).unwrap_or_default();
    match source {
        "hot" => FIGURES.hot.increment(count),
        "postgres" => FIGURES.postgres.increment(count),
        _ => FIGURES.expired.increment(count),
    }
}

/// The subscriber has subscribed to everything anew.
pub(super) fn subscribed() {
    FIGURES.subscribed.increment(1);
}

/// A probe has taken so many milliseconds.
pub(super) fn probe_lag(millis: u64) {
    FIGURES.probe.record(Duration::from_millis(millis));
}

/// What there is just now.
pub(super) fn gauges(hub: &Hub, conns: &[Arc<Conn>]) {
    let of = |transport| {
        let count = conns
            .iter()
            .filter(|conn| conn.transport == transport)
            .count();
        gauge(count)
    };
    FIGURES.sockets.set(of(Transport::Socket));
    FIGURES.streams.set(of(Transport::Sse));
    FIGURES.polls.set(of(Transport::Poll));
    FIGURES.people.set(gauge(hub.count_people()));
    FIGURES.channels.set(gauge(hub.rooms().len()));
    let waiting: usize = conns.iter().map(|conn| conn.queue.depth().1).sum();
    FIGURES.waiting.set(gauge(waiting));
}

fn gauge(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
