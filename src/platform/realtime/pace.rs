//! How often and how long: every interval of live connections, made from one setting.

use std::time::Duration;

/// The intervals that follow from the heartbeat (`KITH_LIVE_BEAT`), in words those of its default, and
/// how long an answer to it is waited for (`KITH_LIVE_PONG`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    beat: Duration,
    pong: Duration,
}

impl Pace {
    /// The intervals for this heartbeat, and this wait for an answer to a ping.
    pub const fn new(beat: Duration, pong: Duration) -> Self {
        Self { beat, pong }
    }

    /// A connection to which nothing was written for this long is sent a ping: 25 s.
    pub const fn ping(self) -> Duration {
        self.beat
    }

    /// So long after a ping is due a client that says nothing counts as gone: 10 s.
    pub const fn pong(self) -> Duration {
        self.pong
    }

    /// Between two looks at all connections: 1 s.
    pub fn look(self) -> Duration {
        self.beat / 25
    }

    /// A channel without listeners is kept this long: 10 s.
    pub fn linger(self) -> Duration {
        self.beat.mul_f64(0.4)
    }

    /// Between two probes through Redis: 5 s.
    pub fn canary(self) -> Duration {
        self.beat / 5
    }

    /// Without a probe for this long an instance is deaf: 15 s.
    pub fn deaf(self) -> Duration {
        self.canary() * 3
    }

    /// Between two comparisons of what was told with what Postgres has: 5 s.
    pub fn sweep(self) -> Duration {
        self.beat / 5
    }

    /// Between two of them, and two looks at sessions, while there is no Redis: 1 s.
    pub fn alone(self) -> Duration {
        self.beat / 25
    }

    /// A device counts as there for this long after its last sign of life: 45 s.
    pub fn lease(self) -> Duration {
        self.beat.mul_f64(1.8)
    }

    /// A device that is gone counts as there for this long: 15 s.
    pub fn grace(self) -> Duration {
        self.beat.mul_f64(0.6)
    }

    /// Of one person one change is told within this: 5 s.
    pub fn coalesce(self) -> Duration {
        self.beat / 5
    }

    /// Whoever types is taken to have stopped after this: 6 s.
    pub fn typing(self) -> Duration {
        self.beat.mul_f64(0.24)
    }

    /// A reader that takes nothing for this long is cut off: 10 s.
    pub fn stalled(self) -> Duration {
        self.beat.mul_f64(0.4)
    }

    /// A connection that was told why it ends has this long to do so: 2 s.
    pub fn goodbye(self) -> Duration {
        self.beat.mul_f64(0.08).max(Duration::from_millis(200))
    }

    /// The first frame of a connection without credentials comes within this: 5 s.
    pub fn hello(self) -> Duration {
        (self.beat / 5).max(Duration::from_secs(1))
    }

    /// The pieces of one message come within this: 10 s.
    pub fn message(self) -> Duration {
        self.beat.mul_f64(0.4).max(Duration::from_secs(1))
    }

    /// A position that moved without anything being told is said so often: 30 s.
    pub fn position(self) -> Duration {
        self.beat.mul_f64(1.2)
    }

    /// Between two comments on a silent stream of events: 15 s.
    pub fn comment(self) -> Duration {
        self.beat.mul_f64(0.6)
    }

    /// How long what a client may resume is remembered: 5 min.
    pub fn resumable(self) -> Duration {
        self.beat * 12
    }
}
