//! A conversation while it is made: who comes and goes, what is said, and what becomes of that; and those
//! that are finished.

use std::collections::HashMap;

use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

use super::cast::place;
use super::phrases::{Phrases, Place};
use crate::domains::messaging::{MemberRole, MemberState};
use crate::domains::reactions::Kind;
use crate::kernel::{Timestamp, UserId};
use crate::seeds::dataset::{
    Conversation, Dataset, Deed, Departure, Marks, Message, Reaction, Seat, State,
};
use crate::seeds::draw::{Draw, Thing, between, weighted};
use crate::seeds::people::index;
use crate::seeds::words::Words;

/// Leaves room for so many messages in each conversation.
const MOST_MESSAGES: u64 = 1_000;

/// How people react to messages.
const KINDS: &[(Kind, u32)] = &[
    (Kind::Like, 5),
    (Kind::Love, 3),
    (Kind::Haha, 3),
    (Kind::Wow, 1),
];

/// What conversations are made of.
pub struct Tools<'a> {
    /// Where ids come from.
    pub draw: &'a Draw,
    /// What people say.
    pub words: &'a Words,
    /// What they say with names and links in it.
    pub phrases: &'a Phrases,
    /// What people are called.
    pub names: HashMap<UserId, String>,
    /// The present.
    pub at: Timestamp,
}

/// A conversation while it is made.
pub struct Talk<'a> {
    tools: &'a Tools<'a>,
    number: u64,
    made: Conversation,
}

impl<'a> Talk<'a> {
    /// One in which nobody is yet.
    pub fn new(
        tools: &'a Tools<'a>,
        number: u64,
        title: Option<&'static str>,
        created_at: Timestamp,
    ) -> Self {
        Self {
            tools,
            number,
            made: Conversation {
                id: tools.draw.id(Thing::Conversation, number, created_at),
                title,
                version: 1,
                seats: Vec::new(),
                messages: Vec::new(),
                created_at,
            },
        }
    }

    /// Lets somebody in, or asks them.
    pub fn seat(
        &mut self,
        user: UserId,
        invited_by: Option<UserId>,
        (role, state): (MemberRole, MemberState),
        joined_at: Timestamp,
    ) {
        self.made.seats.push(Seat {
            user,
            invited_by,
            role,
            state,
            joined_at,
            left: None,
            marks: Marks::default(),
        });
    }

    /// Notes what somebody did.
    pub fn tell(&mut self, author: UserId, deed: Deed, content: &str, at: Timestamp) {
        self.add(author, content.to_owned(), Some(deed), at);
    }

    /// Gives the group another title.
    pub fn rename(&mut self, author: UserId, title: &'static str, at: Timestamp) {
        self.made.title = Some(title);
        self.made.version += 1;
        self.tell(author, Deed::Titled, title, at);
    }

    /// Lets somebody go, who leaves or is removed.
    pub fn part_with(&mut self, actor: UserId, user: UserId, at: Timestamp) {
        let deed = if actor == user {
            Deed::Left
        } else {
            Deed::Removed(user)
        };
        self.tell(actor, deed, "", at);
        let left = Departure {
            seq: self.made.messages.len(),
            at,
            title: self.made.title.unwrap_or_default(),
            version: self.made.version,
        };
        for seat in self.made.seats.iter_mut().filter(|seat| seat.user == user) {
            (seat.state, seat.role) = (MemberState::Left, MemberRole::Member);
            seat.left = Some(left);
        }
    }

    /// Somebody who was asked accepts.
    pub fn join(&mut self, user: UserId, at: Timestamp) {
        self.tell(user, Deed::Joined, "", at);
        for seat in self.made.seats.iter_mut().filter(|seat| seat.user == user) {
            seat.state = MemberState::Active;
        }
    }

    /// Somebody who is in it says something, perhaps in answer.
    pub fn say(&mut self, rng: &mut StdRng, at: Timestamp) {
        let present = self.present();
        let Some(author) = present.choose(rng).copied() else {
            return;
        };
        let others: Vec<&UserId> = present.iter().filter(|user| **user != author).collect();
        let called = others.choose(rng).and_then(|id| self.tools.names.get(*id));
        let content = match called {
            Some(name) if rng.random_bool(0.15) => {
                self.tools.phrases.phrase(rng, Place::Message, name)
            }
            _ => self.tools.words.comment(rng, "en"),
        };
        let written = self.made.messages.iter().filter(|one| one.deed.is_none());
        let written: Vec<_> = written.map(|message| message.id).collect();
        let answered = written.choose(rng).copied();
        self.add(author, content, None, at);
        if rng.random_bool(0.2)
            && let Some(message) = self.made.messages.last_mut()
        {
            message.reply_to = answered;
        }
    }

    fn present(&self) -> Vec<UserId> {
        let seats = self.made.seats.iter();
        let active = seats.filter(|seat| seat.state == MemberState::Active);
        active.map(|seat| seat.user).collect()
    }

