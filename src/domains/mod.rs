//! The domains, left to right: each may use those before it, through their `mod.rs` face only.

pub mod auth;
pub mod users;
