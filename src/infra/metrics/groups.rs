//! Handles that are taken once by the part that counts with them.

use std::sync::LazyLock;

use metrics::{Counter, Gauge, Histogram};

use super::declared as m;

/// What the connection to Redis counts.
#[derive(Clone)]
pub struct RedisMetrics {
    /// Round trips, in seconds.
    pub round_trips: Histogram,
    /// No answer within the deadline.
    pub late: Counter,
    /// The connection was lost.
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
    /// Redis is not asked, until there is a connection again.
    Open,
    /// Redis answers, and is not used before Postgres answers too.
    Pending,
}

impl RedisMetrics {
    /// Tells where the breaker stands.
    pub fn set_breaker(&self, breaker: Breaker) {
        self.breaker.set(match breaker {
            Breaker::Closed => 0.0,
            Breaker::Open => 1.0,
            Breaker::Pending => 2.0,
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
