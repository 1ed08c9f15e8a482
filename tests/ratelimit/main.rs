//! Limits that several processes count together in a real Redis, and what becomes of them without it.
#![expect(
    clippy::expect_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod lua;
mod support;
mod together;
