//! What people write and how their friends answer: posts in bursts, for different audiences, with
//! reactions that have a heavy tail and trees of comments. Only those who may see a post answer it.

use std::collections::HashMap;

use chrono::{TimeDelta, Timelike as _};
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

use super::dataset::{Comment, Dataset, Named, Post, Reaction};
use super::draw::{Draw, Thing, between, heavy_tail, weighted};
use super::people::index;
use super::words::Words;
use crate::domains::comments;
use crate::domains::posts::AudienceKind;
use crate::domains::reactions::{self, Target};
use crate::kernel::{CircleId, CommentId, PostId, Timestamp, UserId};

/// Days before the present over which posts are spread.
const DAYS: i64 = 60;
/// Most comments under one post.
const MOST_COMMENTS: usize = 60;
/// How many people write in each hour of the day, in UTC: a lull at night, a rise at noon, the most
/// in the evening.
const HOURS: [u32; 24] = [
    3, 2, 1, 1, 1, 2, 4, 8, 11, 10, 9, 10, 14, 13, 9, 8, 9, 12, 16, 20, 22, 19, 12, 6,
];

const AUDIENCES: &[(AudienceKind, u32)] = &[
    (AudienceKind::Public, 40),
    (AudienceKind::Friends, 50),
    (AudienceKind::OnlyMe, 5),
    (AudienceKind::Custom, 5),
];

const KINDS: &[(reactions::Kind, u32)] = &[
    (reactions::Kind::Like, 60),
    (reactions::Kind::Love, 16),
    (reactions::Kind::Haha, 9),
    (reactions::Kind::Wow, 5),
    (reactions::Kind::Care, 4),
    (reactions::Kind::Sad, 4),
    (reactions::Kind::Angry, 2),
];

/// Who knows whom, by place in the data set's accounts.
pub struct Crowd {
    /// Friends of each person.
    pub friends: Vec<Vec<usize>>,
    /// Posts of each person.
    pub posts: Vec<u32>,
    /// A circle of a person, with its members.
    pub circles: HashMap<usize, (CircleId, Vec<usize>)>,
    /// The present.
    pub at: Timestamp,
}

/// When the first posts are written.
pub fn begins(at: Timestamp) -> Timestamp {
    at - TimeDelta::days(DAYS)
}

/// Adds posts, comments and reactions of the crowd to the data set.
pub fn write(draw: &Draw, words: &Words, crowd: &Crowd, data: &mut Dataset) {
    let people: Vec<Person> = data
        .accounts
        .iter()
        .map(|account| Person {
            id: account.id,
            language: account.settings.language,
        })
        .collect();
    let mut scene = Scene {
        draw,
        words,
        crowd,
        people,
        data,
    };
    for author in 0..scene.people.len() {
        scene.let_write(author);
    }
}

#[derive(Clone, Copy)]
struct Person {
    id: UserId,
    language: &'static str,
}

/// A post while it is answered.
struct Thread {
    post: PostId,
    author: usize,
    number: u64,
    readers: Vec<usize>,
    since: Timestamp,
}

struct Scene<'a> {
    draw: &'a Draw,
    words: &'a Words,
    crowd: &'a Crowd,
    people: Vec<Person>,
    data: &'a mut Dataset,
}

