//! Handles that are taken once by the part that counts with them.

use std::sync::LazyLock;

use metrics::{Counter, Gauge, Histogram};

use super::declared as m;

/// What a space of the cache counts.
#[derive(Clone)]
pub struct CacheMetrics {
    /// Entries from the process.
    pub hits_l1: Counter,
    /// Entries from Redis.
    pub hits_l2: Counter,
    /// Entries past their time.
    pub hits_stale: Counter,
    /// Entries that no layer had.
    pub misses: Counter,
    /// Calls of the loader that gave an answer.
    pub loads: Counter,
    /// Calls of the loader that failed.
    pub failed_loads: Counter,
    /// How long the loader took, in seconds.
    pub load_seconds: Histogram,
    /// Entries that were there, and void.
    pub void_entries: Counter,
    /// Entries whose bytes did not decode.
    pub unreadable: Counter,
    /// What the process holds, in bytes.
    pub bytes: Gauge,
    /// Entries dropped for want of room.
    pub evictions: Counter,
}

impl CacheMetrics {
    /// The handles of the space called `space`: to be taken once, and kept.
    pub fn of(space: &str) -> Self {
        let one = [space];
        Self {
            hits_l1: m::CACHE_HITS.counter(&[space, "l1"]),
            hits_l2: m::CACHE_HITS.counter(&[space, "l2"]),
            hits_stale: m::CACHE_HITS.counter(&[space, "stale"]),
            misses: m::CACHE_MISSES.counter(&one),
            loads: m::CACHE_LOADS.counter(&[space, "ok"]),
            failed_loads: m::CACHE_LOADS.counter(&[space, "failed"]),
            load_seconds: m::CACHE_LOAD_SECONDS.histogram(&one),
            void_entries: m::CACHE_VOID.counter(&one),
            unreadable: m::CACHE_UNREADABLE.counter(&one),
            bytes: m::CACHE_BYTES.gauge(&one),
            evictions: m::CACHE_EVICTIONS.counter(&one),
        }
    }
}

/// What the connection to Redis counts.
#[derive(Clone)]
pub struct RedisMetrics {
    /// Round trips, in seconds.
    pub round_trips: Histogram,
    /// No answer within the deadline.
    pub late: Counter,
    /// No connection.
    pub away: Counter,
    /// Not asked, because the breaker was open.
    pub refused: Counter,
    /// Redis answered with an error.
    pub errors: Counter,
    breaker: Gauge,
}

/// Where the circuit breaker of Redis stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// Redis is asked.
    Closed,
    /// One caller tries whether Redis is back.
    HalfOpen,
    /// Redis is not asked.
    Open,
}

impl RedisMetrics {
    /// Tells where the breaker stands.
    pub fn set_breaker(&self, breaker: Breaker) {
        self.breaker.set(match breaker {
            Breaker::Closed => 0.0,
            Breaker::HalfOpen => 1.0,
            Breaker::Open => 2.0,
        });
    }
}

/// The handles for Redis. To be asked for first when the application is built, after `install`.
pub fn redis() -> &'static RedisMetrics {
    static REDIS: LazyLock<RedisMetrics> = LazyLock::new(|| RedisMetrics {
        round_trips: m::REDIS_SECONDS.histogram(&[]),
        late: m::REDIS_ERRORS.counter(&["late"]),
        away: m::REDIS_ERRORS.counter(&["away"]),
        refused: m::REDIS_ERRORS.counter(&["refused"]),
        errors: m::REDIS_ERRORS.counter(&["error"]),
        breaker: m::REDIS_BREAKER.gauge(&[]),
    });
    &REDIS
}

/// What a policy of the limiter counts.
#[derive(Clone)]
pub struct LimitMetrics {
    /// Requests refused.
    pub refusals: Counter,
    /// Requests let through uncounted.
    pub fail_opens: Counter,
}

impl LimitMetrics {
    /// The handles of the policy called `policy`: to be taken once, and kept.
    pub fn of(policy: &str) -> Self {
        Self {
            refusals: m::LIMIT_REFUSALS.counter(&[policy]),
            fail_opens: m::LIMIT_FAIL_OPENS.counter(&[policy]),
        }
    }
}