    fn add(&mut self, author: UserId, content: String, deed: Option<Deed>, at: Timestamp) {
        let number = self.number * MOST_MESSAGES + index(self.made.messages.len());
        self.made.messages.push(Message {
            id: self.tools.draw.id(Thing::Message, number, at),
            author,
            content,
            deed,
            reply_to: None,
            created_at: at,
            edited_at: None,
            deleted_at: None,
        });
    }

    /// Lets people edit, delete, react and read.
    pub fn finish(mut self, rng: &mut StdRng) -> (Conversation, Vec<Reaction>) {
        self.change_words(rng);
        let reactions = self.react(rng);
        self.read(rng);
        (self.made, reactions)
    }

    /// What is deleted goes last, so that nobody answers what is not there.
    fn change_words(&mut self, rng: &mut StdRng) {
        let last = self.made.messages.last().map(|last| last.created_at);
        let (now, words) = (self.tools.at, self.tools.words);
        let present = self.present();
        let written = self.made.messages.iter_mut();
        for message in written.filter(|one| one.deed.is_none() && present.contains(&one.author)) {
            match rng.random_range(0..100) {
                0..7 => {
                    message.content = format!("{} {}", message.content, words.comment(rng, "en"));
                    message.edited_at = Some(between(rng, message.created_at, now));
                }
                7..11 => {
                    message.content.clear();
                    message.deleted_at = Some(between(rng, last.unwrap_or(now), now));
                }
                _ => {}
            }
        }
    }

    fn react(&self, rng: &mut StdRng) -> Vec<Reaction> {
        let seats = self.made.seats.iter();
        let seats: Vec<&Seat> = seats.filter(|s| s.state == MemberState::Active).collect();
        let written = self.made.messages.iter();
        let written = written.filter(|one| one.deed.is_none() && one.deleted_at.is_none());
        let mut reactions = Vec::new();
        for message in written {
            if !rng.random_bool(0.2) {
                continue;
            }
            let many = rng.random_range(1..=3);
            for seat in seats.sample(rng, many).copied().collect::<Vec<_>>() {
                let since = message.created_at.max(self.came(seat));
                reactions.push(Reaction {
                    target: message.id.into(),
                    user: seat.user,
                    kind: weighted(rng, KINDS, Kind::Like),
                    at: between(rng, since, self.tools.at),
                });
            }
        }
        reactions
    }

    /// When somebody who is in it came: whoever was asked had to accept first.
    fn came(&self, seat: &Seat) -> Timestamp {
        let mut told = self.made.messages.iter();
        let joined = told.find(|one| one.deed == Some(Deed::Joined) && one.author == seat.user);
        joined.map_or(seat.joined_at, |joined| joined.created_at)
    }

    /// Everybody has read most of it, and what they wrote themselves; some don't let others know.
    fn read(&mut self, rng: &mut StdRng) {
        let (messages, everything) = (&self.made.messages, self.made.messages.len());
        for seat in &mut self.made.seats {
            let behind = rng.random_range(0..=3_usize);
            let (tells, has_come) = (rng.random_bool(0.9), rng.random_bool(0.7));
            if seat.state == MemberState::Request {
                continue;
            }
            let top = seat.left.map_or(everything, |left| left.seq);
            let own = messages
                .iter()
                .take(top)
                .rposition(|one| one.author == seat.user);
            let own = own.map_or(0, |place| place + 1);
            let read = top.saturating_sub(behind).max(own);
            let shown = if tells { read } else { own };
            seat.marks.read_up_to = read;
            seat.marks.shown_up_to = shown;
            seat.marks.delivered_up_to = if has_come { top } else { shown };
        }
    }
}

/// Whether somebody can sign in.
pub fn is_active(data: &Dataset, user_id: UserId) -> bool {
    let found = data.accounts.iter().find(|account| account.id == user_id);
    found.is_some_and(|account| account.state == State::Active)
}

/// Whether two are friends.
pub fn are_friends(data: &Dataset, one: UserId, other: UserId) -> bool {
    let mut links = data.friendships.iter();
    links.any(|link| (link.from, link.to) == (one, other) || (link.from, link.to) == (other, one))
}

/// Whether somebody has blocked nobody and is blocked by nobody.
pub fn is_at_peace(data: &Dataset, user_id: UserId) -> bool {
    let mut blocks = data.blocks.iter();
    !blocks.any(|link| [link.from, link.to].contains(&user_id))
}

/// Somebody of the cast.
pub fn person(data: &Dataset, name: &str) -> Option<UserId> {
    let found = place(name).and_then(|place| data.accounts.get(place));
    found.map(|account| account.id)
}

/// The conversations that are made.
pub struct Chats<'a> {
    /// What they are made of.
    pub tools: &'a Tools<'a>,
    /// Those that are finished.
    pub made: Vec<Conversation>,
    /// Reactions to what is said in them.
    pub reactions: Vec<Reaction>,
}

impl Chats<'_> {
    /// The number of the next one.
    pub fn next(&self) -> u64 {
        index(self.made.len())
    }

    /// Keeps one that is finished.
    pub fn keep(&mut self, (made, mut reactions): (Conversation, Vec<Reaction>)) {
        self.made.push(made);
        self.reactions.append(&mut reactions);
    }
}
