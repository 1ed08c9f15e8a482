//! Merging sources of posts into one list: no further down than the shallowest of them is complete.

use crate::domains::feed::cache::{Spot, Stretch};

/// Posts of all sources together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Newest first.
    pub spots: Vec<Spot>,
    /// Down to where they are all there is; `None`: to the end of the feed.
    pub floor: Option<Spot>,
    /// Whether the source that ends at the floor has more below it.
    pub more: bool,
}

/// Merges stretches, and `single` posts from elsewhere, into the posts below `from`.
pub fn merge(stretches: &[Stretch], single: &[Spot], from: Option<Spot>) -> Merged {
    // A source that was cut ends at the last post that it gave; a mark further up ends it there.
    let floors = stretches.iter().map(|stretch| {
        let last = stretch.spots.last().copied().filter(|_| stretch.cut);
        let floor = last.max(stretch.mark);
        (
            floor,
            floor.is_some() && last == floor && last != stretch.mark,
        )
    });
    let (floor, more) = floors.max().unwrap_or((None, false));
    let all = stretches.iter().flat_map(|stretch| &stretch.spots);
    let mut spots: Vec<Spot> = all
        .chain(single)
        .copied()
        .filter(|spot| floor.is_none_or(|floor| *spot >= floor))
        .filter(|spot| from.is_none_or(|from| *spot < from))
        .collect();
    spots.sort_unstable_by(|one, other| other.cmp(one));
    spots.dedup();
    Merged { spots, floor, more }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn spot(number: u64) -> Spot {
        (
            i64::try_from(number).expect("small"),
            Uuid::from_u128(u128::from(number)),
        )
    }

    fn stretch(numbers: &[u64], mark: Option<u64>, cut: bool) -> Stretch {
        Stretch {
            spots: numbers.iter().map(|number| spot(*number)).collect(),
            mark: mark.map(spot),
            cut,
            worn: false,
        }
    }

    fn numbers(merged: &Merged) -> Vec<i64> {
        merged.spots.iter().map(|(micros, _)| *micros).collect()
    }

    #[test]
    fn sources_are_merged_newest_first_without_doubles() {
        let merged = merge(
            &[stretch(&[9, 5], None, false), stretch(&[7, 5], None, false)],
            &[spot(8), spot(9)],
            None,
        );
        assert_eq!(numbers(&merged), [9, 8, 7, 5]);
        assert_eq!((merged.floor, merged.more), (None, false));
    }

    #[test]
    fn nothing_below_the_shallowest_source_is_believed() {
        let deep = stretch(&[9, 5, 1], None, false);
        let marked = stretch(&[8, 6, 2], Some(6), false);
        let merged = merge(&[deep.clone(), marked], &[spot(3)], None);
        assert_eq!(numbers(&merged), [9, 8, 6]);
        assert_eq!((merged.floor, merged.more), (Some(spot(6)), false));
        let cut = stretch(&[8, 7], Some(2), true);
        let merged = merge(&[deep, cut], &[], None);
        assert_eq!(numbers(&merged), [9, 8, 7]);
        assert_eq!((merged.floor, merged.more), (Some(spot(7)), true));
    }

    #[test]
    fn only_what_lies_below_the_start_is_given() {
        let merged = merge(
            &[stretch(&[9, 8, 7], None, false)],
            &[spot(10)],
            Some(spot(8)),
        );
        assert_eq!(numbers(&merged), [7]);
    }
}
