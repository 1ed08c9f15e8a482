//! Chance that repeats itself: ids and generators that follow from the seed number, the source, the
//! kind of thing and its place, and from nothing else. So neither the order in which things are
//! made nor what else is made changes an id.

use chrono::TimeDelta;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};

use crate::kernel::Timestamp;
use crate::kernel::ids::Id;

/// What an id or a generator is for.
#[derive(Debug, Clone, Copy)]
pub enum Thing {
    /// A person.
    Person,
    /// The friends of a person, a friendship.
    Friendship,
    /// A request for friendship.
    Request,
    /// A circle.
    Circle,
    /// A post.
    Post,
    /// A comment.
    Comment,
    /// All that a person does.
    Doings,
    /// A conversation.
    Conversation,
    /// A message.
    Message,
}

/// The source of all chance of one load.
#[derive(Debug, Clone)]
pub struct Draw {
    key: u64,
}

impl Draw {
    /// Chance for one seed number and one source; `source` tells data sets apart.
    pub fn new(seed: u64, source: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"kith seeds 1");
        hash.update(seed.to_be_bytes());
        hash.update(source);
        let digest = hash.finalize();
        let key = digest
            .iter()
            .take(8)
            .fold(0_u64, |key, byte| (key << 8) | u64::from(*byte));
        Self { key }
    }

    /// The id of the `index`th thing of its kind, made at `at`.
    pub fn id<I: Id>(&self, thing: Thing, index: u64, at: Timestamp) -> I {
        let first = self.bits(thing, index);
        let second = mix(first);
        id_at(
            at,
            first.to_be_bytes().into_iter().chain(second.to_be_bytes()),
        )
    }

    /// A generator for the `index`th thing of its kind.
    pub fn rng(&self, thing: Thing, index: u64) -> StdRng {
        StdRng::seed_from_u64(mix(!self.bits(thing, index)))
    }

    fn bits(&self, thing: Thing, index: u64) -> u64 {
        let kind = match thing {
            Thing::Person => 1,
            Thing::Friendship => 2,
            Thing::Request => 3,
            Thing::Circle => 4,
            Thing::Post => 5,
            Thing::Comment => 6,
            Thing::Doings => 7,
            Thing::Conversation => 8,
            Thing::Message => 9,
        };
        mix(mix(self.key ^ mix(kind)) ^ index)
    }
}

/// The id, made at `at`, of what follows from things that have ids themselves: `name` tells which.
pub fn derived_id<I: Id>(name: &str, at: Timestamp) -> I {
    id_at(at, Sha256::digest(name.as_bytes()))
}

/// A `UUIDv7` of this instant; its other bits are the first of `bytes`.
fn id_at<I: Id>(at: Timestamp, bytes: impl IntoIterator<Item = u8>) -> I {
    let millis = u64::try_from(at.micros() / 1_000).unwrap_or_default();
    let mut random = [0; 10];
    for (slot, byte) in random.iter_mut().zip(bytes) {
        *slot = byte;
    }
    I::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}

/// Spreads a change of one bit over all of them (the finishing step of `SplitMix64`).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A number with a heavy tail: each doubling happens with the probability `again`.
pub fn heavy_tail(rng: &mut StdRng, again: f64, most: usize) -> usize {
    let mut number = 1;
    while number < most && rng.random_bool(again) {
        number = number * 2 + rng.random_range(0..=1);
    }
    number.min(most)
}

/// An instant from `from` until just before `to`; `from` when there is nothing between.
pub fn between(rng: &mut StdRng, from: Timestamp, to: Timestamp) -> Timestamp {
    let span = to.micros() - from.micros();
    if span <= 0 {
        return from;
    }
    from + TimeDelta::microseconds(rng.random_range(0..span))
}

/// One of some values, each with its weight.
pub fn weighted<T: Copy>(rng: &mut StdRng, options: &[(T, u32)], otherwise: T) -> T {
    let total: u32 = options.iter().map(|(_, weight)| weight).sum();
    if total == 0 {
        return otherwise;
    }
    let mut drawn = rng.random_range(0..total);
    for (value, weight) in options {
        if drawn < *weight {
            return *value;
        }
        drawn -= weight;
    }
    otherwise
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::PostId;

    #[test]
    fn an_id_follows_from_seed_source_kind_and_place_alone() {
        let at = Timestamp::from_micros(1_700_000_000_000_000).expect("in range");
        let id = |seed, source: &[u8], thing, index| -> PostId {
            Draw::new(seed, source).id(thing, index, at)
        };
        let one = id(42, b"demo", Thing::Post, 1);
        assert_eq!(one, id(42, b"demo", Thing::Post, 1));
        for other in [
            id(43, b"demo", Thing::Post, 1),
            id(42, b"graph", Thing::Post, 1),
            id(42, b"demo", Thing::Comment, 1),
            id(42, b"demo", Thing::Post, 2),
        ] {
            assert_ne!(one, other);
        }
        assert_eq!(one.uuid().get_version_num(), 7);
    }

    #[test]
    fn a_derived_id_is_of_its_time_and_follows_from_its_name() {
        let at = Timestamp::from_micros(1_700_000_000_123_000).expect("in range");
        let one: PostId = derived_id("a", at);
        assert_eq!(one, derived_id("a", at));
        assert_ne!(one, derived_id("b", at));
        assert_eq!(one.uuid().get_version_num(), 7);
        let (secs, nanos) = one.uuid().get_timestamp().expect("a time").to_unix();
        assert_eq!((secs, nanos), (1_700_000_000, 123_000_000));
    }

    #[test]
    fn a_heavy_tail_is_mostly_small_and_sometimes_at_its_bound() {
        let mut rng = Draw::new(1, b"").rng(Thing::Doings, 0);
        let drawn: Vec<usize> = (0..2_000).map(|_| heavy_tail(&mut rng, 0.6, 200)).collect();
        assert!(drawn.iter().filter(|n| **n <= 3).count() > 1_000);
        assert!(drawn.contains(&200));
        assert!(drawn.iter().all(|n| (1..=200).contains(n)));
    }
}
