//! kith: the backend of a small Facebook.
//!
//! The modules, in reading order:

/// Health, documentation, inspection.
pub mod admin;
/// The composition root.
pub mod app;
/// The domains, left to right.
pub mod domains;
/// Capabilities that know no domain: Postgres, mail, jobs, private servers.
pub mod infra;
/// Pure vocabulary: ids, time, errors, cursors, text.
pub mod kernel;
/// What every domain stands on: configuration, context, the one way to write, HTTP, sessions.
pub mod platform;
/// Data to begin with.
pub mod seeds;
