//! How many files and sockets the process may have open.

use kith::platform::config::Config;

/// What is open beside the sockets of clients and the connections to Postgres: Redis, files, and requests
/// over connections of their own.
const OTHERS: u64 = 512;

/// How many a process with these settings may come to have open.
pub fn needed(config: &Config) -> u64 {
    u64::from(config.max_sockets) + u64::from(config.db_pool) + OTHERS
}

/// Takes as many as are needed and the machine allows, and says so where those are too few: whoever connects
/// then gets no answer.
pub fn raise(config: &Config) {
    let needed = needed(config);
    match rlimit::increase_nofile_limit(needed) {
        Ok(allowed) if allowed < needed => tracing::warn!(
            allowed,
            needed,
            "the process may not open as many sockets as KITH_MAX_SOCKETS lets in: raise its limit of open files"
        ),
        Ok(_enough) => {}
        Err(error) => tracing::warn!(%error, "the limit of open files could not be raised"),
    }
}
