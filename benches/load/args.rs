//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::mix::{MIXES, Mix};
use super::scenarios::Live;

/// Measures a running kith over HTTP.
#[derive(Debug, Parser)]
#[command(
    name = "load",
    about,
    after_help = "Run it as `kith dev -- cargo bench --bench load -- mix dsb --graph FILE`. Without \
                  --url it makes a database, loads the graph into it and starts `kith serve` itself."
)]
pub struct Cli {
    /// What is measured.
    #[command(subcommand)]
    pub scenario: Scenario,
    /// What all scenarios understand.
    #[command(flatten)]
    pub common: Common,
}

/// What is measured.
#[derive(Debug, Subcommand)]
pub enum Scenario {
    /// One mix: its saturation, then its times at half of that (or at --rate; or --closed alone)
    Mix {
        /// The mix; `mixes` lists them
        #[arg(value_parser = mix)]
        name: &'static Mix,
    },
    /// List the mixes
    Mixes,
    /// Hot home feeds against GET /livez, in turns; then feeds at half of their saturation
    FeedVsLivez,
    /// Posts by people with many friends and with few: how long they take, and when friends see them
    FanOut,
    /// What a post costs beside 1,000 and beside 100,000 warm timelines
    WarmTimelines {
        /// The fewer timelines
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
        few: u64,
        /// The more timelines
        #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
        many: u64,
    },
    /// 1,000 concurrent reads of one post that no cache holds, over two servers
    Misses {
        /// Reads at once
        #[arg(long, default_value_t = 1_000)]
        reads: usize,
        /// How often it is repeated, with another post
        #[arg(long, default_value_t = 10)]
        rounds: usize,
    },
    /// Redis killed and restarted empty in the middle of `dsb`
    RedisKilled,
    /// The rate of posts with and without the triggers that void cache entries
    Triggers,
    /// What is told live
    #[command(flatten)]
    Live(Live),
}

/// What all scenarios understand.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// A file of friendships (`a b` a line) to load into a fresh database
    #[arg(long, global = true, value_name = "FILE")]
    pub graph: Option<PathBuf>,
    /// Posts of each person of the graph
    #[arg(long, global = true, default_value_t = 10, value_name = "N")]
    pub posts_per_user: u32,
    /// A running kith to measure instead; several times for several instances. `DATABASE_URL`
    /// and `KITH_JWT_KEYS` have to be its own, and its limits off
    #[arg(long, global = true, value_name = "URL", conflicts_with = "graph")]
    pub url: Vec<String>,
    /// The process of a kith that --url names, for its CPU time; several times for several
    #[arg(long, global = true, value_name = "PID", requires = "url")]
    pub pid: Vec<u32>,
    /// Servers to start
    #[arg(long, global = true, default_value_t = 1, value_name = "N", value_parser = at_least_one)]
    pub instances: usize,
    /// Start them without Redis, even if there is a `REDIS_URL`
    #[arg(long, global = true)]
    pub no_redis: bool,
    /// A setting of the servers, as `KITH_CACHE=off`; several times for several
    #[arg(long, global = true, value_name = "NAME=VALUE", value_parser = setting)]
    pub set: Vec<(String, String)>,
    /// How long each measurement takes
    #[arg(long, global = true, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// How long the mix runs unmeasured before, after each feed and profile was read once
    #[arg(long, global = true, default_value_t = 5)]
    pub warm: u64,
    /// Requests a second, instead of half of the saturation of the same run
    #[arg(long, global = true, value_parser = rate)]
    pub rate: Option<f64>,
    /// Only the closed loop, with so many connections
    #[arg(long, global = true, value_name = "N", conflicts_with = "rate", value_parser = at_least_one)]
    pub closed: Option<usize>,
    /// Connections
    #[arg(long, global = true, default_value_t = 64, value_name = "N", value_parser = at_least_one)]
    pub connections: usize,
    /// Leave out the writes that are looked for afterwards on every server
    #[arg(long, global = true)]
    pub no_probe: bool,
    /// The same number draws the same requests
    #[arg(long, global = true, default_value_t = 42)]
    pub seed: u64,
    /// Write the figures there as well, as JSON
    #[arg(long, global = true, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

impl Common {
    /// The options that a figure depends on. Settings that may be secrets are named without their value.
    pub fn told(&self) -> serde_json::Value {
        let settings: Vec<String> = self
            .set
            .iter()
            .map(|(name, value)| {
                if name.contains("KEY") || name.contains("URL") {
                    name.clone()
                } else {
                    format!("{name}={value}")
                }
            })
            .collect();
        serde_json::json!({
            "graph": self.graph,
            "posts_per_user": self.posts_per_user,
            "instances": self.instances,
            "redis": self.redis().is_some(),
            "settings": settings,
            "seconds": self.seconds,
            "warm": self.warm,
            "rate": self.rate,
            "connections": self.closed.unwrap_or(self.connections),
            "seed": self.seed,
            "cores": std::thread::available_parallelism().map_or(0, usize::from),
            "debug_build": cfg!(debug_assertions),
        })
    }

    /// The Redis that the servers are given.
    pub fn redis(&self) -> Option<String> {
        let url = std::env::var("REDIS_URL").ok();
        url.filter(|url| !url.is_empty() && !self.no_redis)
    }
}

fn mix(name: &str) -> Result<&'static Mix, String> {
    Mix::named(name).ok_or_else(|| {
        let names: Vec<&str> = MIXES.iter().map(|mix| mix.name).collect();
        format!("the mixes are {}", names.join(", "))
    })
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("not of the form NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_error| "not a number")?;
    if rate.is_finite() && rate > 0.0 {
        Ok(rate)
    } else {
        Err("more than nothing, please".to_owned())
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least one".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("not a whole number".to_owned()),
    }
}
