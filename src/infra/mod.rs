//! Capabilities that know no domain: they take names, keys and policies as data.

pub mod cache;
#[cfg(test)]
pub(crate) mod committed;
pub mod db;
pub mod jobs;
pub mod lock;
pub mod mail;
pub mod meter;
pub mod outbox;
pub mod push;
pub mod redis;
pub mod ratelimit;
pub mod metrics;
pub mod servers;
pub mod write_behind;
