//! The harness: [`TestApp`] is a running kith, [`Session`] somebody who uses it.

mod app;
mod client;
mod database;

pub use app::TestApp;
pub use client::{Anyone, Reply, Session};
