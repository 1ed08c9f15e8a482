//! Counts SQL statements where sqlx tells of each that it has run.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, filter};

/// Where sqlx tells of statements: one event each, failed and abandoned ones too.
const TARGET: &str = "sqlx::query";

/// Whether any log of this process has the layer.
static IS_COUNTING: AtomicBool = AtomicBool::new(false);

/// Whether statements are counted in this process. If not, a count of none says nothing.
pub fn are_statements_counted() -> bool {
    IS_COUNTING.load(Ordering::Relaxed)
}

static COUNT: AtomicU64 = AtomicU64::new(0);
static NANOS: AtomicU64 = AtomicU64::new(0);

/// What this process has run since its start, for requests and otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ran {
    /// Statements.
    pub count: u64,
    /// Their time in microseconds.
    pub micros: u64,
}

/// What this process has run, if statements are counted.
pub fn statements() -> Ran {
    Ran {
        count: COUNT.load(Ordering::Relaxed),
        micros: NANOS.load(Ordering::Relaxed) / 1_000,
    }
}

/// A layer of the log that counts each SQL statement into the meter of the request that ran it.
///
/// It has a filter of its own, so that no other event costs anything, and the log's filter decides
/// as before what is printed. It costs a statement about a microsecond, in which sqlx writes the
/// statement's text for whoever wants it.
#[derive(Debug)]
pub struct Statements(());

impl Statements {
    /// The layer with its filter; give it to the subscriber beside the one that prints.
    pub fn layer<S>() -> impl Layer<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        IS_COUNTING.store(true, Ordering::Relaxed);
        let tells_of_statements = |metadata: &Metadata<'_>| metadata.target() == TARGET;
        Self(()).with_filter(
            filter::filter_fn(tells_of_statements).with_max_level_hint(filter::LevelFilter::DEBUG),
        )
    }
}

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut elapsed = Elapsed::default();
        event.record(&mut elapsed);
        COUNT.fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(elapsed.0.as_nanos()).unwrap_or(u64::MAX);
        NANOS.fetch_add(nanos, Ordering::Relaxed);
        super::sql(elapsed.0);
    }
}

/// The time that an event of sqlx names.
#[derive(Default)]
struct Elapsed(Duration);

impl Visit for Elapsed {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "elapsed_secs" {
            self.0 = Duration::try_from_secs_f64(value).unwrap_or_default();
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
