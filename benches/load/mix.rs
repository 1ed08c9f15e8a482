//! The mixes as data: which operations, how often, and how unevenly the things they ask for are liked.

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    /// `GET /livez`.
    Livez,
    /// `GET /v1/feed`: the first page.
    Feed,
    /// `GET /v1/users/{id}/posts`: the first page.
    Timeline,
    /// `GET /v1/users/{id}`: a person with their counts.
    Person,
    /// `GET /v1/posts/{id}`.
    Post,
    /// `GET /v1/posts/{id}/comments`: the first page.
    Comments,
    /// `GET /v1/relationships?ids=`: what is between two people.
    Relation,
    /// `POST /v1/posts`.
    Compose,
    /// `PATCH /v1/posts/{id}` by its author.
    Edit,
    /// `DELETE /v1/posts/{id}`: a post that this run has made.
    Delete,
    /// `PUT /v1/users/{id}/follow`.
    Follow,
    /// `PUT /v1/posts/{id}/reaction`.
    React,
    /// `DELETE /v1/posts/{id}/reaction`.
    Unreact,
}

impl Op {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Livez => "livez",
            Self::Feed => "feed",
            Self::Timeline => "timeline",
            Self::Person => "person",
            Self::Post => "post",
            Self::Comments => "comments",
            Self::Relation => "relation",
            Self::Compose => "compose",
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::Follow => "follow",
            Self::React => "react",
            Self::Unreact => "unreact",
        }
    }

    /// Whether it reads what a cache may hold.
    pub fn reads(self) -> bool {
        matches!(
            self,
            Self::Feed
                | Self::Timeline
                | Self::Person
                | Self::Post
                | Self::Comments
                | Self::Relation
        )
    }
}

/// How often the things of a kind are asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Skew {
    /// All alike.
    Uniform,
    /// The nth of them in proportion to 1 / n^shape.
    Zipf(f64),
    /// As many ranges of equal size as there are weights; alike within a range.
    Ranges(&'static [u32]),
}

/// How often an operation is done, and on what.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// The operation.
    pub op: Op,
    /// Its share; the shares of a mix need no particular sum.
    pub weight: f64,
    /// How the post or person that it asks for is chosen. Who asks is drawn uniformly.
    pub skew: Skew,
}

/// What a composed post holds: text of `chars` characters, with so many mentions and links.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// Letters besides mentions and links.
    pub chars: usize,
    /// Fewest and most mentions.
    pub mentions: (usize, usize),
    /// Fewest and most links of 64 characters.
    pub links: (usize, usize),
}

/// A mix.
#[derive(Debug, Clone, Copy)]
pub struct Mix {
    /// Its name on the command line.
    pub name: &'static str,
    /// A line about it.
    pub about: &'static str,
    /// Its operations.
    pub parts: &'static [Part],
    /// What is composed.
    pub text: Text,
}

impl Mix {
    /// The mix of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        MIXES.iter().find(|mix| mix.name == name)
    }
}

const fn part(op: Op, weight: f64, skew: Skew) -> Part {
    Part { op, weight, skew }
}

const SHORT: Text = Text {
    chars: 150,
    mentions: (0, 0),
    links: (0, 0),
};

use Skew::{Ranges, Uniform, Zipf};

/// Weights of the fifty key ranges of `TAOBench` (`primary_shards`): 57.8 % of all requests go to the
/// hottest fiftieth of the keys.
const TAO_KEYS: &[u32] = &[
    94_036, 36_224, 3_600, 612, 612, 612, 612, 612, 614, 612, 612, 612, 612, 612, 612, 612, 614,
    612, 612, 612, 612, 612, 612, 612, 612, 614, 612, 612, 612, 612, 612, 612, 612, 614, 612, 612,
    612, 612, 612, 612, 612, 614, 612, 612, 612, 612, 612, 612, 612, 600,
];

/// All mixes.
pub const MIXES: &[Mix] = &[
    Mix {
        name: "dsb",
        about: "DeathStarBench, social network: home timeline 60, user timeline 30, compose 10",
        parts: &[
            part(Op::Feed, 60.0, Uniform),
            part(Op::Timeline, 30.0, Uniform),
            part(Op::Compose, 10.0, Uniform),
        ],
        text: Text {
            chars: 256,
            mentions: (1, 6),
            links: (1, 6),
        },
    },
    Mix {
        name: "nightcore",
        about: "Nightcore's variant: user timeline 40, home timeline 25, compose 30, follow 5",
        parts: &[
            part(Op::Timeline, 40.0, Uniform),
            part(Op::Feed, 25.0, Uniform),
            part(Op::Compose, 30.0, Uniform),
            part(Op::Follow, 5.0, Uniform),
        ],
        text: Text {
            chars: 256,
            mentions: (0, 2),
            links: (0, 2),
        },
    },
    Mix {
        name: "tao",
        about: "TAOBench: 99.8 % reads, shares within reads and within writes of workload A, its hot keys",
        parts: &[
            // Objects 475, ranges 376, points 68, counts 39 of 958 reads.
            part(Op::Post, 49.48, Ranges(TAO_KEYS)),
            part(Op::Comments, 39.17, Ranges(TAO_KEYS)),
            part(Op::Relation, 7.08, Ranges(TAO_KEYS)),
            part(Op::Person, 4.06, Ranges(TAO_KEYS)),
            // Edges changed 380, objects changed 214, objects made 111, edges made 10 of 715 writes.
            part(Op::React, 0.1063, Ranges(TAO_KEYS)),
            part(Op::Edit, 0.0599, Ranges(TAO_KEYS)),
            part(Op::Compose, 0.0310, Uniform),
            part(Op::Follow, 0.0028, Ranges(TAO_KEYS)),
        ],
        text: SHORT,
    },
    Mix {
        name: "linkbench",
        about: "LinkBench, the load below a cache: 69 % reads, Zipf by kind of operation",
        parts: &[
            part(Op::Comments, 50.7119, Zipf(0.8)),
            part(Op::Post, 12.9327, Zipf(0.625)),
            part(Op::Follow, 8.9887, Zipf(0.741)),
            part(Op::React, 8.0122, Zipf(0.741)),
            part(Op::Edit, 7.3664, Zipf(0.606)),
            part(Op::Person, 4.8864, Zipf(0.8)),
            part(Op::Unreact, 2.9908, Uniform),
            part(Op::Compose, 2.5733, Uniform),
            part(Op::Delete, 1.0116, Uniform),
            part(Op::Relation, 0.5261, Zipf(0.8)),
        ],
        text: Text {
            chars: 128,
            ..SHORT
        },
    },
    Mix {
        name: "feed",
        about: "home feeds alone: the first page of 20",
        parts: &[part(Op::Feed, 1.0, Uniform)],
        text: SHORT,
    },
    Mix {
        name: "livez",
        about: "GET /livez alone: neither sessions nor limits",
        parts: &[part(Op::Livez, 1.0, Uniform)],
        text: SHORT,
    },
    Mix {
        name: "post",
        about: "composing alone",
        parts: &[part(Op::Compose, 1.0, Uniform)],
        text: SHORT,
    },
];
