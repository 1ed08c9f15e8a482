//! What people of the demo write to each other: friends in twos, groups, requests of strangers.

use chrono::TimeDelta;
use rand::RngExt as _;
use rand::rngs::StdRng;

use super::groups;
use super::phrases::Phrases;
use super::talk::{Chats, Talk, Tools, are_friends, is_active, is_at_peace, person};
use crate::domains::messaging::{MemberRole, MemberState};
use crate::kernel::{Timestamp, UserId};
use crate::seeds::dataset::Dataset;
use crate::seeds::draw::{Draw, Thing, between};
use crate::seeds::words::Words;

/// Conversations of two between friends.
const PAIRS: usize = 40;

const MEMBER: (MemberRole, MemberState) = (MemberRole::Member, MemberState::Active);

/// Adds all of it.
pub fn write(draw: &Draw, words: &Words, phrases: &Phrases, at: Timestamp, data: &mut Dataset) {
    let mut rng = draw.rng(Thing::Conversation, 0);
    let names = data.accounts.iter();
    let tools = Tools {
        draw,
        words,
        phrases,
        names: names.map(|one| (one.id, one.username.clone())).collect(),
        at,
    };
    let mut chats = Chats {
        tools: &tools,
        made: Vec::new(),
        reactions: Vec::new(),
    };
    for link in data.friendships.iter().step_by(7).take(PAIRS) {
        if [link.from, link.to].iter().all(|id| is_active(data, *id)) {
            chats.talk(&mut rng, (link.from, link.to), link.at);
        }
    }
    groups::write(&mut rng, &mut chats, data);
    for (name, many) in [("bob", 2), ("alice", 2)] {
        chats.ask(&mut rng, data, name, many);
    }
    for name in ["alice", "bob"] {
        chats.tidy_up(person(data, name), at);
    }
    let Chats {
        made,
        mut reactions,
        ..
    } = chats;
    data.conversations = made;
    data.reactions.append(&mut reactions);
}

impl Chats<'_> {
    /// A conversation of two friends since some instant.
    fn talk(&mut self, rng: &mut StdRng, pair: (UserId, UserId), since: Timestamp) {
        let created_at = between(rng, since, self.tools.at);
        let mut talk = Talk::new(self.tools, self.next(), None, created_at);
        for user in [pair.0, pair.1] {
            talk.seat(user, None, MEMBER, created_at);
        }
        let length = rng.random_range(1..=24);
        let instants = (0..length).map(|_| between(rng, created_at, self.tools.at));
        let mut instants: Vec<Timestamp> = instants.collect();
        instants.sort_unstable();
        for at in instants {
            talk.say(rng, at);
        }
        self.keep(talk.finish(rng));
    }

    /// Some whom somebody does not know have written to them.
    fn ask(&mut self, rng: &mut StdRng, data: &Dataset, name: &str, many: usize) {
        let Some(asked) = person(data, name) else {
            return;
        };
        let strangers = data.accounts.iter().rev().map(|account| account.id);
        let strangers = strangers.filter(|id| {
            let is_stranger = *id != asked && !are_friends(data, *id, asked);
            is_stranger && is_active(data, *id) && is_at_peace(data, *id)
        });
        for stranger in strangers.take(many) {
            let since = self.tools.at - TimeDelta::days(3);
            let created_at = between(rng, since, self.tools.at);
            let mut talk = Talk::new(self.tools, self.next(), None, created_at);
            talk.seat(stranger, None, MEMBER, created_at);
            let written_at = between(rng, created_at, self.tools.at);
            talk.say(rng, written_at);
            let request = (MemberRole::Member, MemberState::Request);
            talk.seat(asked, Some(stranger), request, created_at);
            self.keep(talk.finish(rng));
        }
    }

    /// Of the conversations of two that somebody has, some are on top, quiet, put away or cleared in part.
    fn tidy_up(&mut self, user: Option<UserId>, at: Timestamp) {
        let direct = self.made.iter_mut().filter(|talk| talk.title.is_none());
        let own = direct.filter_map(|talk| {
            let mut seats = talk.seats.iter_mut();
            let seat = seats.find(|seat| Some(seat.user) == user)?;
            let top = talk.messages.len();
            (seat.state == MemberState::Active && top > 1).then_some((&mut seat.marks, top))
        });
        for (place, (marks, top)) in own.enumerate() {
            match place {
                0 => marks.pinned = true,
                1 => (marks.pinned, marks.muted_until) = (true, Some(at + TimeDelta::days(7))),
                2 => marks.muted_until = Some(at + TimeDelta::days(3_650)),
                3 | 4 => {
                    marks.archived = true;
                    (marks.read_up_to, marks.delivered_up_to) = (top, top);
                }
                5 => {
                    marks.cleared_up_to = top / 2;
                    marks.read_up_to = marks.read_up_to.max(top / 2);
                }
                _ => {}
            }
        }
    }
}
