//! kith: the backend of a small Facebook.
//!
//! The modules, in reading order:

/// Pure vocabulary: ids, time, errors, cursors, text, words.
pub mod kernel;
/// Capabilities that know no domain: Postgres, Redis, the cache, jobs, mail, private servers.
pub mod infra;
/// What every domain stands on: configuration, context, the one way to write, HTTP, sessions.
pub mod platform;
/// The domains, left to right.
pub mod domains;
/// Demo data, and imports of whole graphs.
pub mod seeds;
/// For operators and administrators: health, documentation, accounts, deliveries, the cache.
pub mod admin;
/// The composition root.
pub mod app;
