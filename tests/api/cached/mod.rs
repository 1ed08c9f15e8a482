//! What the cache answers is what Postgres says: on every instance, as soon as a write is answered,
//! with Redis, without it, and with the cache off.

mod deeds;
mod late;
mod people;
mod relations;
mod spaces;

use std::fmt::Debug;
use std::time::{Duration, Instant};

use crate::support::{Session, TestApp, mode};

/// How kith caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// In the process and in Redis, if the tests have one.
    Layered,
    /// In each process alone: another one knows of a change after a second at most, and at once
    /// where it decides who may see what.
    Alone,
    /// Not at all.
    Off,
}

/// Two instances on one database.
struct Pair {
    way: Way,
    one: TestApp,
    other: TestApp,
}

impl Pair {
    async fn start(way: Way) -> Self {
        let settings: &[(&str, &str)] = match way {
            Way::Layered => &[],
            Way::Alone => &[("REDIS_URL", "")],
            Way::Off => &[("KITH_CACHE", "off")],
        };
        let one = TestApp::start_with(settings).await;
        let other = one.start_beside(settings).await;
        Self { way, one, other }
    }

    /// The same person at the other instance.
    fn there(&self, session: &Session) -> Session {
        session.at(&self.other.url)
    }

    /// Whether there is a Redis between the two.
    fn shares(&self) -> bool {
        self.way == Way::Layered && mode::has_redis()
    }

    /// Fails the test unless the other instance says this: at once, or where nothing tells it of
    /// changes, within the second that it believes itself.
    async fn expect_there<T: PartialEq + Debug>(&self, expected: T, read: impl AsyncFn() -> T) {
        let patient = self.way != Way::Off && !self.shares();
        let limit = Duration::from_millis(if patient { 1_300 } else { 0 });
        expect_within(limit, expected, read).await;
    }
}

/// Reads until the answer is as expected, and fails the test when it takes longer than this.
async fn expect_within<T: PartialEq + Debug>(
    limit: Duration,
    expected: T,
    read: impl AsyncFn() -> T,
) {
    let began = Instant::now();
    loop {
        let found = read().await;
        if found == expected {
            return;
        }
        assert!(
            began.elapsed() < limit,
            "{found:?} and not {expected:?} after {:?}",
            began.elapsed()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Tests each of these in all three ways.
macro_rules! in_three_ways {
    ($($body:ident),+ $(,)?) => {
        mod layered {
            $(#[tokio::test] async fn $body() {
                super::$body(crate::cached::Pair::start(crate::cached::Way::Layered).await).await;
            })+
        }
        mod alone {
            $(#[tokio::test] async fn $body() {
                super::$body(crate::cached::Pair::start(crate::cached::Way::Alone).await).await;
            })+
        }
        mod off {
            $(#[tokio::test] async fn $body() {
                super::$body(crate::cached::Pair::start(crate::cached::Way::Off).await).await;
            })+
        }
    };
}
use in_three_ways;
