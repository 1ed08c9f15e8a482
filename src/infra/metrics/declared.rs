//! Every metric, in the order of the page that is made from this.

use super::{Kind, Metric};

pub use super::live::*;

// ---- Requests ----

/// `kith_http_requests_total`
pub const HTTP_REQUESTS: Metric = Metric {
    name: "kith_http_requests_total",
    kind: Kind::Counter,
    labels: &["method", "route", "status"],
    unit: "answers",
    meaning: "Answers by method, pattern of the route and status. `none` is a path that no route \
              has, `other` a method that HTTP doesn't know.",
};

/// `kith_http_request_seconds`
pub const HTTP_SECONDS: Metric = Metric {
    name: "kith_http_request_seconds",
    kind: Kind::Histogram,
    labels: &["method", "route"],
    unit: "seconds",
    meaning: "From the request's head to the response's head, by method and pattern of the route.",
};

// ---- Postgres ----

/// `kith_sql_statements_total`
pub const SQL_STATEMENTS: Metric = Metric {
    name: "kith_sql_statements_total",
    kind: Kind::Counter,
    labels: &[],
    unit: "statements",
    meaning: "SQL statements that this process ran, jobs included. `BEGIN` is none of them, \
              `COMMIT` is.",
};

/// `kith_sql_microseconds_total`
pub const SQL_MICROSECONDS: Metric = Metric {
    name: "kith_sql_microseconds_total",
    kind: Kind::Counter,
    labels: &[],
    unit: "microseconds",
    meaning: "The time of those statements. Divide the two rates for the mean.",
};

/// `kith_db_pool_connections`
pub const DB_CONNECTIONS: Metric = Metric {
    name: "kith_db_pool_connections",
    kind: Kind::Gauge,
    labels: &["state"],
    unit: "connections",
    meaning: "Connections of the pool that are `in_use` and `idle`; both together are its size.",
};

/// `kith_db_pool_limit`
pub const DB_LIMIT: Metric = Metric {
    name: "kith_db_pool_limit",
    kind: Kind::Gauge,
    labels: &[],
    unit: "connections",
    meaning: "How many the pool may have (`KITH_DB_POOL`).",
};

/// `kith_db_pool_waiting`
pub const DB_WAITING: Metric = Metric {
    name: "kith_db_pool_waiting",
    kind: Kind::Gauge,
    labels: &[],
    unit: "requests",
    meaning: "Requests and writes that wait for a place, a connection, or the answer to `BEGIN`.",
};

/// `kith_db_refusals_total`
pub const DB_REFUSALS: Metric = Metric {
    name: "kith_db_refusals_total",
    kind: Kind::Counter,
    labels: &[],
    unit: "requests",
    meaning: "Requests that were told to come back (503), because more wanted the database than it can serve.",
};

// ---- Redis ----

/// `kith_redis_round_trip_seconds`
pub const REDIS_SECONDS: Metric = Metric {
    name: "kith_redis_round_trip_seconds",
    kind: Kind::Histogram,
    labels: &[],
    unit: "seconds",
    meaning: "Round trips to Redis, a pipeline being one.",
};

/// `kith_redis_errors_total`
pub const REDIS_ERRORS: Metric = Metric {
    name: "kith_redis_errors_total",
    kind: Kind::Counter,
    labels: &["kind"],
    unit: "questions",
    meaning: "Questions without an answer: `late` (past the deadline), `away` (the connection \
              broke), `refused` (not asked, because the breaker was open), `error` (Redis \
              answered with an error).",
};

/// `kith_redis_breaker_state`
pub const REDIS_BREAKER: Metric = Metric {
    name: "kith_redis_breaker_state",
    kind: Kind::Gauge,
    labels: &[],
    unit: "state",
    meaning: "The circuit breaker: 0 while there is a connection that answers, 1 while Redis is not \
              asked, 2 while Redis answers and is not used yet because Postgres does not answer. \
              Without `REDIS_URL` there is none.",
};

// ---- The cache ----

/// `kith_cache_hits_total`
pub const CACHE_HITS: Metric = Metric {
    name: "kith_cache_hits_total",
    kind: Kind::Counter,
    labels: &["space", "layer"],
    unit: "entries",
    meaning: "Entries that were answered from the process (`l1`), from Redis (`l2`), or past their \
              freshness while they were loaded anew (`stale`).",
};

