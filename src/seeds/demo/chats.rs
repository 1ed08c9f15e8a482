//! What people of the demo write to each other: friends in twos, two groups, a stranger's request.

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::cast::place;
use crate::domains::messaging::MemberState;
use crate::kernel::{ConversationId, Timestamp, UserId};
use crate::seeds::dataset::{Conversation, Dataset, Message, Seat};
use crate::seeds::draw::{Draw, Thing, between};
use crate::seeds::people::index;
use crate::seeds::words::Words;

/// Conversations of two between friends.
const PAIRS: usize = 40;

/// Adds all of it.
pub fn write(draw: &Draw, words: &Words, at: Timestamp, data: &mut Dataset) {
    let mut rng = draw.rng(Thing::Conversation, 0);
    let mut chats = Chats {
        draw,
        words,
        at,
        made: Vec::new(),
    };
    for link in data.friendships.iter().step_by(7).take(PAIRS) {
        let pair = [link.from, link.to];
        if pair.iter().all(|id| is_active(data, *id)) {
            let length = rng.random_range(1..=24);
            chats.talk(&mut rng, &pair, None, length, link.at);
        }
    }
    chats.talk_in_groups(&mut rng, data);
    chats.ask(&mut rng, data);
    data.conversations = chats.made;
}

fn is_active(data: &Dataset, user_id: UserId) -> bool {
    let found = data.accounts.iter().find(|account| account.id == user_id);
    found.is_some_and(|account| account.state == crate::seeds::dataset::State::Active)
}

struct Chats<'a> {
    draw: &'a Draw,
    words: &'a Words,
    at: Timestamp,
    made: Vec<Conversation>,
}

impl Chats<'_> {
    /// A conversation of `length` messages since some instant; everybody has read most of it.
    fn talk(
        &mut self,
        rng: &mut StdRng,
        people: &[UserId],
        title: Option<&'static str>,
        length: usize,
        since: Timestamp,
    ) {
        let number = index(self.made.len());
        let created_at = between(rng, since, self.at);
        let id: ConversationId = self.draw.id(Thing::Conversation, number, created_at);
        let mut instants: Vec<Timestamp> = (0..length)
            .map(|_| between(rng, created_at, self.at))
            .collect();
        instants.sort_unstable();
        let mut messages = Vec::new();
        let owner = people.first().copied().zip(title);
        messages.extend(owner.map(|(author, title)| {
            Message {
                id: self
                    .draw
                    .id(Thing::Message, number * 1_000 + 999, created_at),
                author,
                content: title.to_owned(),
                is_beginning: true,
                created_at,
            }
        }));
        for (place, created_at) in instants.into_iter().enumerate() {
            let author = people.get(rng.random_range(0..people.len()));
            let Some(author) = author.copied() else {
                continue;
            };
            messages.push(Message {
                id: self
                    .draw
                    .id(Thing::Message, number * 1_000 + index(place), created_at),
                author,
                content: self.words.comment(rng, "en"),
                is_beginning: false,
                created_at,
            });
        }
        let top = messages.len();
        let seats = people.iter().map(|user| {
            let behind = rng.random_range(0..=3_usize);
            let own = messages.iter().rposition(|message| message.author == *user);
            let own = own.map_or(0, |place| place + 1);
            Seat {
                user: *user,
                state: MemberState::Active,
                read_up_to: top.saturating_sub(behind).max(own),
            }
        });
        self.made.push(Conversation {
            id,
            title,
            seats: seats.collect(),
            messages,
            created_at,
        });
    }

    /// Two groups of the popular one and people whom she knows.
    fn talk_in_groups(&mut self, rng: &mut StdRng, data: &Dataset) {
        let Some(alice) = person(data, "alice") else {
            return;
        };
        let friends: Vec<(UserId, Timestamp)> = data
            .friendships
            .iter()
            .filter_map(|link| match (link.from == alice, link.to == alice) {
                (true, _) => Some((link.to, link.at)),
                (_, true) => Some((link.from, link.at)),
                _ => None,
            })
            .filter(|(id, _)| is_active(data, *id))
            .take(12)
            .collect();
        let since = friends.iter().map(|(_, at)| *at).max().unwrap_or(self.at);
        for (title, skip) in [("Choir on Tuesdays", 0), ("Trip to the lake", 6)] {
            let others = friends.iter().skip(skip).take(6).map(|(id, _)| *id);
            let people: Vec<UserId> = std::iter::once(alice).chain(others).collect();
            if people.len() > 2 {
                self.talk(rng, &people, Some(title), 30, since);
            }
        }
    }

    /// Somebody whom Bob does not know has written to him.
    fn ask(&mut self, rng: &mut StdRng, data: &Dataset) {
        let Some(bob) = person(data, "bob") else {
            return;
        };
        let are_friends = |one: UserId, other: UserId| {
            let pair = |link: &&crate::seeds::dataset::Link| {
                (link.from, link.to) == (one, other) || (link.from, link.to) == (other, one)
            };
            data.friendships.iter().find(pair).is_some()
        };
        let blocked = |one: UserId| {
            let mut blocks = data.blocks.iter();
            blocks.any(|link| [link.from, link.to].contains(&one))
        };
        let strangers = data.accounts.iter().rev().filter(|account| {
            is_active(data, account.id)
                && account.id != bob
                && !are_friends(account.id, bob)
                && !blocked(account.id)
        });
        for stranger in strangers.take(2) {
            let since = self.at - chrono::TimeDelta::days(3);
            self.talk(rng, &[stranger.id], None, 1, since);
            if let Some(made) = self.made.last_mut() {
                made.seats.push(Seat {
                    user: bob,
                    state: MemberState::Request,
                    read_up_to: 0,
                });
            }
        }
    }
}

fn person(data: &Dataset, name: &str) -> Option<UserId> {
    let found = place(name).and_then(|place| data.accounts.get(place));
    found.map(|account| account.id)
}