impl Scene<'_> {
    fn let_write(&mut self, author: usize) {
        let mut rng = self.draw.rng(Thing::Doings, index(author));
        let Some(person) = self.people.get(author).copied() else {
            return;
        };
        let posts = self.crowd.posts.get(author).copied().unwrap_or(0);
        let times = moments(&mut rng, posts, self.crowd.at);
        for (place, at) in times.into_iter().enumerate() {
            // Leaves room for a thousand comments of each of a million posts.
            let number = index(author) * 1_000_000 + index(place);
            let id = self.draw.id(Thing::Post, number, at);
            let language = tongue(&mut rng, person.language);
            let text = self.words.post(&mut rng, language);
            let mut post = Post::new(id, person.id, text, at);
            let readers = self.choose_audience(&mut rng, author, &mut post);
            self.data.posts.push(post);
            let thread = Thread {
                post: id,
                author,
                number,
                readers,
                since: at,
            };
            self.react(&mut rng, id.into(), at, &thread.readers, 0.75, 0.62);
            self.discuss(&mut rng, &thread);
        }
    }

    /// Chooses whom a post is for; returns the friends who may see it.
    fn choose_audience(&self, rng: &mut StdRng, author: usize, post: &mut Post) -> Vec<usize> {
        let friends = self
            .crowd
            .friends
            .get(author)
            .map_or(&[][..], Vec::as_slice);
        post.audience = weighted(rng, AUDIENCES, AudienceKind::Friends);
        match post.audience {
            AudienceKind::Public | AudienceKind::Friends => friends.to_vec(),
            AudienceKind::OnlyMe => Vec::new(),
            AudienceKind::Custom => self.choose_custom(rng, author, friends, post),
        }
    }

    fn choose_custom(
        &self,
        rng: &mut StdRng,
        author: usize,
        friends: &[usize],
        post: &mut Post,
    ) -> Vec<usize> {
        let few = rng.random_range(1..=6);
        let some: Vec<usize> = friends.sample(rng, few).copied().collect();
        let named = |places: &[usize]| -> Vec<Named> {
            let ids = places.iter().filter_map(|place| self.people.get(*place));
            ids.map(|person| Named::Person(person.id)).collect()
        };
        match self.crowd.circles.get(&author) {
            Some((circle, members)) if rng.random_bool(0.5) => {
                post.allow = vec![Named::Circle(*circle)];
                members.clone()
            }
            _ if rng.random_bool(0.5) => {
                post.allow = named(&some);
                some
            }
            _ => {
                post.deny = named(&some);
                let may = |friend: &&usize| !some.contains(friend);
                friends.iter().filter(may).copied().collect()
            }
        }
    }

    /// Reactions of some readers, with the probability that there are any and that of each
    /// doubling of their number.
    fn react(
        &mut self,
        rng: &mut StdRng,
        target: Target,
        since: Timestamp,
        readers: &[usize],
        any: f64,
        again: f64,
    ) {
        if readers.is_empty() || !rng.random_bool(any) {
            return;
        }
        let many = heavy_tail(rng, again, readers.len());
        for reader in readers.sample(rng, many).copied().collect::<Vec<_>>() {
            let Some(person) = self.people.get(reader) else {
                continue;
            };
            self.data.reactions.push(Reaction {
                target,
                user: person.id,
                kind: weighted(rng, KINDS, reactions::Kind::Like),
                at: later(rng, since, self.crowd.at),
            });
        }
    }

    /// A tree of comments: some posts are talked about at length, by few and deep or by many.
    fn discuss(&mut self, rng: &mut StdRng, thread: &Thread) {
        if thread.readers.is_empty() || rng.random_bool(0.45) {
            return;
        }
        let many = heavy_tail(rng, 0.5, MOST_COMMENTS);
        let talkative = rng.random_range(0.2..0.8);
        let mut written: Vec<(CommentId, i16)> = Vec::with_capacity(many);
        let mut at = thread.since;
        for place in 0..many {
            let parent = if rng.random_bool(talkative) {
                let latest = written.last().copied();
                if rng.random_bool(0.6) {
                    latest
                } else {
                    written.choose(rng).copied()
                }
            } else {
                None
            };
            // Nothing hangs below the deepest reply.
            let parent = parent.filter(|(_, depth)| *depth < comments::MAX_DEPTH);
            at = later(rng, at, self.crowd.at);
            let comment = self.say(rng, thread, index(place), parent, at);
            if let Some((id, depth)) = comment {
                written.push((id, depth));
                self.react(rng, id.into(), at, &thread.readers, 0.25, 0.4);
            }
        }
    }

    fn say(
        &mut self,
        rng: &mut StdRng,
        thread: &Thread,
        place: u64,
        parent: Option<(CommentId, i16)>,
        at: Timestamp,
    ) -> Option<(CommentId, i16)> {
        let speaker = if rng.random_bool(0.25) {
            thread.author
        } else {
            thread.readers.choose(rng).copied()?
        };
        let person = self.people.get(speaker).copied()?;
        let id = self
            .draw
            .id(Thing::Comment, thread.number * 1_000 + place, at);
        let depth = parent.map_or(0, |(_, depth)| depth + 1);
        let language = tongue(rng, person.language);
        self.data.comments.push(Comment {
            id,
            post: thread.post,
            parent: parent.map(|(id, _)| id),
            depth,
            author: person.id,
            content: self.words.comment(rng, language),
            created_at: at,
            deleted_at: None,
        });
        Some((id, depth))
    }
}

/// People write their own language, and English now and then.
fn tongue(rng: &mut StdRng, own: &'static str) -> &'static str {
    if rng.random_bool(0.15) { "en" } else { own }
}

/// Moments of writing, oldest first: by the hour of the day, and often soon after the one before.
fn moments(rng: &mut StdRng, many: u32, at: Timestamp) -> Vec<Timestamp> {
    let hours: Vec<(i64, u32)> = (0..24).zip(HOURS).collect();
    let mut times: Vec<Timestamp> = Vec::new();
    for _ in 0..many {
        let burst = times.last().copied().filter(|_| rng.random_bool(0.2));
        let moment = if let Some(before) = burst {
            before + TimeDelta::seconds(rng.random_range(30..3_600))
        } else {
            let day = begins(at) + TimeDelta::days(rng.random_range(0..DAYS));
            let midnight =
                day - TimeDelta::seconds(i64::from(day.utc().num_seconds_from_midnight()));
            let hour = TimeDelta::hours(weighted(rng, &hours, 20));
            midnight + hour + TimeDelta::microseconds(rng.random_range(0..3_600_000_000))
        };
        times.push(moment.clamp(begins(at), at - TimeDelta::minutes(1)));
    }
    times.sort_unstable();
    times
}

/// A while after `since` and before the present; mostly soon.
fn later(rng: &mut StdRng, since: Timestamp, present: Timestamp) -> Timestamp {
    let minutes = i64::try_from(heavy_tail(rng, 0.75, 10_000)).unwrap_or(1);
    between(rng, since, present.min(since + TimeDelta::minutes(minutes)))
}