/// `kith_cache_misses_total`
pub const CACHE_MISSES: Metric = Metric {
    name: "kith_cache_misses_total",
    kind: Kind::Counter,
    labels: &["space"],
    unit: "entries",
    meaning: "Entries that no layer had.",
};

/// `kith_cache_loads_total`
pub const CACHE_LOADS: Metric = Metric {
    name: "kith_cache_loads_total",
    kind: Kind::Counter,
    labels: &["space", "outcome"],
    unit: "loads",
    meaning: "Calls of a space's loader, `ok` or `failed`; one may load many entries.",
};

/// `kith_cache_load_seconds`
pub const CACHE_LOAD_SECONDS: Metric = Metric {
    name: "kith_cache_load_seconds",
    kind: Kind::Histogram,
    labels: &["space"],
    unit: "seconds",
    meaning: "How long the loader took, a connection of the pool included.",
};

/// `kith_cache_void_entries_total`
pub const CACHE_VOID: Metric = Metric {
    name: "kith_cache_void_entries_total",
    kind: Kind::Counter,
    labels: &["space"],
    unit: "entries",
    meaning: "Entries that Redis had, and that were void: a stamp differed or was gone.",
};

/// `kith_cache_unreadable_entries_total`
pub const CACHE_UNREADABLE: Metric = Metric {
    name: "kith_cache_unreadable_entries_total",
    kind: Kind::Counter,
    labels: &["space"],
    unit: "entries",
    meaning: "Entries in Redis whose bytes did not decode.",
};

/// `kith_cache_bytes`
pub const CACHE_BYTES: Metric = Metric {
    name: "kith_cache_bytes",
    kind: Kind::Gauge,
    labels: &["space"],
    unit: "bytes",
    meaning: "What the process holds of a space.",
};

/// `kith_cache_evictions_total`
pub const CACHE_EVICTIONS: Metric = Metric {
    name: "kith_cache_evictions_total",
    kind: Kind::Counter,
    labels: &["space"],
    unit: "entries",
    meaning: "Entries that the process dropped for want of room.",
};

/// `kith_cache_relay_lag_seconds`
pub const RELAY_LAG: Metric = Metric {
    name: "kith_cache_relay_lag_seconds",
    kind: Kind::Gauge,
    labels: &[],
    unit: "seconds",
    meaning: "Age of the oldest row of `cache_void`: a change that the cache was perhaps not told \
              of yet. 0 without `REDIS_URL`, where nobody waits for them.",
};

/// `kith_cache_checked_entries_total`
pub const CACHE_CHECKED: Metric = Metric {
    name: "kith_cache_checked_entries_total",
    kind: Kind::Counter,
    labels: &["outcome"],
    unit: "entries",
    meaning: "Entries that the checker compared with Postgres: `consistent`, or `inconsistent` \
              past the grace.",
};

/// `kith_cache_nines`
pub const CACHE_NINES: Metric = Metric {
    name: "kith_cache_nines",
    kind: Kind::Gauge,
    labels: &[],
    unit: "nines",
    meaning: "How consistent the exact spaces have been: 3 is 99.9 % of the entries checked.",
};

// ---- The feed, the outbox and jobs ----

/// `kith_outbox_oldest_seconds`
pub const OUTBOX_AGE: Metric = Metric {
    name: "kith_outbox_oldest_seconds",
    kind: Kind::Gauge,
    labels: &[],
    unit: "seconds",
    meaning: "Age of the oldest event that has not been turned into jobs.",
};

/// `kith_feed_fanout_lag_seconds`
pub const FANOUT_LAG: Metric = Metric {
    name: "kith_feed_fanout_lag_seconds",
    kind: Kind::Histogram,
    labels: &[],
    unit: "seconds",
    meaning: "From a post's commit to its being in the timelines of those it was pushed to.",
};

/// `kith_notification_deliveries_total`
pub const DELIVERIES: Metric = Metric {
    name: "kith_notification_deliveries_total",
    kind: Kind::Counter,
    labels: &["channel", "outcome"],
    unit: "attempts",
    meaning: "Attempts to deliver a notification to a device or by mail that were `sent`, `cancelled` \
              because nothing was left to tell, put off for `later`, or given up (`dead`).",
};

