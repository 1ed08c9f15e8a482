//! The harness: [`TestApp`] is a running kith, [`Session`] somebody who uses it.

mod app;
mod client;
mod contract;
#[path = "../../shared/database.rs"]
mod database;

pub use app::{PASSWORD, TestApp};
pub use client::{Anyone, Reply, Session};
