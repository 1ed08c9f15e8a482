//! What every domain stands on: configuration, the context, the one way to write, HTTP, sessions,
//! limits, what is told live.

pub mod config;
pub mod context;
pub mod door;
pub mod http;
pub mod limits;
mod reads;
pub mod realtime;
pub mod sessions;
pub mod write;

pub use context::Ctx;
pub use reads::{Held, Reads};
pub use write::{Answer, Tx, Writer};
