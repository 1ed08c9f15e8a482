//! An entry as Redis holds it: a head of fixed shape, the stamps of its tags, the value.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A tag's stamp: 64 random bits, never a counter.
pub type Stamp = [u8; 8];

/// Raised when the head changes its shape.
const FORMAT: u8 = 1;
/// Milliseconds by which clocks may differ without anybody minding.
const CLOCKS_AGREE: u64 = 1_000;
const HEAD: usize = 1 + 8 + 4 + 1 + 1;

/// The head of an entry and where its value lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// Milliseconds since 1970 at which its load was done.
    pub(super) loaded_at: u64,
    /// Microseconds that its load took.
    pub(super) load_micros: u32,
    /// Whether there is a value; else "there is nothing" is what is known.
    pub(super) present: bool,
    /// The stamps of its tags as they were before its load began.
    pub(super) stamps: Vec<Stamp>,
}

impl Head {
    /// How long ago the load was, as far as clocks agree.
    pub(super) fn age(&self) -> Duration {
        Duration::from_millis(now_millis().saturating_sub(self.loaded_at))
    }

    /// Whether it seems to come from the future: the clock of whoever loaded it is ahead of this one.
    pub(super) fn is_misdated(&self) -> bool {
        self.loaded_at > now_millis().saturating_add(CLOCKS_AGREE)
    }

    /// Whether a value is older than it should be; "there is nothing" is gone before that.
    pub(super) fn is_stale(&self, fresh: Duration) -> bool {
        self.present && self.age() >= fresh
    }

    /// The bytes of the entry.
    pub(super) fn encode(&self, value: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + self.stamps.len() * 8 + value.len());
        bytes.push(FORMAT);
        bytes.extend_from_slice(&self.loaded_at.to_le_bytes());
        bytes.extend_from_slice(&self.load_micros.to_le_bytes());
        bytes.push(u8::from(self.present));
        bytes.push(u8::try_from(self.stamps.len()).unwrap_or(u8::MAX));
        for stamp in &self.stamps {
            bytes.extend_from_slice(stamp);
        }
        bytes.extend_from_slice(value);
        bytes
    }

    /// Reads an entry; `None` when the bytes are none of ours.
    pub(super) fn decode(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (format, rest) = bytes.split_first()?;
        let (loaded_at, rest) = rest.split_first_chunk::<8>()?;
        let (load_micros, rest) = rest.split_first_chunk::<4>()?;
        let (present, rest) = rest.split_first()?;
        let (count, mut rest) = rest.split_first()?;
        if *format != FORMAT || *present > 1 {
            return None;
        }
        let mut stamps = Vec::with_capacity(usize::from(*count));
        for _ in 0..*count {
            let (stamp, after) = rest.split_first_chunk::<8>()?;
            stamps.push(*stamp);
            rest = after;
        }
        let head = Self {
            loaded_at: u64::from_le_bytes(*loaded_at),
            load_micros: u32::from_le_bytes(*load_micros),
            present: *present == 1,
            stamps,
        };
        Some((head, rest))
    }
}

/// Milliseconds since 1970, by this machine's clock. Only ages are made of it, never orders.
pub(super) fn now_millis() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "an entry's age is real time: it ends in Redis by Redis's clock too"
    )]
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_reads_back_and_foreign_bytes_are_a_miss() {
        let head = Head {
            loaded_at: 1_700_000_000_000,
            load_micros: 1_500,
            present: true,
            stamps: vec![*b"12345678", *b"abcdefgh"],
        };
        let bytes = head.encode(b"value");
        assert_eq!(Head::decode(&bytes), Some((head, b"value".as_slice())));
        for length in 0..HEAD + 16 {
            assert_eq!(Head::decode(&bytes[..length]), None, "cut at {length}");
        }
        let mut other = bytes;
        other[0] = FORMAT + 1;
        assert_eq!(Head::decode(&other), None, "another format");
    }
}
