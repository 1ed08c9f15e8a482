//! Time, handed in: nothing in kith reads the wall clock by itself, so a test can move it.

use std::fmt;

use chrono::{DateTime, Datelike as _, DurationRound, SecondsFormat, TimeDelta, Utc};
use serde::de::{Error as _, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The present instant, to the microsecond (what Postgres stores).
    fn now(&self) -> Timestamp;
}

/// The wall clock of the machine.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that reads the wall clock"
        )]
        Timestamp::new(Utc::now())
    }
}

/// An instant in UTC, to the microsecond. On the wire it is RFC 3339 with `Z` and exactly three
/// fraction digits; inside it keeps its microseconds, so that orders and cursors are exact.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// Cuts `at` to whole microseconds.
    pub fn new(at: DateTime<Utc>) -> Self {
        Self(at.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(at))
    }

    /// The instant as chrono's type.
    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }

    /// Microseconds since 1970.
    pub fn micros(self) -> i64 {
        self.0.timestamp_micros()
    }

    /// The instant `micros` microseconds after 1970; `None` outside chrono's range.
    pub fn from_micros(micros: i64) -> Option<Self> {
        DateTime::from_timestamp_micros(micros).map(Self)
    }

    /// Whole seconds from `earlier` until `self`; negative when `self` came first.
    pub fn seconds_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).num_seconds()
    }
}

/// An instant as whole microseconds, where nothing of it may be lost: in payloads of events and jobs.
pub mod micros {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Timestamp;

    /// Writes the microseconds since 1970.
    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.micros())
    }

    /// Reads them.
    pub fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<Timestamp, D::Error> {
        let micros = i64::deserialize(reader)?;
        Timestamp::from_micros(micros).ok_or_else(|| serde::de::Error::custom("no such instant"))
    }
}

impl std::ops::Add<TimeDelta> for Timestamp {
    type Output = Self;
    fn add(self, delta: TimeDelta) -> Self {
        Self(self.0 + delta)
    }
}

impl std::ops::Sub<TimeDelta> for Timestamp {
    type Output = Self;
    fn sub(self, delta: TimeDelta) -> Self {
        Self(self.0 - delta)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(at: DateTime<Utc>) -> Self {
        Self::new(at)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// For people and clients it is RFC 3339; in formats that nobody reads, such as cached entries, it
/// is microseconds, none of them lost.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(self.micros())
        }
    }
}

/// Reads RFC 3339 and nothing else. An instant that its rendering in UTC has no four digits for a year for
/// could be told to nobody.
struct Rfc3339;

impl Visitor<'_> for Rfc3339 {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an instant in RFC 3339, as 2026-01-31T12:00:00Z")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
        let at = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
        match at {
            Ok(at) if (0..=9999).contains(&at.year()) => Ok(at.into()),
            _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_str(Rfc3339);
        }
        let micros = i64::deserialize(deserializer)?;
        Self::from_micros(micros).ok_or_else(|| D::Error::custom("outside of the calendar"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_rendered_with_exactly_three_fraction_digits() {
        let at = Timestamp::from_micros(1_700_000_000_120_999);
        assert_eq!(
            at.map(|at| at.to_string()).as_deref(),
            Some("2023-11-14T22:13:20.120Z")
        );
    }

    #[test]
    fn an_instant_is_read_from_rfc_3339_alone() {
        let read = |text: &str| serde_json::from_value::<Timestamp>(text.into());
        let at = read("2030-01-31T23:30:00+01:00").map(|at| at.to_string());
        assert_eq!(at.expect("reads"), "2030-01-31T22:30:00.000Z");
        for bad in [
            "2030-1-1 0:0:0 UTC",
            "-200000-01-01T00:00:00Z",
            "+262142-12-31T23:59:59Z",
            "9999-12-31T23:59:59-01:00",
            "2030-01-31",
            "",
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
