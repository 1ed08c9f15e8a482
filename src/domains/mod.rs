//! The domains, left to right: each may use those before it, through their `mod.rs` face only.

pub mod discovery;
pub mod notifications;
pub mod relations;
pub mod users;
