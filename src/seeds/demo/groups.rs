//! Groups of the demo, seen by the popular one: she made two, is in one, was asked to one and has left
//! one. People are added to, invited to, named in and removed from them.

use std::collections::HashSet;

use chrono::TimeDelta;
use rand::rngs::StdRng;

use super::cast::CAST;
use super::talk::{Chats, Talk, are_friends, is_active, is_at_peace, person};
use crate::domains::messaging::{MemberRole, MemberState};
use crate::kernel::{Timestamp, UserId};
use crate::seeds::dataset::{Dataset, Deed};
use crate::seeds::draw::between;

/// Friends of so long take each other into groups.
const KNOWN: TimeDelta = TimeDelta::days(30);

const MEMBER: (MemberRole, MemberState) = (MemberRole::Member, MemberState::Active);
const ASKED: (MemberRole, MemberState) = (MemberRole::Member, MemberState::Request);

/// What becomes of a group.
#[derive(Default)]
struct Plot {
    title: &'static str,
    /// What it is called later.
    renamed: Option<&'static str>,
    /// The owner first.
    people: Vec<UserId>,
    /// Somebody who is added later.
    added: Option<UserId>,
    /// A stranger who is asked, and accepts.
    guest: Option<UserId>,
    /// A stranger who is asked, and has not answered.
    asked: Option<UserId>,
    /// Somebody who leaves.
    leaver: Option<UserId>,
    /// Somebody who is removed.
    removed: Option<UserId>,
    messages: usize,
}

/// Adds the groups.
pub fn write(rng: &mut StdRng, chats: &mut Chats<'_>, data: &Dataset) {
    let at = chats.tools.at;
    let [alice, bob, mona] = ["alice", "bob", "mona_mod"].map(|name| person(data, name));
    let (Some(alice), Some(bob), Some(mona)) = (alice, bob, mona) else {
        return;
    };
    let mut strangers = strangers(data, alice);
    let [choir, lake] = own(alice, strangers.next(), &friends(data, alice, at));
    let games = Plot {
        title: "Board games",
        people: [vec![bob, alice], others(data, bob, alice, at)].concat(),
        messages: 14,
        ..Plot::default()
    };
    let flat = Plot {
        title: "Flat in the old town",
        people: [vec![mona, alice], others(data, mona, alice, at)].concat(),
        leaver: Some(alice),
        messages: 22,
        ..Plot::default()
    };
    let mut plots = vec![(choir, 25), (lake, 29), (games, 4), (flat, 12)];
    if let Some(owner) = strangers.find(|one| others(data, *one, alice, at).len() > 1) {
        let park = Plot {
            title: "Neighbours of the park",
            people: [vec![owner], others(data, owner, alice, at)].concat(),
            asked: Some(alice),
            messages: 9,
            ..Plot::default()
        };
        plots.push((park, 2));
    }
    for (plot, days) in plots {
        act(rng, chats, &plot, at - TimeDelta::days(days));
    }
}

/// The groups that the popular one made.
fn own(alice: UserId, guest: Option<UserId>, friends: &[UserId]) -> [Plot; 2] {
    let some = |from: usize, many: usize| -> Vec<UserId> {
        let friends = friends.iter().skip(from).take(many).copied();
        std::iter::once(alice).chain(friends).collect()
    };
    let choir = Plot {
        title: "Choir on Tuesdays",
        renamed: Some("Choir on Wednesdays"),
        people: some(0, 5),
        added: friends.get(5).copied(),
        guest,
        leaver: friends.get(2).copied(),
        removed: friends.get(3).copied(),
        messages: 36,
        ..Plot::default()
    };
    let lake = Plot {
        title: "Trip to the lake",
        people: some(6, 6),
        messages: 30,
        ..Plot::default()
    };
    [choir, lake]
}

/// Active friends of somebody for a while.
fn friends(data: &Dataset, user: UserId, at: Timestamp) -> Vec<UserId> {
    let links = data.friendships.iter().filter(|link| link.at < at - KNOWN);
    let friends = links.filter_map(|link| match (link.from == user, link.to == user) {
        (true, _) => Some(link.to),
        (_, true) => Some(link.from),
        _ => None,
    });
    friends.filter(|id| is_active(data, *id)).collect()
}

/// A few friends of somebody, without a third person.
fn others(data: &Dataset, user: UserId, third: UserId, at: Timestamp) -> Vec<UserId> {
    let friends = friends(data, user, at).into_iter();
    let others = friends.filter(|id| *id != third && is_at_peace(data, *id));
    others.take(4).collect()
}

/// Active people who are no friends of somebody.
fn strangers(data: &Dataset, user: UserId) -> impl Iterator<Item = UserId> {
    let cast: HashSet<UserId> = CAST
        .iter()
        .filter_map(|role| person(data, role.username))
        .collect();
    let ids = data.accounts.iter().map(|account| account.id);
    ids.filter(move |id| {
        is_active(data, *id) && !cast.contains(id) && !are_friends(data, *id, user)
    })
}

/// Plays a plot from its beginning, some time after `since`.
fn act(rng: &mut StdRng, chats: &mut Chats<'_>, plot: &Plot, since: Timestamp) {
    let now = chats.tools.at;
    let Some((owner, others)) = plot.people.split_first() else {
        return;
    };
    let created_at = between(rng, since, since + (now.utc() - since.utc()) / 2);
    let mut talk = Talk::new(chats.tools, chats.next(), Some(plot.title), created_at);
    let role = (MemberRole::Owner, MemberState::Active);
    talk.seat(*owner, None, role, created_at);
    for (place, other) in others.iter().enumerate() {
        let is_admin = place == 1 && plot.removed.is_some();
        let role = if is_admin {
            MemberRole::Admin
        } else {
            MEMBER.0
        };
        talk.seat(*other, Some(*owner), (role, MEMBER.1), created_at);
    }
    for asked in plot.guest.into_iter().chain(plot.asked) {
        talk.seat(asked, Some(*owner), ASKED, created_at);
    }
    talk.tell(*owner, Deed::Created, plot.title, created_at);
    let instants = (0..plot.messages).map(|_| between(rng, created_at, now));
    let mut instants: Vec<Timestamp> = instants.collect();
    instants.sort_unstable();
    for (place, at) in instants.into_iter().enumerate() {
        step(rng, &mut talk, (plot, *owner), place, at);
    }
    chats.keep(talk.finish(rng));
}

/// What happens at each place of a plot.
fn step(
    rng: &mut StdRng,
    talk: &mut Talk<'_>,
    (plot, owner): (&Plot, UserId),
    place: usize,
    at: Timestamp,
) {
    let due = |when: usize, who: Option<UserId>| who.filter(|_| place == when);
    if let Some(user) = due(5, plot.added) {
        talk.tell(owner, Deed::Added(user), "", at);
        talk.seat(user, Some(owner), MEMBER, at);
    } else if let Some(title) = plot.renamed.filter(|_| place == 10) {
        talk.rename(owner, title, at);
    } else if let Some(user) = due(15, plot.leaver) {
        talk.part_with(user, user, at);
    } else if let Some(user) = due(20, plot.removed) {
        talk.part_with(owner, user, at);
    } else if let Some(user) = due(26, plot.guest) {
        talk.join(user, at);
    } else {
        talk.say(rng, at);
    }
}
