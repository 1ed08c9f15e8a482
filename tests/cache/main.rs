//! The cache engine by itself: spaces over a table of its own, engines as processes, a real Postgres
//! and a real Redis, and interleavings that are held where they matter.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by panicking"
)]

mod away;
mod bed;
mod behind;
#[path = "../shared/database.rs"]
mod database;
mod gathering;
mod hand;
mod loads;
mod memos;
mod races;
mod redis_server;
mod relay;
mod rules;
mod things;
mod voids;
