//! kith as its users meet it: a real server on a real socket, a real Postgres with a database of its
//! own for each test.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by panicking"
)]

mod admin_cache;
mod admin_jobs;
mod admin_stats;
mod admin_users;
mod audiences;
mod auth;
mod bad_input;
mod cached;
mod cache_content;
mod comments;
mod conditional;
mod conventions;
mod costs;
mod drift;
mod events;
mod failures;
mod faults;
mod feed;
mod feed_marker;
mod hashtags;
mod idempotency;
mod lifetimes;
mod limits;
mod limits_alone;
mod messaging;
mod metrics;
mod notifications;
mod openapi;
mod oracle;
mod own_limits;
mod paging;
mod plans;
mod posts;
mod privacy;
mod races;
mod reactions;
mod realtime;
mod relations;
mod retention;
mod rows_read;
mod search;
mod settings;
mod shapes;
mod strangers;
mod support;
mod timelines;
mod trending;
mod views;
mod visibility;
mod warming;
