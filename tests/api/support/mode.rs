//! In which mode the tests run: with Redis, without it, or with the cache off. `scripts/test` runs
//! them in all three.

use std::io::Write as _;

/// What the applications under test have beside Postgres.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Redis, and the cache on.
    Redis,
    /// No Redis.
    Alone,
    /// Redis, and the cache off.
    Off,
}

impl Mode {
    /// The mode of this run: `KITH_TEST_MODE`; where it says nothing, with Redis if there is one.
    pub fn of_run() -> Self {
        let has_server = std::env::var("REDIS_URL").is_ok_and(|url| !url.is_empty());
        let mode = match std::env::var("KITH_TEST_MODE").as_deref() {
            Ok("redis") => Self::Redis,
            Ok("alone") => Self::Alone,
            Ok("off") => Self::Off,
            Ok(other) => panic!("KITH_TEST_MODE is redis, alone or off, and not {other}"),
            Err(_unset) if has_server => Self::Redis,
            Err(_unset) => Self::Alone,
        };
        assert!(
            mode == Self::Alone || has_server,
            "the mode {mode:?} takes a Redis: set REDIS_URL"
        );
        mode
    }

    /// The Redis of the applications under test.
    pub fn redis_url(self) -> Option<String> {
        let url = || std::env::var("REDIS_URL").expect("REDIS_URL names a server for tests");
        (self != Self::Alone).then(url)
    }

    /// Its settings.
    pub fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Redis | Self::Alone => &[],
            Self::Off => &[("KITH_CACHE", "off")],
        }
    }
}

/// Whether the applications under test have a Redis.
pub fn has_redis() -> bool {
    Mode::of_run() != Mode::Alone
}

/// Whether they read from a cache that they share.
pub fn has_shared_cache() -> bool {
    Mode::of_run() == Mode::Redis
}

/// Says whether `part` is there. A test that cannot do without it ends if it is not, and is counted
/// and named at the end of the run.
pub fn needs(part: &str, there: bool) -> bool {
    if there {
        return true;
    }
    let test = std::thread::current();
    let test = test.name().unwrap_or("a test");
    eprintln!("{test} needs {part}");
    if let Ok(list) = std::env::var("KITH_TEST_SKIPS") {
        let list = std::fs::OpenOptions::new().append(true).open(list);
        let mut list = list.expect("the list of what was skipped");
        // One write, so that lines of several processes do not mix.
        let line = format!("{test} needs {part}\n");
        list.write_all(line.as_bytes()).expect("a line");
    }
    false
}
