//! Data to begin with: a demo cast, any graph of friendships, the LDBC social network. Everything
//! is read and checked first, built in memory, and written by COPY in one transaction.
//!
//! This is a bulk loader and stands above the domains: it writes their tables itself, counters
//! included, because their actions would take minutes for what COPY does in seconds. A database
//! that was seeded holds nothing that the domains could not have written.

pub mod activity;
pub mod copy;
pub mod counters;
pub mod dataset;
pub mod demo;
pub mod draw;
pub mod graph;
mod hashtags;
pub mod ldbc;
pub mod people;
pub mod plan;
pub mod problems;
pub mod report;
pub mod store;
pub mod tables;
mod told;
pub mod words;

pub use demo::demo_accounts;
pub use people::DEMO_PASSWORD;
pub use plan::{Plan, Source, run, seed};
pub use report::{Progress, Report, Step};
pub use store::has_demo_password;
