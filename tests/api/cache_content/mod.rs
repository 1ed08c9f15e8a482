//! What is cached of content is right on every instance: with Redis, without it, and without a cache.

mod changes;
mod loads;
mod marks;
mod sight;
mod threads;

use std::time::{Duration, Instant};

use crate::support::mode::Mode;
use crate::support::{Session, TestApp};

/// What instances have to read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Redis,
    Alone,
    Off,
}

/// Two instances over one database.
struct Pair {
    one: TestApp,
    other: TestApp,
    how: How,
}

impl Pair {
    async fn start(how: How) -> Self {
        // The mode of the run may have less than that.
        let how = match (Mode::of_run(), how) {
            (Mode::Off, _) | (_, How::Off) => How::Off,
            (Mode::Alone, _) => How::Alone,
            (Mode::Redis, how) => how,
        };
        let settings: &[(&str, &str)] = match how {
            How::Redis => &[],
            How::Alone => &[("REDIS_URL", "")],
            How::Off => &[("KITH_CACHE", "off")],
        };
        let one = TestApp::start_with(settings).await;
        let other = one.start_beside(settings).await;
        let pair = Self { one, other, how };
        for app in [&pair.one, &pair.other] {
            let up = async || how != How::Redis || app.ctx.redis().is_up();
            within(Duration::from_secs(2), "Redis is up", up).await;
        }
        pair
    }

    /// The same person at the other instance.
    fn at_other(&self, person: &Session) -> Session {
        person.at(&self.other.url)
    }

    /// Holds at the first look; only without Redis, where instances know nothing of each other, it
    /// may take a second.
    async fn sees(&self, what: &str, check: impl AsyncFn() -> bool) {
        match self.how {
            How::Redis | How::Off => assert!(check().await, "{what} ({:?})", self.how),
            How::Alone => within(Duration::from_millis(1_500), what, check).await,
        }
    }
}

/// Holds within a time.
async fn within(time: Duration, what: &str, check: impl AsyncFn() -> bool) {
    let until = Instant::now() + time;
    while !check().await {
        assert!(Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Makes three tests of each body.
macro_rules! in_each_way {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use super::super::{How, Pair};

            #[tokio::test]
            async fn with_redis() {
                super::$name(Pair::start(How::Redis).await).await;
            }
            #[tokio::test]
            async fn without_redis() {
                super::$name(Pair::start(How::Alone).await).await;
            }
            #[tokio::test]
            async fn without_a_cache() {
                super::$name(Pair::start(How::Off).await).await;
            }
        }
    )+};
}
use in_each_way;
