//! Merging sources of posts into one list: no further down than the shallowest of them is complete.

use super::{Position, Segment};

/// Posts of all sources together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Newest first.
    pub posts: Vec<Position>,
    /// Down to where they are all there is; `None`: to the end of the feed.
    pub floor: Option<Position>,
    /// Whether the source that ends at the floor has more below it.
    pub more: bool,
}

/// Merges segments, and `single` posts from elsewhere, into the posts below `from`.
pub fn merge(segments: &[Segment], single: &[Position], from: Option<Position>) -> Merged {
    // A source that was cut ends at the last post that it gave; a watermark further up ends it there.
    let floors = segments.iter().map(|segment| {
        let last = segment.posts.last().copied().filter(|_| segment.cut);
        let floor = last.max(segment.watermark);
        (
            floor,
            floor.is_some() && last == floor && last != segment.watermark,
        )
    });
    let (floor, more) = floors.max().unwrap_or((None, false));
    let all = segments.iter().flat_map(|segment| &segment.posts);
    let mut posts: Vec<Position> = all
        .chain(single)
        .copied()
        .filter(|position| floor.is_none_or(|floor| *position >= floor))
        .filter(|position| from.is_none_or(|from| *position < from))
        .collect();
    posts.sort_unstable_by(|one, other| other.cmp(one));
    posts.dedup();
    Merged { posts, floor, more }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn position(number: u64) -> Position {
        (
            i64::try_from(number).expect("small"),
            Uuid::from_u128(u128::from(number)),
        )
    }

    fn segment(numbers: &[u64], watermark: Option<u64>, cut: bool) -> Segment {
        Segment {
            posts: numbers.iter().map(|number| position(*number)).collect(),
            watermark: watermark.map(position),
            cut,
            worn: false,
        }
    }

    fn numbers(merged: &Merged) -> Vec<i64> {
        merged.posts.iter().map(|(micros, _)| *micros).collect()
    }

    #[test]
    fn sources_are_merged_newest_first_without_doubles() {
        let merged = merge(
            &[segment(&[9, 5], None, false), segment(&[7, 5], None, false)],
            &[position(8), position(9)],
            None,
        );
        assert_eq!(numbers(&merged), [9, 8, 7, 5]);
        assert_eq!((merged.floor, merged.more), (None, false));
    }

    #[test]
    fn nothing_below_the_shallowest_source_is_believed() {
        let deep = segment(&[9, 5, 1], None, false);
        let shallow = segment(&[8, 6, 2], Some(6), false);
        let merged = merge(&[deep.clone(), shallow], &[position(3)], None);
        assert_eq!(numbers(&merged), [9, 8, 6]);
        assert_eq!((merged.floor, merged.more), (Some(position(6)), false));
        let cut = segment(&[8, 7], Some(2), true);
        let merged = merge(&[deep, cut], &[], None);
        assert_eq!(numbers(&merged), [9, 8, 7]);
        assert_eq!((merged.floor, merged.more), (Some(position(7)), true));
    }

    #[test]
    fn only_what_lies_below_the_start_is_given() {
        let merged = merge(
            &[segment(&[9, 8, 7], None, false)],
            &[position(10)],
            Some(position(8)),
        );
        assert_eq!(numbers(&merged), [7]);
    }
}
