//! kith: the backend of a small Facebook.
//!
//! The modules, in reading order:

/// Pure vocabulary: ids, time, errors, cursors, text.
pub mod kernel;
/// Capabilities that know no domain: Postgres, mail, jobs, private servers.
pub mod infra;
/// What every domain stands on: configuration, context, the one way to write, HTTP, sessions.
pub mod platform;
