//! Seeds on a real Postgres: all or nothing, twice is once, counters as a recount finds them.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by panicking, and one that is skipped says so"
)]

mod demo;
mod graph;
mod ldbc;
mod rules;
#[expect(dead_code, reason = "its name matters to those who use Redis")]
#[path = "../shared/database.rs"]
mod database;
mod support;