/// `kith_jobs_due`
pub const JOBS_DUE: Metric = Metric {
    name: "kith_jobs_due",
    kind: Kind::Gauge,
    labels: &["job_name"],
    unit: "jobs",
    meaning: "Jobs that are due and that no worker has taken. `other` are jobs that this version \
              doesn't know.",
};

/// `kith_jobs_oldest_due_seconds`
pub const JOBS_AGE: Metric = Metric {
    name: "kith_jobs_oldest_due_seconds",
    kind: Kind::Gauge,
    labels: &["job_name"],
    unit: "seconds",
    meaning: "For how long the oldest of them has been due.",
};

/// `kith_jobs_dead`
pub const JOBS_DEAD: Metric = Metric {
    name: "kith_jobs_dead",
    kind: Kind::Gauge,
    labels: &["job_name"],
    unit: "jobs",
    meaning: "Jobs that failed as often as they may, and wait for a person.",
};

// ---- Limits ----

/// `kith_limit_refusals_total`
pub const LIMIT_REFUSALS: Metric = Metric {
    name: "kith_limit_refusals_total",
    kind: Kind::Counter,
    labels: &["policy"],
    unit: "requests",
    meaning: "Requests that a limit refused.",
};

/// `kith_limit_alone_total`
pub const LIMIT_ALONE: Metric = Metric {
    name: "kith_limit_alone_total",
    kind: Kind::Counter,
    labels: &["policy"],
    unit: "requests",
    meaning: "Requests that this process judged alone, because Redis, where all instances count \
              together, did not answer.",
};

// ---- The process ----

/// `kith_ready`
pub const READY: Metric = Metric {
    name: "kith_ready",
    kind: Kind::Gauge,
    labels: &[],
    unit: "yes or no",
    meaning: "1 if requests should come here: the schema fits, and the process is not stopping. It \
              stays 1 while `/readyz` is 503 because the instance is `deaf`.",
};

/// `kith_build_info`
pub const BUILD_INFO: Metric = Metric {
    name: "kith_build_info",
    kind: Kind::Gauge,
    labels: &["version"],
    unit: "yes",
    meaning: "Always 1; the version is the label.",
};

/// All metrics, under the headings of the page.
pub const GROUPS: &[(&str, &[Metric])] = &[
    ("Requests", &[HTTP_REQUESTS, HTTP_SECONDS]),
    (
        "Postgres",
        &[
            SQL_STATEMENTS,
            SQL_MICROSECONDS,
            DB_CONNECTIONS,
            DB_LIMIT,
            DB_WAITING,
            DB_REFUSALS,
        ],
    ),
    ("Redis", &[REDIS_SECONDS, REDIS_ERRORS, REDIS_BREAKER]),
    (
        "The cache",
        &[
            CACHE_HITS,
            CACHE_MISSES,
            CACHE_LOADS,
            CACHE_LOAD_SECONDS,
            CACHE_VOID,
            CACHE_UNREADABLE,
            CACHE_BYTES,
            CACHE_EVICTIONS,
            RELAY_LAG,
            CACHE_CHECKED,
            CACHE_NINES,
        ],
    ),
    (
        "The feed, the outbox and jobs",
        &[
            OUTBOX_AGE, FANOUT_LAG, DELIVERIES, JOBS_DUE, JOBS_AGE, JOBS_DEAD,
        ],
    ),
    ("Limits", &[LIMIT_REFUSALS, LIMIT_ALONE]),
    (
        "What is told live",
        &[
            LIVE_CONNECTIONS,
            LIVE_PEOPLE,
            LIVE_CHANNELS,
            LIVE_WAITING,
            LIVE_TOLD,
            LIVE_TELL_SECONDS,
            LIVE_SENT,
            LIVE_DROPPED,
            LIVE_CLOSES,
            LIVE_GAPS,
            LIVE_REPLAYED,
            LIVE_SUBSCRIBED,
            LIVE_PROBE_SECONDS,
        ],
    ),
    ("The process", &[READY, BUILD_INFO]),
];

/// All metrics.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    GROUPS.iter().flat_map(|(_, metrics)| *metrics)
}
