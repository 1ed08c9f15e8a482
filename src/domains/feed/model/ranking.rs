//! The order of a feed with what is talked about first.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::domains::posts::Post;
use crate::kernel::Timestamp;
use crate::kernel::page::SortKey;

/// A place in a ranking: what follows it, best first.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd)]
pub struct Ranking(pub Vec<Uuid>);

impl SortKey for Ranking {
    fn lowest() -> Self {
        Self::default()
    }
    fn highest() -> Self {
        Self::default()
    }
}

/// Sixteen bytes an id, as text: a cursor is part of an address.
impl Serialize for Ranking {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(Uuid::as_bytes).copied().collect();
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Ranking {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(serde::de::Error::custom)?;
        let ids = bytes.chunks_exact(16).map(Uuid::from_slice);
        let ids = ids.collect::<Result<_, _>>();
        ids.map(Self).map_err(serde::de::Error::custom)
    }
}

/// What is said of a post, weighed as trending posts are, over its age: twice as much makes up for
/// some hours. A post that nobody has spoken of counts by its age alone.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "ranks need not be exact"
)]
pub fn score(post: &Post, now: Timestamp) -> i64 {
    let counts = &post.counts;
    let weight = 1
        + counts.reactions.total()
        + 2 * i64::from(counts.comments)
        + 3 * i64::from(counts.shares);
    let age = now.micros().saturating_sub(post.created_at.micros());
    let hours = age.max(0) as f64 / 3.6e9;
    (1e6 * weight as f64 / (hours + 2.0).powf(1.5)) as i64
}
