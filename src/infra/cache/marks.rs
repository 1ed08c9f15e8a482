//! The last void of each tag, in bounded memory.
//!
//! A table like a set-associative cache of a processor: the hash of a tag names a set, and a set has
//! room for the last voids of seven tags, told apart by the rest of the hash. Where an eighth comes,
//! the oldest makes room, and the set remembers its number as a floor: every tag of the set that it does not know
//! by itself counts as voided then. So what was read after the floor of its sets is never taken for
//! void because of others, and what is void is never taken for whole.
//!
//! With 32,768 sets that is exact for about the last 200,000 voids of tags. Plain counters, indexed by
//! the hash, would call void what shares a counter with any of them.

use std::sync::atomic::{AtomicU64, Ordering};

use ahash::RandomState;
use smallvec::SmallVec;

/// Sets have this many bits of a code; the others tell the tags of a set apart.
const SET_BITS: u32 = 15;
/// Tags that a set knows by themselves. With the floor it is one line of a processor's cache.
const WAYS: usize = 7;
/// A way holds the rest of a code above this many bits of a number.
const NUMBER_BITS: u32 = 64 - (u32::BITS - SET_BITS);
/// The highest number that a way has room for.
const MOST: u64 = (1 << NUMBER_BITS) - 1;

/// The hash of a tag.
pub(super) type TagCode = u32;
/// The hashes of an entry's tags.
pub(super) type TagCodes = SmallVec<[TagCode; 4]>;

/// Hashes tags, the same for all tables of a process.
pub(super) struct TagHash(RandomState);

impl TagHash {
    pub(super) fn new() -> Self {
        Self(RandomState::new())
    }

    pub(super) fn code(&self, tag: &str) -> TagCode {
        let [a, b, c, d, ..] = self.0.hash_one(tag).to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    pub(super) fn codes<T: AsRef<str>>(&self, tags: &[T]) -> TagCodes {
        tags.iter().map(|tag| self.code(tag.as_ref())).collect()
    }
}

/// The table.
pub(super) struct Marks(Box<[Set]>);

#[derive(Default)]
#[repr(align(64))]
struct Set {
    /// The last void of all tags that have made room.
    floor: AtomicU64,
    /// The rest of a code and the number of its last void; zero is a way that nobody has taken.
    ways: [AtomicU64; WAYS],
}

impl Marks {
    /// Without any void.
    pub(super) fn new() -> Self {
        Self((0..1 << SET_BITS).map(|_| Set::default()).collect())
    }

    /// Notes that void `number` named this tag.
    pub(super) fn mark(&self, code: TagCode, number: u64) {
        if let Some(set) = self.set(code) {
            set.mark(rest_of(code), number);
        }
    }

    /// The last void that may have named this tag.
    pub(super) fn last(&self, code: TagCode) -> u64 {
        self.set(code)
            .map_or(u64::MAX, |set| set.last(rest_of(code)))
    }

    fn set(&self, code: TagCode) -> Option<&Set> {
        let nth = usize::try_from(code >> (u32::BITS - SET_BITS)).ok()?;
        self.0.get(nth)
    }
}

impl Set {
    fn mark(&self, rest: u64, number: u64) {
        if number > MOST {
            self.floor.fetch_max(number, Ordering::AcqRel);
            return;
        }
        loop {
            let Some((way, seen)) = self.way_for(rest) else {
                return;
            };
            let (other, before) = parts(seen);
            if other == rest {
                if before >= number {
                    return;
                }
            } else if before > number {
                // All that stand here are younger.
                self.floor.fetch_max(number, Ordering::AcqRel);
                return;
            } else {
                // Before it makes room: whoever does not find it finds the floor.
                self.floor.fetch_max(before, Ordering::AcqRel);
            }
            let mine = rest << NUMBER_BITS | number;
            let placed = way.compare_exchange(seen, mine, Ordering::AcqRel, Ordering::Acquire);
            if placed.is_ok() {
                return;
            }
        }
    }

