//! Who is whose friend in the demo: degrees are log-normal, and most friends are friends of friends
//! or neighbours, so that there are clusters.

use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};

use super::cast::{CAST, Part, place};
use crate::seeds::draw::{Draw, Thing};

/// Two neighbours are at most this far apart.
const NEAR: usize = 9;

/// Friends of each of `people` people, by place.
pub fn tie(draw: &Draw, people: usize) -> Vec<Vec<usize>> {
    let mut rng = draw.rng(Thing::Friendship, 1);
    let mut ties = Ties {
        friends: vec![Vec::new(); people],
        apart: place("dave").zip(place("erin")),
    };
    let open: Vec<usize> = (0..people).filter(|person| !is_alone(*person)).collect();
    befriend_cast(&mut rng, &mut ties, &open);
    let mut order = open.clone();
    order.shuffle(&mut rng);
    for person in order {
        let wanted = degree(&mut rng);
        for _ in 0..wanted * 4 {
            if ties.of(person).len() >= wanted {
                break;
            }
            if let Some(other) = candidate(&mut rng, &ties, &open, person) {
                ties.add(person, other);
            }
        }
    }
    ties.friends
}

struct Ties {
    friends: Vec<Vec<usize>>,
    /// Two who are never friends.
    apart: Option<(usize, usize)>,
}

impl Ties {
    fn of(&self, person: usize) -> &[usize] {
        self.friends.get(person).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, one: usize, other: usize) {
        let apart = self.apart == Some((one, other)) || self.apart == Some((other, one));
        if one == other || apart || self.of(one).contains(&other) {
            return;
        }
        for (person, friend) in [(one, other), (other, one)] {
            if let Some(friends) = self.friends.get_mut(person) {
                friends.push(friend);
            }
        }
    }
}

/// Whether chance gives somebody no friends.
fn is_alone(person: usize) -> bool {
    CAST.get(person)
        .is_some_and(|role| matches!(role.part, Part::New | Part::Private | Part::Gone))
}

/// The popular one knows seven of ten and all of the cast; the private one knows two.
fn befriend_cast(rng: &mut StdRng, ties: &mut Ties, open: &[usize]) {
    let Some(alice) = place("alice") else { return };
    for person in open {
        if *person < CAST.len() || rng.random_bool(0.7) {
            ties.add(alice, *person);
        }
    }
    let private = place("hermit");
    for friend in ["alice", "bob"] {
        if let Some((one, other)) = private.zip(place(friend)) {
            ties.add(one, other);
        }
    }
}

/// A number of friends: the product of many small chances, which is log-normal.
fn degree(rng: &mut StdRng) -> usize {
    let thousandths = (0..8).fold(11_000_usize, |product, _| {
        product * rng.random_range(700..1_360) / 1_000
    });
    (thousandths / 1_000).clamp(1, 70)
}

fn candidate(rng: &mut StdRng, ties: &Ties, open: &[usize], person: usize) -> Option<usize> {
    let other = match rng.random_range(0..10) {
        0..5 => {
            let friend = ties.of(person).choose(rng)?;
            ties.of(*friend).choose(rng).copied()?
        }
        5..9 => (person + rng.random_range(0..=2 * NEAR)).checked_sub(NEAR)?,
        _ => open.choose(rng).copied()?,
    };
    open.contains(&other).then_some(other)
}
