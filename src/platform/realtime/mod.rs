//! What is told live: streams of events, who listens to them, and over which transport.
//!
//! It knows no domain. A domain says who may join its topics, how its events are rendered and what
//! inbound frames mean, as data ([`Live`]); a write tells through [`Tx::publish`](crate::platform::Tx)
//! and [`Tx::signal`](crate::platform::Tx).

mod channel;
mod hub;
mod live;
mod news;
mod publish;
mod store;

pub use channel::{Channel, INBOX, NoChannel, inbox};
pub use hub::Hub;
pub use live::{Attendance, Command, HistoryPage, Inbound, Live, Registry, Rendering, Topic};
pub use news::{Class, News, Offset, Signal, Told};
pub use publish::tell;
