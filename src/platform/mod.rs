//! What every domain stands on: configuration, the context, the one way to write, HTTP, sessions,
//! limits.

pub mod config;
pub mod context;
pub mod door;
pub mod http;
mod reads;
pub mod limits;
pub mod sessions;
pub mod write;

pub use context::Ctx;
pub use reads::{Held, Reads};
pub use write::{Answer, Tx, Writer};
