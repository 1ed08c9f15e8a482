//! What was measured, counted while it happens.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::mix::Op;
use super::wire::Answer;

/// Three digits of every time, in microseconds.
const DIGITS: u8 = 3;
/// What the histograms hold at most.
const LONGEST_US: u64 = 600_000_000;
/// So many of the slowest answers are remembered with what they told about themselves.
const SLOWEST: usize = 100;

/// How many requests needed how many of something; empty when no answer told.
pub type Spread = BTreeMap<u32, u64>;

/// The figures of one operation, or of all.
pub struct Figures {
    /// Times of the answers below 500, in microseconds from the intended start.
    pub times: Histogram<u64>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests without an answer, by reason.
    pub failed: BTreeMap<String, u64>,
    /// Reads that told of the cache: hits and others, by detail.
    pub hits: BTreeMap<String, u64>,
    /// Reads that told of no hit, by reason.
    pub misses: BTreeMap<String, u64>,
    /// Entries that reads asked the cache for, by space and by the layer that had them.
    pub entries: BTreeMap<String, BTreeMap<String, u64>>,
    /// SQL statements of a request.
    pub sql: Spread,
    /// Round trips to Redis of a request.
    pub redis: Spread,
    /// 429 and 503 without `Retry-After`.
    pub without_retry_after: u64,
    /// `Server-Timing` of the slowest answers, by their time in microseconds.
    pub slowest: BTreeMap<u64, String>,
}

impl Figures {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            times: Histogram::new_with_bounds(1, LONGEST_US, DIGITS)?,
            statuses: BTreeMap::new(),
            failed: BTreeMap::new(),
            hits: BTreeMap::new(),
            misses: BTreeMap::new(),
            entries: BTreeMap::new(),
            sql: Spread::new(),
            redis: Spread::new(),
            without_retry_after: 0,
            slowest: BTreeMap::new(),
        })
    }

    fn add(&mut self, read: bool, answer: &Answer, took: Duration) {
        *self.statuses.entry(answer.status).or_default() += 1;
        if answer.status < 500 {
            let micros = u64::try_from(took.as_micros()).unwrap_or(LONGEST_US);
            self.times.saturating_record(micros.max(1));
            self.add_slow(micros, answer);
        }
        if matches!(answer.status, 429 | 503) && !answer.retry_after {
            self.without_retry_after += 1;
        }
        if let (true, Some((hit, detail))) = (read, &answer.cache) {
            let counts = if *hit {
                &mut self.hits
            } else {
                &mut self.misses
            };
            *entry(counts, detail) += 1;
        }
        if let (true, Some(text)) = (read, &answer.entries) {
            self.add_entries(text);
        }
        if let Some(sql) = answer.sql {
            *self.sql.entry(sql).or_default() += 1;
        }
        if let Some(redis) = answer.redis {
            *self.redis.entry(redis).or_default() += 1;
        }
    }

    fn add_slow(&mut self, micros: u64, answer: &Answer) {
        let quickest = self.slowest.keys().next().copied().unwrap_or_default();
        if self.slowest.len() < SLOWEST || micros > quickest {
            let told = answer.timing.clone().unwrap_or_default();
            self.slowest.insert(micros, told);
            if self.slowest.len() > SLOWEST {
                self.slowest.pop_first();
            }
        }
    }

    fn add_entries(&mut self, text: &str) {
        for space in text.split(", ") {
            let mut words = space.split(' ');
            let layers = entry(&mut self.entries, words.next().unwrap_or_default());
            for (layer, count) in words.filter_map(|word| word.split_once('=')) {
                *entry(layers, layer) += count.parse::<u64>().unwrap_or_default();
            }
        }
    }

    /// The share of entries, among all that reads asked for, that the cache had.
    pub fn entry_hit_rate(&self) -> Option<f64> {
        let layers = || self.entries.values().flatten();
        let all: u64 = layers().map(|(_, count)| count).sum();
        let missed: u64 = layers()
            .filter(|(layer, _)| *layer == "miss")
            .map(|(_, count)| count)
            .sum();
        (all > 0).then(|| (all - missed) as f64 / all as f64)
    }

    /// Answers of any status.
    pub fn answers(&self) -> u64 {
        self.statuses.values().sum()
    }

    /// Requests that had an answer or failed.
    pub fn ended(&self) -> u64 {
        self.answers() + self.failed.values().sum::<u64>()
    }

    /// Answers that were no refusal and no fault.
    pub fn good(&self) -> u64 {
        self.statuses.range(..400).map(|(_, count)| count).sum()
    }

    /// Answers of 500 and more.
    pub fn server_errors(&self) -> u64 {
        self.statuses.range(500..).map(|(_, count)| count).sum()
    }

    /// The share of hits among the reads that told of the cache.
    pub fn hit_rate(&self) -> Option<f64> {
        let (hits, misses): (u64, u64) = (self.hits.values().sum(), self.misses.values().sum());
        (hits + misses > 0).then(|| hits as f64 / (hits + misses) as f64)
    }

    /// A quantile of the times, in milliseconds.
    pub fn millis(&self, quantile: f64) -> f64 {
        self.times.value_at_quantile(quantile) as f64 / 1_000.0
    }

    /// The longest time, in milliseconds.
    pub fn longest_millis(&self) -> f64 {
        self.times.max() as f64 / 1_000.0
    }
}

