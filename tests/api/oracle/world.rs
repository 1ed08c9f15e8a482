//! A small random world, and the naive rules of who sees what in it. The rules are written from the
//! contract, one sentence a line, and share nothing with the program.

use std::collections::HashSet;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Whom an audience names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A person, by number.
    Person(usize),
    /// A circle, by number.
    Circle(usize),
}

/// Whom a post is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Everybody.
    Public,
    /// Friends.
    Friends,
    /// Nobody else.
    OnlyMe,
    /// Friends who are allowed (all, without a list) and not denied.
    Custom {
        allow: Option<Vec<Entry>>,
        deny: Vec<Entry>,
    },
}

/// A post.
#[derive(Debug, Clone)]
pub struct Post {
    pub author: usize,
    pub audience: Audience,
    pub deleted: bool,
    pub shared: Option<usize>,
}

/// A comment on the post of this number.
#[derive(Debug, Clone)]
pub struct Comment {
    pub post: usize,
    pub author: usize,
}

/// Everything there is.
#[derive(Debug)]
pub struct World {
    pub people: usize,
    pub suspended: HashSet<usize>,
    /// Both ways round.
    pub friends: HashSet<(usize, usize)>,
    /// (follower, followee)
    pub follows: HashSet<(usize, usize)>,
    /// (blocker, blocked)
    pub blocks: HashSet<(usize, usize)>,
    /// (muter, muted)
    pub mutes: HashSet<(usize, usize)>,
    /// (owner, members)
    pub circles: Vec<(usize, HashSet<usize>)>,
    pub posts: Vec<Post>,
    pub comments: Vec<Comment>,
    /// (post, person)
    pub reactions: HashSet<(usize, usize)>,
    /// (person, post)
    pub hidden: HashSet<(usize, usize)>,
}

impl World {
    /// The world of this seed.
    pub fn random(seed: u64) -> Self {
        let rng = &mut StdRng::seed_from_u64(seed);
        let people = 7;
        let mut world = Self {
            people,
            suspended: (0..people).filter(|_| rng.random_bool(0.1)).collect(),
            friends: HashSet::new(),
            follows: HashSet::new(),
            blocks: HashSet::new(),
            mutes: HashSet::new(),
            circles: Vec::new(),
            posts: Vec::new(),
            comments: Vec::new(),
            reactions: HashSet::new(),
            hidden: HashSet::new(),
        };
        world.relate(rng);
        world.make_circles(rng);
        world.write(rng);
        world
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        let all = |a| (0..self.people).map(move |b| (a, b));
        (0..self.people)
            .flat_map(all)
            .filter(|(a, b)| a != b)
            .collect()
    }

    fn relate(&mut self, rng: &mut StdRng) {
        for (a, b) in self.pairs() {
            if rng.random_bool(0.08) && !self.friends.contains(&(a, b)) {
                self.blocks.insert((a, b));
            }
            if a < b && rng.random_bool(0.45) && !self.blocked(Some(a), b) {
                self.friends.extend([(a, b), (b, a)]);
            }
        }
        // A block ends friendship, so the two never stand beside each other.
        let blocks = self.blocks.clone();
        self.friends
            .retain(|(a, b)| !blocks.contains(&(*a, *b)) && !blocks.contains(&(*b, *a)));
        for (a, b) in self.pairs() {
            if rng.random_bool(0.2) && !self.blocked(Some(a), b) {
                self.follows.insert((a, b));
            }
            if rng.random_bool(0.08) {
                self.mutes.insert((a, b));
            }
        }
    }

    fn make_circles(&mut self, rng: &mut StdRng) {
        for owner in 0..self.people {
            let members = (0..self.people)
                .filter(|b| self.friends.contains(&(owner, *b)) && rng.random_bool(0.5))
                .collect();
            self.circles.push((owner, members));
        }
    }

