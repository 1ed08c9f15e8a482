//! The domains, left to right: each may use those before it, through their `mod.rs` face only.

pub mod users;

pub mod auth;

pub mod relations;

pub mod reactions;

pub mod posts;

pub mod comments;

pub mod feed;

pub mod discovery;

pub mod messaging;

pub mod notifications;
