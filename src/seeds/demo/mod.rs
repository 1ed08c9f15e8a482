//! The demo: a cast with known names among about 150 people, in every state that a frontend has to
//! show.

mod cast;
mod chats;
mod decorate;
mod dress;
mod friends;
mod groups;
mod phrases;
mod talk;

use std::collections::{HashMap, HashSet};

use rand::RngExt as _;

use super::activity::{self, Crowd};
use super::dataset::{Circle, Dataset, Link};
use super::draw::{Draw, Thing, between, heavy_tail};
use super::people::{Maker, index};
use super::report::Skipped;
use super::words::Words;
use crate::domains::posts::AudienceKind;
use crate::kernel::Timestamp;
use cast::{CAST, Part};
use phrases::Phrases;

pub use cast::demo_accounts;

/// Everybody, the cast included.
const PEOPLE: usize = 150;

/// Makes the demo.
pub fn build(seed: u64, at: Timestamp) -> anyhow::Result<(Dataset, Vec<Skipped>)> {
    let draw = Draw::new(seed, b"demo");
    let words = Words::read();
    let mut data = Dataset::default();
    people(&draw, &words, at, &mut data)?;
    let ties = friends::tie(&draw, PEOPLE);
    befriend(&draw, &ties, activity::begins(at), &mut data);
    let circles = circles(&draw, &ties, activity::begins(at), &mut data);
    let crowd = Crowd {
        posts: post_numbers(&draw),
        friends: ties,
        circles,
        at,
    };
    activity::write(&draw, &words, &crowd, &mut data);
    keep_private(&mut data);
    let phrases = Phrases::read();
    decorate::decorate(&draw, &words, &phrases, &crowd, &mut data);
    chats::write(&draw, &words, &phrases, at, &mut data);
    let skipped = Skipped {
        what: "user with two-factor sign-in",
        count: 1,
        reason: "kith has no two-factor sign-in yet",
    };
    Ok((data, vec![skipped]))
}

fn people(draw: &Draw, words: &Words, at: Timestamp, data: &mut Dataset) -> anyhow::Result<()> {
    let maker = Maker { draw, words };
    let mut taken: HashSet<String> = CAST.iter().map(|role| role.username.to_owned()).collect();
    for place in 0..PEOPLE {
        let role = CAST.get(place);
        let mut account = maker.person(index(place), String::new(), |name| match role {
            Some(role) => role.username.to_owned(),
            None if taken.contains(&name.ascii) => format!("{}{place}", name.ascii),
            None => name.ascii.clone(),
        })?;
        taken.insert(account.username.clone());
        account.email = format!("{}@demo.kith.example", account.username);
        if let Some(role) = role {
            role.play(&mut account, at);
        }
        data.accounts.push(account);
    }
    Ok(())
}

fn befriend(draw: &Draw, ties: &[Vec<usize>], until: Timestamp, data: &mut Dataset) {
    let mut rng = draw.rng(Thing::Friendship, 0);
    for (one, others) in ties.iter().enumerate() {
        for other in others.iter().filter(|other| **other > one) {
            let pair = (data.accounts.get(one), data.accounts.get(*other));
            let (Some(a), Some(b)) = pair else { continue };
            data.friendships.push(Link {
                from: a.id,
                to: b.id,
                at: between(&mut rng, a.created_at.max(b.created_at), until),
            });
        }
    }
}

/// A circle for every fourth person, of a third of their friends.
fn circles(
    draw: &Draw,
    ties: &[Vec<usize>],
    until: Timestamp,
    data: &mut Dataset,
) -> HashMap<usize, (crate::kernel::CircleId, Vec<usize>)> {
    let names = ["Family", "Work", "Choir", "Old school friends"];
    let mut circles = HashMap::new();
    for (place, friends) in ties.iter().enumerate().step_by(4) {
        let members: Vec<usize> = friends.iter().copied().step_by(3).collect();
        let Some(owner) = data.accounts.get(place).filter(|_| !members.is_empty()) else {
            continue;
        };
        let mut rng = draw.rng(Thing::Circle, index(place));
        let created_at = between(&mut rng, owner.created_at, until);
        let id = draw.id(Thing::Circle, index(place), created_at);
        let name = names.get(rng.random_range(0..names.len()));
        data.circles.push(Circle {
            id,
            owner: owner.id,
            name: name.copied().unwrap_or("Friends").to_owned(),
            members: members
                .iter()
                .filter_map(|member| data.accounts.get(*member))
                .map(|member| member.id)
                .collect(),
            created_at,
        });
        circles.insert(place, (id, members));
    }
    circles
}

/// How much everybody writes: most little, few a lot.
fn post_numbers(draw: &Draw) -> Vec<u32> {
    let mut rng = draw.rng(Thing::Post, u64::MAX);
    (0..PEOPLE)
        .map(|place| {
            let usual = u32::try_from(heavy_tail(&mut rng, 0.7, 40)).unwrap_or(1);
            CAST.get(place).map_or(usual, |role| role.posts(usual))
        })
        .collect()
}

/// The private person never writes for everybody.
fn keep_private(data: &mut Dataset) {
    let private = CAST.iter().position(|role| role.part == Part::Private);
    let Some(account) = private.and_then(|place| data.accounts.get(place)) else {
        return;
    };
    let posts = data
        .posts
        .iter_mut()
        .filter(|post| post.author == account.id);
    for post in posts.filter(|post| post.audience == AudienceKind::Public) {
        post.audience = AudienceKind::Friends;
    }
}