    fn write(&mut self, rng: &mut StdRng) {
        for number in 0..40 {
            let author = rng.random_range(0..self.people);
            let audience = self.random_audience(rng, author);
            let shared = (number > 3 && rng.random_bool(0.2)).then(|| rng.random_range(0..number));
            let shared = shared.filter(|other: &usize| self.posts[*other].shared.is_none());
            self.posts.push(Post {
                author,
                audience,
                deleted: rng.random_bool(0.1),
                shared,
            });
        }
        for _ in 0..60 {
            let post = rng.random_range(0..self.posts.len());
            self.comments.push(Comment {
                post,
                author: rng.random_range(0..self.people),
            });
            let other = rng.random_range(0..self.posts.len());
            self.reactions
                .insert((other, rng.random_range(0..self.people)));
            if rng.random_bool(0.1) {
                self.hidden.insert((rng.random_range(0..self.people), post));
            }
        }
    }

    fn random_audience(&self, rng: &mut StdRng, author: usize) -> Audience {
        let mut entries = |chance: f64| -> Vec<Entry> {
            let people = (0..self.people).filter(|b| *b != author).map(Entry::Person);
            people
                .chain([Entry::Circle(author)])
                .filter(|_| rng.random_bool(chance))
                .collect()
        };
        let allow = Some(entries(0.4)).filter(|list| !list.is_empty());
        let deny = entries(0.2);
        match rng.random_range(0..6) {
            0 | 1 => Audience::Public,
            2 | 3 => Audience::Friends,
            4 => Audience::OnlyMe,
            _ => Audience::Custom { allow, deny },
        }
    }

    fn blocked(&self, viewer: Option<usize>, other: usize) -> bool {
        viewer.is_some_and(|viewer| {
            self.blocks.contains(&(viewer, other)) || self.blocks.contains(&(other, viewer))
        })
    }

    fn are_friends(&self, viewer: Option<usize>, other: usize) -> bool {
        viewer.is_some_and(|viewer| self.friends.contains(&(viewer, other)))
    }

    fn is_in(&self, entries: &[Entry], person: usize) -> bool {
        entries.iter().any(|entry| match entry {
            Entry::Person(one) => *one == person,
            Entry::Circle(circle) => self.circles[*circle].1.contains(&person),
        })
    }

    /// A person is seen if they are active and there is no block either way.
    pub fn sees_person(&self, viewer: Option<usize>, person: usize) -> bool {
        !self.suspended.contains(&person) && !self.blocked(viewer, person)
    }

    /// "Who sees what", a post.
    pub fn sees_post(&self, viewer: Option<usize>, number: usize) -> bool {
        let post = &self.posts[number];
        if post.deleted || !self.sees_person(viewer, post.author) {
            return false;
        }
        if viewer == Some(post.author) {
            return true;
        }
        match &post.audience {
            Audience::Public => true,
            Audience::Friends => self.are_friends(viewer, post.author),
            Audience::OnlyMe => false,
            Audience::Custom { allow, deny } => {
                self.are_friends(viewer, post.author)
                    && viewer.is_some_and(|viewer| {
                        allow.as_ref().is_none_or(|allow| self.is_in(allow, viewer))
                            && !self.is_in(deny, viewer)
                    })
            }
        }
    }

    /// A comment is seen where its post is, unless viewer and commenter block each other.
    pub fn sees_comment(&self, viewer: Option<usize>, number: usize) -> bool {
        let comment = &self.comments[number];
        self.sees_post(viewer, comment.post) && !self.blocked(viewer, comment.author)
    }

    /// The home feed: posts by the viewer, their friends and those they follow, that the viewer may
    /// see, less muted authors and hidden posts.
    pub fn feeds(&self, viewer: usize, number: usize) -> bool {
        let author = self.posts[number].author;
        let from = author == viewer
            || self.friends.contains(&(viewer, author))
            || self.follows.contains(&(viewer, author));
        from && self.sees_post(Some(viewer), number)
            && !self.mutes.contains(&(viewer, author))
            && !self.hidden.contains(&(viewer, number))
    }
}
