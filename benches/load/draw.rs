//! Chance: which operation, which person, which post.

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::mix::{Mix, Op, Skew, Text};
use super::wire::Request;
use super::world::World;

const KINDS: &[&str] = &["like", "love", "care", "haha", "wow", "sad", "angry"];
const WORDS: &[&str] = &[
    "river", "morning", "bread", "window", "letter", "garden", "stone", "music", "harbour", "kite",
];

/// Draws places below `len`, some of them more often than others.
struct Sampler {
    ends: Vec<f64>,
    len: usize,
}

impl Sampler {
    fn new(skew: Skew, len: usize) -> Self {
        let weights: Vec<f64> = match skew {
            Skew::Uniform => vec![1.0],
            Skew::Zipf(shape) => (1..=len).map(|n| (n as f64).powf(-shape)).collect(),
            Skew::Ranges(weights) => weights.iter().map(|weight| f64::from(*weight)).collect(),
        };
        let mut sum = 0.0;
        let ends = weights.iter().map(|weight| {
            sum += weight;
            sum
        });
        Self {
            ends: ends.collect(),
            len,
        }
    }

    fn draw(&self, rng: &mut StdRng) -> usize {
        let Some(total) = self.ends.last() else {
            return 0;
        };
        let drawn = rng.random_range(0.0..*total);
        let range = self.ends.partition_point(|end| *end <= drawn);
        let ranges = self.ends.len();
        let (from, to) = (self.len * range / ranges, self.len * (range + 1) / ranges);
        if to <= from {
            return from.min(self.len.saturating_sub(1));
        }
        rng.random_range(from..to)
    }
}

/// A mix over a world, ready to be drawn from.
pub struct Drawing {
    shares: Vec<(f64, Op, Sampler)>,
    text: Text,
    /// Whether posts are deleted, so that those which are made have to be remembered.
    pub deletes: bool,
}

impl Drawing {
    /// A drawing of `mix` over the people and posts of `world`.
    pub fn new(mix: &Mix, world: &World) -> Self {
        let mut sum = 0.0;
        let shares = mix.parts.iter().map(|part| {
            sum += part.weight;
            let of_people = matches!(
                part.op,
                Op::Timeline | Op::Person | Op::Relation | Op::Follow
            );
            let len = if of_people {
                world.people.len()
            } else {
                world.posts.len()
            };
            (sum, part.op, Sampler::new(part.skew, len))
        });
        Self {
            shares: shares.collect(),
            text: mix.text,
            deletes: mix.parts.iter().any(|part| part.op == Op::Delete),
        }
    }

    /// The next operation and its request.
    pub fn next(&self, world: &World, rng: &mut StdRng) -> (Op, Request) {
        let total = self.shares.last().map_or(1.0, |(end, ..)| *end);
        let drawn = rng.random_range(0.0..total);
        let place = self.shares.partition_point(|(end, ..)| *end <= drawn);
        let Some((_, op, sampler)) = self.shares.get(place) else {
            return (Op::Livez, get("/livez".to_owned(), None));
        };
        self.request(*op, sampler, world, rng)
    }

    fn request(&self, op: Op, sampler: &Sampler, world: &World, rng: &mut StdRng) -> (Op, Request) {
        let me = world.anybody(rng);
        let token = Some(world.token(me));
        let request = match op {
            Op::Livez => get("/livez".to_owned(), None),
            Op::Feed => get("/v1/feed?limit=20".to_owned(), token),
            Op::Timeline => {
                let id = world.hot_person(sampler.draw(rng));
                get(format!("/v1/users/{id}/posts"), token)
            }
            Op::Person => {
                let id = world.hot_person(sampler.draw(rng));
                get(format!("/v1/users/{id}"), token)
            }
            Op::Relation => {
                let id = world.hot_person(sampler.draw(rng));
                get(format!("/v1/relationships?ids={id}"), token)
            }
            Op::Post => {
                let (id, _) = world.hot_post(sampler.draw(rng));
                get(format!("/v1/posts/{id}"), token)
            }
            Op::Comments => {
                let (id, _) = world.hot_post(sampler.draw(rng));
                get(format!("/v1/posts/{id}/comments"), token)
            }
            Op::Compose => return (op, self.compose(world, me, rng)),
            Op::Edit => {
                let (id, author) = world.hot_post(sampler.draw(rng));
                let body = serde_json::json!({ "content": self.content(world, rng) });
                write(
                    "PATCH",
                    format!("/v1/posts/{id}"),
                    world.token(author),
                    &body,
                )
            }
            Op::Delete => {
                let Some((id, author)) = world.take_made() else {
                    return (Op::Compose, self.compose(world, me, rng));
                };
                bare("DELETE", format!("/v1/posts/{id}"), world.token(author))
            }
            Op::Follow => {
                let id = world.hot_person_but(sampler.draw(rng), me);
                bare("PUT", format!("/v1/users/{id}/follow"), world.token(me))
            }
            Op::React => {
                let (id, _) = world.hot_post(sampler.draw(rng));
                let kind = KINDS.get(rng.random_range(0..KINDS.len()));
                let body = serde_json::json!({ "kind": kind });
                write(
                    "PUT",
                    format!("/v1/posts/{id}/reaction"),
                    world.token(me),
                    &body,
                )
            }
            Op::Unreact => {
                let (id, _) = world.hot_post(sampler.draw(rng));
                bare(
                    "DELETE",
                    format!("/v1/posts/{id}/reaction"),
                    world.token(me),
                )
            }
        };
        (op, request)
    }

    fn compose(&self, world: &World, me: usize, rng: &mut StdRng) -> Request {
        let body = serde_json::json!({ "content": self.content(world, rng) });
        write("POST", "/v1/posts".to_owned(), world.token(me), &body)
    }

    fn content(&self, world: &World, rng: &mut StdRng) -> String {
        let mut content = String::with_capacity(self.text.chars + 64);
        while content.len() < self.text.chars {
            content.push_str(WORDS.get(rng.random_range(0..WORDS.len())).unwrap_or(&""));
            content.push(' ');
        }
        let (least, most) = self.text.mentions;
        for _ in 0..rng.random_range(least..=most) {
            let somebody = world.anybody(rng);
            content.push('@');
            content.push_str(world.username(somebody));
            content.push(' ');
        }
        let (least, most) = self.text.links;
        for _ in 0..rng.random_range(least..=most) {
            let link = format!(
                "https://example.com/{:044x} ",
                rng.random_range(0..u64::MAX)
            );
            content.push_str(&link);
        }
        content
    }
}

/// A read.
pub fn get(path: String, token: Option<String>) -> Request {
    Request {
        method: "GET",
        path,
        token,
        body: None,
        key: None,
    }
}

/// A write with a body.
pub fn write(
    method: &'static str,
    path: String,
    token: String,
    body: &serde_json::Value,
) -> Request {
    Request {
        method,
        path,
        token: Some(token),
        body: Some(body.to_string()),
        key: None,
    }
}

/// A write without a body.
pub fn bare(method: &'static str, path: String, token: String) -> Request {
    Request {
        method,
        path,
        token: Some(token),
        body: None,
        key: None,
    }
}
