//! Any graph of friendships: a file with one edge a line, `a b` or `a,b`.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::activity::{self, Crowd};
use super::dataset::{Dataset, Link};
use super::draw::{Draw, Thing, between};
use super::people::{Maker, index};
use super::problems::Problems;
use super::report::Skipped;
use super::words::Words;
use crate::kernel::Timestamp;

/// What to make of which file.
#[derive(Debug, Clone)]
pub struct Source {
    /// The edges.
    pub file: PathBuf,
    /// Posts of each person.
    pub posts_per_user: u32,
    /// Seed number.
    pub seed: u64,
    /// The instant that the load takes for the present.
    pub at: Timestamp,
}

/// The edges of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct EdgeList {
    /// The numbers of the people, in order of their first edge.
    pub labels: Vec<u64>,
    /// Edges between places in `labels`, each once.
    pub edges: Vec<(usize, usize)>,
    /// Edges from somebody to themselves.
    pub loops: u64,
    /// Edges that came before, in this or the other direction.
    pub repeated: u64,
}

/// Reads edges: two whole numbers a line, parted by blanks or a comma. Empty lines and lines that
/// begin with `#` or `%` do not count, and the first other line may name the columns.
pub fn parse(file: &Path, text: &str) -> anyhow::Result<EdgeList> {
    let mut list = EdgeList::default();
    let mut problems = Problems::default();
    let mut places: HashMap<u64, usize> = HashMap::new();
    let mut seen: HashSet<(usize, usize)> = HashSet::new();
    let mut header_allowed = true;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() || line.starts_with(['#', '%']) {
            continue;
        }
        let may_be_header = std::mem::take(&mut header_allowed);
        let fields: Vec<&str> = line
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|field| !field.is_empty())
            .collect();
        let [left, right] = fields.as_slice() else {
            problems.add(
                file,
                number + 1,
                "expected two numbers, as in `1 2` or `1,2`",
            );
            continue;
        };
        let (Ok(a), Ok(b)) = (left.parse::<u64>(), right.parse::<u64>()) else {
            let names = left.parse::<u64>().is_err() && right.parse::<u64>().is_err();
            if !(may_be_header && names) {
                problems.add(
                    file,
                    number + 1,
                    &format!("`{left}` and `{right}` are not two whole numbers"),
                );
            }
            continue;
        };
        if a == b {
            list.loops += 1;
            continue;
        }
        let mut place = |label: u64| {
            *places.entry(label).or_insert_with(|| {
                list.labels.push(label);
                list.labels.len() - 1
            })
        };
        let edge = (place(a), place(b));
        if seen.insert((edge.0.min(edge.1), edge.0.max(edge.1))) {
            list.edges.push(edge);
        } else {
            list.repeated += 1;
        }
    }
    problems.finish()?;
    anyhow::ensure!(!list.edges.is_empty(), "{} has no edges", file.display());
    Ok(list)
}

/// Reads a file and makes people, friendships and what they write of it.
pub fn build(source: &Source) -> anyhow::Result<(Dataset, Vec<Skipped>)> {
    let file = &source.file;
    let bytes =
        std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let text = std::str::from_utf8(&bytes)
        .with_context(|| format!("{} is not text in UTF-8", file.display()))?;
    let list = parse(file, text)?;
    // The file's bytes are part of the source, so that two graphs never share an id.
    let draw = Draw::new(source.seed, &[b"graph ", bytes.as_slice()].concat());
    let words = Words::read();
    let maker = Maker {
        draw: &draw,
        words: &words,
    };

    let mut data = Dataset::default();
    for (place, label) in list.labels.iter().enumerate() {
        let email = format!("u{label}@graph.kith.example");
        data.accounts
            .push(maker.person(index(place), email, |name| handle(&name.ascii, *label))?);
    }
    data.friendships = befriend(&draw, &data, &list, activity::begins(source.at));
    let crowd = Crowd {
        friends: friends(&list),
        posts: vec![source.posts_per_user; list.labels.len()],
        circles: HashMap::new(),
        at: source.at,
    };
    activity::write(&draw, &words, &crowd, &mut data);
    Ok((data, skipped(&list)))
}

/// A name and the person's number in the file, which no two people share.
fn handle(name: &str, label: u64) -> String {
    let number = label.to_string();
    let name: String = name.chars().take(29 - number.len()).collect();
    format!("{name}.{number}")
}

fn befriend(draw: &Draw, data: &Dataset, list: &EdgeList, until: Timestamp) -> Vec<Link> {
    let mut rng = draw.rng(Thing::Friendship, 0);
    list.edges
        .iter()
        .filter_map(|(a, b)| {
            let (a, b) = (data.accounts.get(*a)?, data.accounts.get(*b)?);
            let met = a.created_at.max(b.created_at);
            Some(Link {
                from: a.id,
                to: b.id,
                at: between(&mut rng, met, until),
            })
        })
        .collect()
}

fn friends(list: &EdgeList) -> Vec<Vec<usize>> {
    let mut friends = vec![Vec::new(); list.labels.len()];
    for (a, b) in &list.edges {
        for (one, other) in [(*a, *b), (*b, *a)] {
            if let Some(of_one) = friends.get_mut(one) {
                of_one.push(other);
            }
        }
    }
    friends
}

fn skipped(list: &EdgeList) -> Vec<Skipped> {
    [
        ("edges", list.loops, "nobody is their own friend"),
        ("edges", list.repeated, "the same two people came before"),
    ]
    .into_iter()
    .filter(|(_, count, _)| *count > 0)
    .map(|(what, count, reason)| Skipped {
        what,
        count,
        reason,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<EdgeList> {
        parse(Path::new("g.txt"), text)
    }

    #[test]
    fn blanks_commas_comments_and_a_header_are_read() {
        let list = read("# a graph\nsource,target\n1,2\n2 3\n\n3\t1\n").expect("read");
        assert_eq!(list.labels, [1, 2, 3]);
        assert_eq!(list.edges, [(0, 1), (1, 2), (2, 0)]);
    }

    #[test]
    fn loops_and_repetitions_in_both_directions_are_counted() {
        let list = read("1 2\n2 1\n1 2\n7 7\n").expect("read");
        assert_eq!((list.edges.len(), list.repeated, list.loops), (1, 2, 1));
        assert_eq!(list.labels, [1, 2]);
    }

    #[test]
    fn a_malformed_line_is_named_by_file_and_number() {
        for (text, line) in [
            ("1 2\nx y\n", "g.txt:2:"),
            ("a b\nc d\n", "g.txt:2:"),
            ("1 2\n3\n", "g.txt:2:"),
            ("# c\n\n1 2 3\n", "g.txt:3:"),
            ("1 -2\n", "g.txt:1:"),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.contains(line), "{error}");
        }
        assert!(read("# nothing\n").is_err());
    }

    #[test]
    fn a_handle_is_a_username() {
        for label in [0, u64::MAX] {
            let handle = handle("alexandrina.zimmermann", label);
            assert!(
                crate::domains::users::Username::parse(&handle).is_ok(),
                "{handle}"
            );
        }
    }
}