/// The value under `name`.
fn entry<'a, V: Default>(map: &'a mut BTreeMap<String, V>, name: &str) -> &'a mut V {
    map.entry(name.to_owned()).or_default()
}

/// The mean of a spread.
pub fn mean(spread: &Spread) -> Option<f64> {
    let count: u64 = spread.values().sum();
    let sum: u64 = spread
        .iter()
        .map(|(value, count)| u64::from(*value) * count)
        .sum();
    (count > 0).then(|| sum as f64 / count as f64)
}

/// One second of a run.
#[derive(Debug, Default, Clone, Copy)]
pub struct Second {
    /// Answers of any status.
    pub answers: u64,
    /// Answers of 500 and more, and requests without an answer.
    pub broken: u64,
    /// Reads that were hits.
    pub hits: u64,
    /// Reads that told of the cache.
    pub told: u64,
}

/// The figures of a run.
pub struct Tally {
    /// In all.
    pub all: Figures,
    /// By operation.
    pub by_op: BTreeMap<Op, Figures>,
    /// Second by second, by the time of the answer.
    pub seconds: Vec<Second>,
    began: Instant,
}

impl Tally {
    /// Nothing yet.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            all: Figures::new()?,
            by_op: BTreeMap::new(),
            seconds: Vec::new(),
            began: Instant::now(),
        })
    }

    /// Adds an answer, or why there was none.
    pub fn add(
        &mut self,
        op: Op,
        outcome: &std::io::Result<Answer>,
        took: Duration,
    ) -> anyhow::Result<()> {
        let second = self.second();
        match outcome {
            Ok(answer) => {
                second.answers += 1;
                second.broken += u64::from(answer.status >= 500);
                if let (true, Some((hit, _))) = (op.reads(), &answer.cache) {
                    second.told += 1;
                    second.hits += u64::from(*hit);
                }
            }
            Err(_) => second.broken += 1,
        }
        let of_op = match self.by_op.entry(op) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Figures::new()?),
        };
        for figures in [&mut self.all, of_op] {
            match outcome {
                Ok(answer) => figures.add(op.reads(), answer, took),
                Err(error) => *figures.failed.entry(error.kind().to_string()).or_default() += 1,
            }
        }
        Ok(())
    }

    fn second(&mut self) -> &mut Second {
        let place = usize::try_from(self.began.elapsed().as_secs()).unwrap_or_default();
        if self.seconds.len() <= place {
            self.seconds.resize(place + 1, Second::default());
        }
        // The line above made sure of it.
        self.seconds
            .get_mut(place)
            .unwrap_or_else(|| unreachable!("the second was made"))
    }
}
