//! The harness: [`TestApp`] is a running kith, [`Session`] somebody who uses it.

mod app;
mod client;
mod contract;
#[path = "../../shared/database.rs"]
mod database;
pub mod mode;
mod program;
mod proxy;
mod redis;

pub use app::{PASSWORD, TestApp};
pub use client::{Anyone, Reply, Session};
pub use program::Program;
pub use proxy::Proxy;
pub use redis::{OwnRedis, RedisLine};