    /// The way of a tag, or that of the oldest void, with what stands there.
    fn way_for(&self, rest: u64) -> Option<(&AtomicU64, u64)> {
        let ways = self.ways.iter();
        ways.map(|way| (way, way.load(Ordering::Acquire)))
            .min_by_key(|(_, seen)| {
                let (other, number) = parts(*seen);
                (other != rest, number)
            })
    }

    fn last(&self, rest: u64) -> u64 {
        let ways = self.ways.iter().map(|way| way.load(Ordering::Acquire));
        let own = ways.map(parts).filter(|(other, _)| *other == rest);
        let own = own.map(|(_, number)| number).max();
        // After the ways: a tag that has made room meanwhile is in it.
        let floor = self.floor.load(Ordering::Acquire);
        own.map_or(floor, |number| number.max(floor))
    }
}

/// What tells a tag from the others of its set.
fn rest_of(code: TagCode) -> u64 {
    u64::from(code & (TagCode::MAX >> SET_BITS))
}

/// The rest of a code, and a number.
fn parts(way: u64) -> (u64, u64) {
    (way >> NUMBER_BITS, way & MOST)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// A tag of set 0.
    fn code(rest: u32) -> TagCode {
        rest
    }

    #[test]
    fn a_void_of_one_tag_says_nothing_of_another() {
        let marks = Marks::new();
        marks.mark(code(1), 10);
        marks.mark(code(2), 12);
        let last = [1, 2, 3].map(|rest| marks.last(code(rest)));
        assert_eq!(last, [10, 12, 0]);
        marks.mark(code(1), 9);
        assert_eq!(marks.last(code(1)), 10, "the older one came later");
    }

    #[test]
    fn a_hundred_thousand_voids_leave_what_they_do_not_name() {
        let (marks, hash) = (Marks::new(), TagHash::new());
        for number in 1..=100_000 {
            marks.mark(hash.code(&format!("post:{number}")), number);
        }
        let touched = (0..10_000)
            .filter(|nth| marks.last(hash.code(&format!("user:{nth}"))) > 0)
            .count();
        assert!(touched < 500, "{touched} of 10,000 count as void");
    }

    #[test]
    fn the_oldest_makes_room_and_is_remembered_by_the_floor() {
        let marks = Marks::new();
        for rest in 1..=8 {
            marks.mark(code(rest), 10 + u64::from(rest));
        }
        assert_eq!(marks.last(code(1)), 11, "it made room");
        assert_eq!(marks.last(code(8)), 18);
        assert_eq!(marks.last(code(9)), 11, "never voided, and not known");
    }

    #[test]
    fn a_number_too_large_for_a_way_voids_its_whole_set() {
        let marks = Marks::new();
        marks.mark(code(1), MOST + 5);
        assert_eq!(marks.last(code(2)), MOST + 5);
    }

    proptest! {
        /// What is void is never taken for whole, in whatever order it is learned of.
        #[test]
        fn no_void_is_forgotten(voids in prop::collection::vec((0..40_u32, 1..200_u64), 1..300)) {
            let (marks, mut truth) = (Marks::new(), HashMap::new());
            for (rest, number) in voids {
                marks.mark(code(rest), number);
                let last: &mut u64 = truth.entry(rest).or_default();
                *last = number.max(*last);
                for (rest, number) in &truth {
                    prop_assert!(marks.last(code(*rest)) >= *number);
                }
            }
        }
    }

    #[test]
    fn nor_is_one_while_others_mark_at_the_same_time() {
        let marks = Marks::new();
        std::thread::scope(|scope| {
            for thread in 0..4_u32 {
                let marks = &marks;
                scope.spawn(move || {
                    for number in 1..20_000_u64 {
                        let own = code(thread * 5 + u32::try_from(number % 5).unwrap_or(0));
                        marks.mark(own, number);
                        assert!(marks.last(own) >= number, "forgotten at once");
                    }
                });
            }
        });
    }
}
