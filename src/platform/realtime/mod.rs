//! What is told live: streams of events, who listens to them, and over which transport.
//!
//! An event is a row of a stream, appended by the transaction that it tells of; the lock on its stream's
//! row is the order. After the commit a publisher renders it once and tells every instance by way of
//! Redis, and each instance passes the same bytes to all of its listeners, in order and without holes:
//! what is missing is fetched from Postgres before anything that comes after it goes on. Without Redis
//! one instance does all that by itself, and several find each other's events in Postgres.
//!
//! It knows no domain. A domain says who may join its topics, how its events are rendered and what
//! inbound frames mean, as data ([`Live`]); a write tells through `Tx::publish` and `Tx::signal`.
//!
//! Owns the tables `stream`, `stream_event` and `stream_epoch`. Invariants: places in a stream are
//! contiguous; whoever listens is sent each place once, in order, or their connection ends; nobody is
//! sent what they may not see when it is sent.

mod anew;
mod arrival;
mod asking;
mod attendance;
mod bus;
mod calm;
mod catalogue;
mod channel;
mod close;
mod commands;
mod conn;
mod counts;
mod cursor;
mod deliver;
mod doubt;
mod figures;
mod frame;
mod gap;
mod greet;
mod heartbeat;
mod hot;
mod hub;
mod inflow;
mod joining;
mod live;
mod many;
mod news;
mod opening;
mod past;
mod origin;
mod overview;
mod pace;
mod poll;
pub mod presence;
mod publish;
mod publisher;
mod queue;
mod render;
mod replay;
mod room;
mod rounds;
mod routes;
mod session;
mod sight;
mod socket;
mod sse;
mod start;
mod store;
mod talk;
mod tickets;
mod twin;
mod typing;
mod watch;
mod wire;
mod wishes;

use crate::infra::redis::Script;

pub use calm::tell_calmly;
pub use catalogue::{Entry, Event, Member, Place, render_events};
pub use channel::{Channel, INBOX, NoChannel, inbox};
pub use close::Close;
pub use counts::{COUNTS_CHANGED, tell_counts};
pub use hub::{Hooks, Hub, Options};
pub use joining::EVERYBODY;
pub use live::{
    Attendance, Command, HistoryPage, Inbound, IsHidden, Live, Registry, Rendering, Topic,
};
pub use many::tell_many;
pub use news::{Class, News, Offset, Signal, Told};
pub use overview::Overview;
pub use pace::Pace;
pub use publish::tell;
pub use routes::{LIMITS, configure};
pub use sight::Sight;
pub use start::{jobs, start};
pub use store::start_new_series;
pub use twin::{Apart, NothingElse, answer_as, key_of, under};

/// The scripts that a connection to Redis must have loaded.
pub fn scripts() -> Vec<&'static Script> {
    let mut scripts: Vec<&'static Script> = presence::SCRIPTS.to_vec();
    scripts.push(&hot::TELL);
    scripts.push(&session::TAKE);
    scripts.push(&attendance::RENEW);
    scripts
}
